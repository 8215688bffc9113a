"""The loop: it finds what is planted, is the same every time, and leaves nothing behind."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

from explorer.visualization import (
    Cancelled,
    Channel,
    Direction,
    Diversity,
    Dream,
    Fourier,
    Jitter,
    Logit,
    Maco,
    Pixels,
    Recipe,
    Rotate,
    Scale,
    Unit,
    VisualizationError,
    optimize,
    visualize,
)
from tests.visualization.nets import (
    assert_untouched,
    colour_net,
    edge_net,
    orientation,
    recipe,
    small_net,
    state,
)

MOVED = (Jitter(2), Scale(0.9, 1.1), Rotate(5))


@pytest.mark.parametrize("make", [Fourier(spread=0.05), Pixels(spread=0.05), Maco()], ids=lambda p: p.kind)
@pytest.mark.parametrize("degrees", [0, 35, 90, 140])
def test_a_planted_edge_filter_shows_its_orientation(make, degrees):
    settings = recipe(size=(40, 44), steps=50, parametrization=make, learning_rate=2 * make.step)
    ((result,),) = visualize(edge_net(degrees), [Channel("1", 0)], settings)
    found = orientation(result.picture)
    assert min(abs(found - degrees), 180 - abs(found - degrees)) < 12


@pytest.mark.parametrize("colour", [(1.0, -0.5, -0.5), (-0.5, 1.0, -0.5), (-0.5, -0.5, 1.0)])
@pytest.mark.parametrize("make", [Fourier(spread=0.05), Pixels(spread=0.05)], ids=lambda p: p.kind)
def test_a_planted_colour_shows(make, colour):
    more, less = visualize(
        colour_net(colour),
        [Channel("0", 0), -Channel("0", 0)],
        recipe(parametrization=make, learning_rate=0.5),
    )
    mean = more[0].picture.mean((0, 1))
    assert mean.argmax() == np.argmax(colour)
    assert mean.max() > mean.min() + 80
    assert less[0].picture.mean((0, 1)).argmin() == np.argmax(colour)
    assert more[0].value > 0.3
    assert less[0].value > 0.3  # what is raised is the negative


def test_a_unit_changes_only_what_it_sees():
    start = np.full((24, 32, 3), 128, np.uint8)
    settings = recipe(parametrization=Pixels(), learning_rate=0.3)
    ((result,),) = visualize(edge_net(0), [Unit("0", 0, 2, 20)], settings, start=start)
    changed = (np.abs(result.picture.astype(int) - 128) > 1).any(2)
    assert changed[2:13, 20:31].mean() > 0.6  # its receptive field
    changed[2:13, 20:31] = False
    assert not changed.any()


def test_a_direction_lies_between_its_channels():
    net = colour_net((1.0, -1.0, 0.0), (0.0, -1.0, 1.0))
    ((both,),) = visualize(net, [Direction("0", (1.0, 1.0))], recipe(learning_rate=0.5))
    red, green, blue = both.picture.mean((0, 1))
    assert min(red, blue) > green + 80


def test_a_dream_raises_what_is_there():
    rng = np.random.default_rng(0)
    start = rng.integers(60, 190, (24, 32, 3), dtype=np.uint8)
    quiet = recipe(steps=1, learning_rate=1e-6)
    ((before,),) = visualize(small_net(), [Dream("3")], quiet, start=start)
    ((after,),) = visualize(small_net(), [Dream("3")], recipe(), start=start)
    assert np.abs(before.picture.astype(int) - start).max() <= 1
    assert after.value > 2 * before.value
    assert after.origin.start is not None
    assert after.digest != before.digest


def test_values_rise_and_the_last_is_that_of_the_stored_picture():
    net = small_net()
    ((result,),) = visualize(net, [Logit(3)], recipe(steps=40, transformations=MOVED))
    assert result.curve.shape == (40,)
    assert result.curve[-8:].mean() > result.curve[:8].mean()
    x = torch.from_numpy(result.picture.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        assert result.value == pytest.approx(net((x - 0.5) / 0.5)[0, 3].item(), rel=1e-4)


def test_diversity_keeps_seeds_apart():
    net = edge_net(0, 45, 90, 135)
    goal = Direction("1", (1.0, 1.0, 1.0, 1.0))
    likeness = {}
    for name, objective in (("alone", goal), ("apart", goal + Diversity("1"))):
        (made,) = visualize(net, [objective], recipe(size=(32, 36), steps=40), seeds=(0, 1, 2))
        x = (
            torch.stack([torch.from_numpy(r.picture.copy()) for r in made]).permute(0, 3, 1, 2).float()
            / 127.5
            - 1
        )
        likeness[name] = -Diversity("1")({"1": net(x)}).mean().item()
    assert likeness["apart"] < likeness["alone"] - 0.05


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_picture():
    def make(seeds, objectives):
        return visualize(small_net(), objectives, recipe(transformations=MOVED, steps=12), seeds=seeds)

    ((first,),) = make((4,), [Channel("3", 2)])
    torch.manual_seed(99)  # the caller's own random numbers don't matter
    ((again,),) = make((4,), [Channel("3", 2)])
    ((other,),) = make((5,), [Channel("3", 2)])
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.curve, again.curve)
    assert first.value == again.value
    assert first.digest == again.digest != other.digest
    assert not np.array_equal(first.picture, other.picture)


def test_a_picture_does_not_depend_on_its_batch():
    settings = recipe(transformations=MOVED, steps=12)
    ((alone,),) = visualize(small_net(), [Channel("3", 2)], settings, seeds=(4,))
    batch = visualize(small_net(), [Channel("3", 0), Channel("3", 2)], settings, seeds=(1, 4))
    assert np.abs(batch[1][1].picture.astype(int) - alone.picture).max() <= 1
    assert batch[1][1].digest == alone.digest


@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_left_behind(training):
    net = small_net().train(training)
    net[0].weight.grad = torch.ones_like(net[0].weight)
    before, random = state(net), torch.get_rng_state()
    visualize(net, [Channel("2", 0), Logit(1)], recipe(steps=3, transformations=MOVED), seeds=(0, 1))
    assert_untouched(net, before)
    with pytest.raises(VisualizationError):
        visualize(net, [Channel("2", 99)], recipe(steps=3))
    assert_untouched(net, before)
    loop = optimize(net, [Channel("2", 0)], recipe(steps=30, transformations=MOVED))
    next(loop), next(loop)
    assert_untouched(net, before)  # also in the middle
    assert torch.is_grad_enabled()
    loop.close()
    assert_untouched(net, before)
    assert torch.equal(random, torch.get_rng_state())


def test_inside_the_callers_own_modes():
    with torch.inference_mode():
        ((inside,),) = visualize(small_net(), [Channel("3", 2)], recipe(steps=6))
    ((outside,),) = visualize(small_net(), [Channel("3", 2)], recipe(steps=6))
    assert np.array_equal(inside.picture, outside.picture)


def test_progress_with_the_picture_so_far():
    states = list(optimize(small_net(), [Logit(0), Logit(1)], recipe(steps=5), seeds=(0, 1, 2)))
    assert [state.step for state in states] == [0, 1, 2, 3, 4, 5]
    assert states[0].values.shape == (2, 3)
    assert np.isnan(states[0].values).all()
    assert np.isfinite(states[1].values).all()
    seen = []
    visualize(
        small_net(), [Logit(0)], recipe(steps=5), progress=lambda state: seen.append(state.pictures()[0, 0])
    )
    assert seen[0].shape == (24, 32, 3)
    assert seen[0].dtype == np.uint8
    assert not np.array_equal(seen[0], seen[-1])


def test_cancel():
    answers = iter([False, False, True])
    net = small_net()
    before = state(net)
    with pytest.raises(Cancelled, match="after 2 of 24 steps"):
        visualize(net, [Logit(0)], recipe(), cancelled=lambda: next(answers))
    assert_untouched(net, before)


def test_many_at_once_on_one_model():
    net = small_net()
    work = [Channel("2", 0), Channel("3", 4), Logit(2), Unit("0", 5)]
    settings = recipe(steps=10, transformations=MOVED)
    alone = [visualize(net, [objective], settings)[0][0] for objective in work]
    together, before = [None] * len(work), state(net)

    def make(k):
        together[k] = visualize(net, [work[k]], settings)[0][0]

    threads = [threading.Thread(target=make, args=(k,)) for k in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert_untouched(net, before)
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.picture, other.picture)


@pytest.mark.parametrize(
    ("objectives", "changes", "says"),
    [
        ([Channel("nope", 0)], {}, "no layer 'nope'"),
        ([Channel("0", 77)], {}, "channels 0 to 5, not 77"),
        ([Logit(1000)], {}, "classes 0 to 6, not 1000"),
        ([], {}, "at least one objective"),
        ([Channel("0", 0)], {"seeds": (1, 1)}, "seeds must differ"),
        ([Channel("0", 0)], {"seeds": (-1,)}, "seed is a whole number from 0"),
        ([Channel("0", 0)], {"seeds": range(300)}, "make 300 pictures, and 256"),
        ([Channel("0", 0)], {"start": np.zeros((9, 9, 3), np.uint8)}, "must be uint8 \\(24, 32, 3\\)"),
    ],
)
def test_what_cannot_be_made(objectives, changes, says):
    with pytest.raises(VisualizationError, match=says):
        visualize(small_net(), objectives, recipe(steps=2), **changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size": (1, 1)}, "8 to 1024 pixels, not 1 × 1"),
        ({"size": (64, 5000)}, "not 64 × 5000"),
        ({"steps": 0}, "1 to 4096 steps, not 0"),
        ({"steps": 10**9}, "not 1000000000"),
        ({"learning_rate": 0}, "learning rate"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"std": (0.0, 1.0, 1.0)}, "std must be above 0"),
    ],
)
def test_what_is_no_recipe(changes, says):
    with pytest.raises(VisualizationError, match=says):
        Recipe(**changes)


def test_damaged_weights_are_said():
    net = small_net()
    with torch.no_grad():
        net[3].weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(VisualizationError, match="layer '3' puts out is not finite"):
        visualize(net, [Channel("3", 0)], recipe(steps=2))
    ((fine,),) = visualize(net, [Channel("2", 0)], recipe(steps=2))  # what lies before the damage still works
    assert np.isfinite(fine.value)


def test_a_model_that_is_too_deep_for_the_picture():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(16), nn.Conv2d(4, 5, 3))
    with pytest.raises(VisualizationError, match="does not run on pictures of 24 × 32 pixels"):
        visualize(net, [Channel("2", 0)], recipe(steps=2))
    ((fine,),) = visualize(net, [Channel("0", 0)], recipe(steps=2))
    assert fine.picture.shape == (24, 32, 3)


class Explodes(nn.Module):
    """Fine on grey, infinite on anything lighter than a few steps can make it."""

    def forward(self, x):
        return torch.exp(300 * x.clamp(min=0)) * torch.ones(1, 4, 1, 1)[:, :, :1, :1].sum() * x[:, :1].exp()


def test_values_that_stop_being_finite():
    net = nn.Sequential(Explodes())
    with pytest.raises(VisualizationError, match="stopped being finite at step"):
        visualize(net, [Dream("0")], recipe(learning_rate=5.0))
