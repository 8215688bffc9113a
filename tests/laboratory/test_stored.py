"""The stored benchmark is summarised by kind of shape, and nothing else is taken for one."""

import json
from pathlib import Path

import pytest

from explorer.laboratory.stored import LIBRARY, Group, groups, stored_rows


def row(group, ratio, algorithm="im2col", threads=1, peer=LIBRARY, memory=1.0):
    return {
        "case": "c", "group": group, "threads": threads, "algorithm": algorithm, "ours_ms": ratio,
        "peer": peer, "peer_ms": 1.0, "ratio": ratio, "memory": memory, "something else": 0,
    }  # fmt: skip


def test_groups_by_hand(tmp_path):
    path = tmp_path / "convolution.json"
    rows = [
        row("3×3", 0.5, "winograd", memory=4.5), row("3×3", 2.0), row("3×3", 1.0, "winograd"),
        row("3×3", 0.9, threads=2), row("1×1", 0.8), row("1×1", 7.0, peer="fftconvolve", memory=None),
    ]  # fmt: skip
    path.write_text(json.dumps(rows))
    assert groups(stored_rows(path)) == (
        Group("3×3", LIBRARY, 1, 3, pytest.approx(1.0), 0.5, 2.0, 4.5, ("winograd", "im2col")),
        Group("3×3", LIBRARY, 2, 1, pytest.approx(0.9), 0.9, 0.9, 1.0, ("im2col",)),
        Group("1×1", LIBRARY, 1, 1, pytest.approx(0.8), 0.8, 0.8, 1.0, ("im2col",)),
        Group("1×1", "fftconvolve", 1, 1, pytest.approx(7.0), 7.0, 7.0, None, ("im2col",)),
    )


def test_the_benchmark_in_the_repository_can_be_read():
    stored = stored_rows(Path(__file__).parents[2] / "benchmarks" / "convolution.json")
    assert len(stored) > 40
    assert {each.peer for each in stored} >= {LIBRARY, "cv2.filter2D", "correlate2d"}
    assert all(each.ratio == pytest.approx(each.ours_ms / each.peer_ms) for each in stored)


def test_no_file_is_no_row(tmp_path):
    assert stored_rows(tmp_path / "none.json") == ()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"peer": "F.conv2d"}]', "3", '{"a": 1}'])
def test_something_else_is_refused(tmp_path, text):
    path = tmp_path / "convolution.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"convolution\.json is no stored benchmark"):
        stored_rows(path)
