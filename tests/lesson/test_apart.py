"""A training in a process of its own: the same reports, an end when nobody listens, and its last words."""

import subprocess

import pytest
import torch

from explorer.lesson import apart
from explorer.lesson.apart import TrainingError, run_apart
from explorer.lesson.matrices import LessonError
from explorer.lesson.trainer import Plan
from explorer.lesson.twins import Twins


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    processes = []
    real = subprocess.Popen

    def remembered(*args, **options):
        processes.append(real(*args, **options))
        return processes[-1]

    monkeypatch.setattr(apart.subprocess, "Popen", remembered)
    return processes


def test_the_reports_are_those_of_the_same_process(started):
    plan = Plan("shapes", seed=4, steps=4, batch=8, every=2, filters=3)
    here, there = list(Twins(plan).run()), list(run_apart(plan))
    assert [pair.step for pair in there] == [0, 2, 4]
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one.trained.filters, other.trained.filters)
        assert (one.trained.loss, one.twin.accuracy) == (other.trained.loss, other.twin.accuracy)
        assert one.trained.edges == other.trained.edges
    assert [process.poll() is not None for process in started] == [True]


def test_the_process_ends_with_the_iterator(started):
    reports = run_apart(Plan("bars", steps=5000, every=1))
    assert next(reports).step == 0
    assert started[0].poll() is None
    reports.close()
    assert started[0].poll() is not None


def test_a_process_that_ends_early_is_told_with_its_last_words(monkeypatch):
    monkeypatch.setattr(apart.json, "dumps", lambda _: "no plan")
    with pytest.raises(TrainingError, match=r"(?s)the training's process ended early: .*JSONDecodeError"):
        list(run_apart(Plan(steps=1)))


def test_impossible_plans_start_no_process(started):
    with pytest.raises(LessonError, match="no task 'bar'"):
        next(run_apart(Plan("bar")))
    assert started == []
