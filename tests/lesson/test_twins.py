"""A training beside its twin: same pictures, frozen filters, and counts with what chance leaves open."""

import pytest
import torch

from explorer.apart import run_apart
from explorer.lesson.matrices import LessonError
from explorer.lesson.trainer import HELD_OUT, Plan, Trainer
from explorer.lesson.twins import Share, Twins, accuracy, examples, report, verdict

PLAN = Plan("bars", seed=3, steps=120, every=60)


@pytest.fixture(scope="module")
def ran():
    twins = Twins(PLAN)
    return twins, list(twins.run())


def test_both_are_the_trainings_that_run_alone(ran):
    twins, pairs = ran
    assert [pair.step for pair in pairs] == [0, 60, 120]
    alone = list(Trainer(Plan("bars", seed=3, steps=60, every=60)).run())[-1]
    assert torch.equal(pairs[1].trained.filters, alone.filters)
    assert torch.equal(pairs[0].twin.filters, pairs[-1].twin.filters)
    start = pairs[0].trained.filters / twins.plan.quiet
    torch.testing.assert_close(start, pairs[0].twin.filters)
    assert torch.equal(twins.trained.pictures, twins.twin.pictures)


def test_learnt_filters_are_worth_something(ran):
    last = ran[1][-1]
    assert accuracy(last.trained).interval[0] > accuracy(last.twin).interval[1]
    assert accuracy(last.twin).interval[0] > 0.25
    assert last.trained.edge_detectors >= 3
    assert last.twin.edge_detectors == 0


def test_the_verdict_says_what_was_counted(ran):
    twins, pairs = ran
    last = pairs[-1]
    own = round(last.trained.accuracy * HELD_OUT)
    with torch.no_grad():
        told = twins.trained.network(twins.trained.pictures).argmax(1)
    assert own == int((told == twins.trained.labels).sum())
    said = verdict(PLAN, last, 4)
    assert said.startswith(f"After 120 steps the trained network tells **{100 * own / 512:.1f}\u00a0% (")
    assert f"of {HELD_OUT} held-out pictures right" in said
    assert f"{own - round(last.twin.accuracy * HELD_OUT)} more, too many to be luck." in said
    assert "Guessing gets 25.0\u00a0%." in said
    assert f"{last.trained.edge_detectors} pass for edge detectors" in said
    begun = verdict(PLAN, pairs[0], 4)
    assert "so few that it may be luck" in begun


def test_intervals_by_hand():
    # By hand: 8 of 10 with z² = 3.8415 has its middle at 0.9921 / 1.3841 and reaches 0.3136 / 1.3841 far.
    low, high = Share(8, 10).interval
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Share(0, 20).interval[0] == 0
    assert Share(20, 20).interval[1] == 1
    assert Share(20, 20).interval[0] < 0.85
    assert str(Share(256, 512)) == "50.0\u00a0% (45.7\u00a0% to 54.3\u00a0%)"


def test_about_95_of_100_intervals_hold_the_truth():
    generator = torch.Generator().manual_seed(0)
    counts = (torch.rand(2000, 100, generator=generator) < 0.9).sum(1)
    held = [low <= 0.9 <= high for low, high in (Share(int(each), 100).interval for each in counts)]
    assert sum(held) / len(held) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("task", ["bars", "shapes"])
def test_examples_are_of_their_class(task):
    shown = examples(Plan(task, noise=0), 5)
    assert shown.shape == (4, 5, 24, 24)
    if task == "bars":  # a level bar is longer across than down, an upright one the reverse
        lit = shown.abs() > 0.5
        across, down = lit.any(2).sum(2), lit.any(3).sum(2)
        assert (across[0] > down[0]).all()
        assert (across[2] < down[2]).all()
    assert torch.equal(shown, examples(Plan(task, noise=0), 5))


def test_an_impossible_plan_says_why():
    with pytest.raises(LessonError, match="no task 'bar'"):
        Twins(Plan("bar"))
    with pytest.raises(LessonError, match=r"quiet can be 0\.01 to 1, got 0"):
        Twins(Plan(quiet=0))


def test_the_reports_of_another_process_are_those_of_this_one():
    plan = Plan("shapes", seed=4, steps=4, batch=8, every=2, filters=3)
    here, there = list(Twins(plan).run()), list(run_apart(report, plan))
    assert [pair.step for pair in there] == [0, 2, 4]
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one.trained.filters, other.trained.filters)
        assert (one.trained.loss, one.twin.accuracy) == (other.trained.loss, other.twin.accuracy)
        assert one.trained.edges == other.trained.edges
