"""The benchmark's own arithmetic; nothing of its peers is needed."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import visualization as benchmark
from benchmarks import visualization_faithfulness as faithfulness
from benchmarks import visualization_peers as peers
from benchmarks.visualization_stability import table as stability_table
from explorer.visualization.faithfulness import Answers, Faithfulness, answers_to
from tests.visualization.nets import recipe, small_net


def judged(method, layer, reached, first, top, seconds=0.0):
    view = Faithfulness(reached, reached, first, first, top)
    own = Faithfulness(0.0, 0.0, 0.0, 0.0, False)
    return faithfulness.Judged(method, layer, 3, seconds, view, own)


def test_pieces_are_sampled_at_the_middles_of_their_bins():
    """Four bins from 1 to 3: at 1.25, 1.75, 2.25, 2.75, where a ramp has those values."""
    ramp = torch.arange(7.0).expand(1, 1, 5, 7)
    box = torch.tensor([[0.0, 1.0, 1.0, 3.0, 2.0]])
    piece = peers.roi_align(ramp, box, (2, 4))
    assert piece.shape == (1, 1, 2, 4)
    assert piece[0, 0].tolist() == [pytest.approx([1.25, 1.75, 2.25, 2.75], abs=1e-5)] * 2
    outside = peers.roi_align(ramp, torch.tensor([[0.0, -9.0, -9.0, -7.0, -8.0]]), (2, 2))
    assert outside.abs().max() == 0


def test_pictures_are_judged_as_large_as_their_method_shows_them():
    lucent = peers.lucent_shown(np.zeros((128, 128, 3), np.uint8))
    assert lucent.shape == (189, 189, 3)  # 128 of the 152 with a frame, at 224
    picture = np.zeros((80, 80, 3), np.uint8)
    picture[29:51, 29:51] = 200  # the middle 22, 0.275 of the side
    shown = peers.horama_shown(picture)
    assert shown.shape == (224, 224, 3)
    assert (shown == 200).all()


def test_rows_hold_means_shares_and_their_intervals():
    some = [judged("ours", "a", 1.0, 1.0, True, 2.0), judged("ours", "a", 4.0, 0.5, False, 4.0)]
    row, together = faithfulness.summary(some)
    assert (row["layer"], together["layer"]) == ("a", "all channels")
    assert (row["reached"], row["first"], row["top_1"], row["seconds"]) == (2.5, 0.75, 0.5, 3.0)
    assert row["reached_95"] == [1.0, 4.0]
    assert faithfulness.summary(some, own_size=True)[0]["reached"] == 0.0


def test_classes_are_no_channels():
    rows = faithfulness.summary([judged("ours", "", 1.0, 1.0, True)])
    assert [row["layer"] for row in rows] == ["classes"]


def test_what_has_no_score_is_left_out_and_counted():
    some = [judged("ours", "a", math.nan, math.nan, False), judged("ours", "a", 2.0, 1.0, True)]
    row = faithfulness.summary(some)[0]
    assert (row["pictures"], row["scored"], row["reached"], row["first"]) == (2, 1, 2.0, 1.0)
    assert "| a | ours | 2 | 2.00 (2.00–2.00) | 2.00 | 100 (21–100) | 50 (9–91) |" in faithfulness.table(
        [row]
    )
    silent = faithfulness.summary(some[:1])[0]
    assert "no scale" in faithfulness.table([silent])
    assert faithfulness.plain(some[0])["shown"]["first"] is None


def test_channels_are_chosen_as_for_a_gallery():
    """The highest above the average in deviations; a faint one last though it stands out."""
    highest = np.array([[0.0, 1.0, 0.0], [0.0, 1.2, 0.0], [9.0, 1.4, 0.1]])
    assert faithfulness.most_selective(Answers(highest, highest)) == [0, 1, 2]


def test_a_kept_picture_is_not_made_again_and_keeps_its_time(tmp_path, monkeypatch):
    loaded = SimpleNamespace(module=small_net())  # seeds the noise, too
    natural = answers_to(loaded.module, ["2"], [torch.rand(1, 3, 24, 32) for _ in range(3)])
    wanted = [faithfulness.Case("2", 1, recipe(steps=3))]
    ticks = iter((10.0, 12.5))
    monkeypatch.setattr(faithfulness.time, "process_time", lambda: next(ticks))
    (first,) = faithfulness.run(loaded, natural, wanted, ("ours",), keep=tmp_path)
    monkeypatch.setattr(faithfulness, "make", None)
    (again,) = faithfulness.run(loaded, natural, wanted, ("ours",), keep=tmp_path)
    assert first.seconds == 2.5
    assert (again.seconds, again.own.reached) == (first.seconds, first.own.reached)


def test_stability_tells_broken_promises():
    rows = [{"tried": "x", "found": "y", "kept": True}, {"tried": "x", "found": "z", "kept": False}]
    assert stability_table(rows).splitlines()[2:] == ["| x | y | yes |", "| x | z | **no** |"]


def test_unknown_parts_and_missing_peers_are_told(capsys, monkeypatch):
    assert benchmark.main(["beauty"]) == 2
    assert "there is no part beauty" in capsys.readouterr().err
    monkeypatch.setattr(peers, "NEEDED", {"no-such-peer": "1.0"})
    with pytest.raises(peers.PeersError, match="requirements-bench"):
        peers.check()
