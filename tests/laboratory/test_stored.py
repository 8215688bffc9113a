"""The stored benchmark is summarised by kind of shape, and nothing else is taken for one."""

import json

import pytest

from explorer.laboratory.stored import Group, stored_groups


def row(group, ratio, algorithm="im2col", threads=1, peer="F.conv2d"):
    return {"group": group, "ratio": ratio, "algorithm": algorithm, "threads": threads, "peer": peer}


def test_groups_by_hand(tmp_path):
    path = tmp_path / "convolution.json"
    rows = [
        row("3×3", 0.5, "winograd"), row("3×3", 2.0), row("3×3", 1.0, "winograd"), row("3×3", 0.9, threads=2),
        row("1×1", 0.8), row("1×1", 7.0, peer="fftconvolve"),
    ]  # fmt: skip
    path.write_text(json.dumps(rows))
    assert stored_groups(path) == (
        Group("3×3", 1, 3, pytest.approx(1.0), 0.5, 2.0, ("winograd", "im2col")),
        Group("3×3", 2, 1, pytest.approx(0.9), 0.9, 0.9, ("im2col",)),
        Group("1×1", 1, 1, pytest.approx(0.8), 0.8, 0.8, ("im2col",)),
    )


def test_no_file_is_no_group(tmp_path):
    assert stored_groups(tmp_path / "none.json") == ()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"peer": "F.conv2d"}]', "3", '{"a": 1}'])
def test_something_else_is_refused(tmp_path, text):
    path = tmp_path / "convolution.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"convolution\.json is no stored benchmark"):
        stored_groups(path)
