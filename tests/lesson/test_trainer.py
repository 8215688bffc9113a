"""Training: it learns, its filters become edge detectors, and it leaves no trace."""

import random
import time

import numpy as np
import pytest
import torch
from torch import nn

from explorer.lesson.edges import edge_share
from explorer.lesson.matrices import LessonError
from explorer.lesson.trainer import Adam, Plan, Trainer

SHORT = Plan("bars", seed=0, steps=140, every=70)


@pytest.fixture(scope="module")
def trained():
    trainer = Trainer(SHORT)
    return trainer, list(trainer.run())


def test_it_learns_and_its_filters_become_edge_detectors(trained):
    _, reports = trained
    assert [report.step for report in reports] == [0, 70, 140]
    first, last = reports[0], reports[-1]
    assert first.accuracy < 0.35  # four classes
    assert last.accuracy > 0.9
    assert last.held_out_loss < first.held_out_loss / 3
    assert first.edge_detectors == 0
    assert last.edge_detectors >= 3
    assert edge_share(last.filters) == last.edge_detectors / 8
    assert np.mean([edge.fit for edge in last.edges]) > 2 * np.mean([edge.fit for edge in first.edges])


def test_the_reports_are_the_networks_numbers(trained):
    trainer, reports = trained
    last = reports[-1]
    assert torch.equal(last.filters, trainer.network.conv1.weight)
    loss, accuracy = trainer.judge(trainer.network)
    assert (last.held_out_loss, last.accuracy) == (loss, accuracy)
    with torch.no_grad():
        told = trainer.network(trainer.pictures).argmax(1)
    assert accuracy == (told == trainer.labels).float().mean().item()
    assert (reports[0].held_out_loss, reports[0].accuracy) == trainer.judge(trainer.untrained)
    assert torch.equal(reports[0].filters, trainer.untrained.conv1.weight)


def test_the_same_seed_gives_the_same_and_another_does_not():
    plan = Plan("shapes", seed=5, steps=6, batch=16, every=3)
    reports = [list(Trainer(plan).run())[-1] for _ in range(2)]
    assert torch.equal(reports[0].filters, reports[1].filters)
    assert reports[0].loss == reports[1].loss
    other = list(Trainer(Plan("shapes", seed=6, steps=6, batch=16, every=3)).run())[-1]
    assert not torch.equal(reports[0].filters, other.filters)
    again = Trainer(plan)
    assert [list(again.run())[-1].loss for _ in range(2)] == [reports[0].loss] * 2


def test_global_random_numbers_and_gradients_stay_as_they_are():
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    trainer = Trainer(Plan("bars", steps=4, batch=8, every=2))
    with torch.no_grad():
        for report in trainer.run():
            assert not torch.is_grad_enabled()
            assert not report.filters.requires_grad
    for _ in trainer.run():
        assert torch.is_grad_enabled()
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert (np.random.get_state()[1] == states[1]).all()
    assert random.getstate() == states[2]
    assert all(parameter.grad is None for parameter in trainer.network.parameters())


def test_cancelling_leaves_what_was_learnt_until_then():
    trainer = Trainer(Plan("bars", steps=2000, batch=8, every=2))
    start, running = time.perf_counter(), trainer.run()
    next(running)
    report = next(running)
    running.close()
    assert report.step == 2
    assert torch.equal(trainer.network.conv1.weight, report.filters)
    assert not torch.equal(trainer.network.conv1.weight, trainer.untrained.conv1.weight)
    assert time.perf_counter() - start < 10


def test_frozen_filters_stay_and_only_the_dense_layer_learns():
    trainer = Trainer(Plan("bars", steps=4, batch=8, every=4, frozen=True))
    reports = list(trainer.run())
    assert torch.equal(reports[0].filters, reports[-1].filters)
    for report, network in zip(reports, (trainer.untrained, trainer.network), strict=True):
        assert (report.held_out_loss, report.accuracy) == pytest.approx(trainer.judge(network), abs=1e-6)
    assert torch.equal(trainer.network.conv2.weight, trainer.untrained.conv2.weight)
    assert not torch.equal(trainer.network.dense.weight, trainer.untrained.dense.weight)


def test_held_out_pictures_are_the_same_for_all_seeds():
    one, other = Trainer(Plan(seed=1)), Trainer(Plan(seed=2))
    assert torch.equal(one.pictures, other.pictures)
    assert torch.bincount(one.labels).min() > 100


def test_adam_is_pytorchs():
    torch.manual_seed(0)
    net, other = nn.Linear(5, 3), nn.Linear(5, 3)
    other.load_state_dict(net.state_dict())
    own = Adam(net.parameters(), 0.01, 0.3)
    theirs = torch.optim.AdamW(other.parameters(), 0.01, weight_decay=0.3)
    for _ in range(5):
        x = torch.randn(4, 5)
        own.step(torch.autograd.grad(net(x).square().sum(), own.parameters))
        theirs.zero_grad()
        other(x).square().sum().backward()
        theirs.step()
    for mine, pytorch in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, pytorch)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan("bar"), "no task 'bar'; did you mean 'bars'"),
        (Plan(steps=0), "steps can be 1 to 5000, got 0"),
        (Plan(batch=1000), "batch can be 1 to 512, got 1000"),
        (Plan(noise=float("nan")), "noise can be 0 to 10, got nan"),
        (Plan(quiet=0), r"quiet can be 0\.01 to 1, got 0"),
        (Plan(filters=0), "filters can be 1 to 64, got 0"),
    ],
)
def test_impossible_plans_say_why(plan, message):
    with pytest.raises(LessonError, match=message):
        Trainer(plan)
