"""Kept forms of weights: right under every change, bounded, shared by threads, gone with their weight."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F

from explorer.convolution import conv2d, fresh_weights
from explorer.convolution import kept as kept_module
from explorer.convolution.kept import form_of, keeps, shelf


@pytest.fixture(autouse=True)
def empty_shelf():
    shelf.clear()
    yield
    shelf.clear()


def tensors(seed=0, outputs=6):
    generator = torch.Generator().manual_seed(seed)
    shapes = (1, 5, 14, 11), (outputs, 5, 3, 3)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def both(input, weight):
    ours = conv2d(input, weight, padding=1, algorithm="winograd")
    torch.testing.assert_close(ours, F.conv2d(input, weight, padding=1), rtol=0, atol=1e-11)
    return ours


CHANGES = {
    "in place": lambda weight: weight.mul_(2),
    "one value": lambda weight: weight[1, 2, 0].fill_(7),
    "flipped": lambda weight: weight.copy_(weight.flip(-1)),
    "behind autograd's back": lambda weight: weight.data.add_(1),
    "through NumPy": lambda weight: weight.numpy().__setitem__((0, 0, 0, 0), -3),
    "two numbers behind its back": lambda weight: weight.data.copy_(weight.data.flip(-1)),
    "channels behind its back": lambda weight: weight.data.copy_(weight.data.roll(1, 0)),
    "its memory exchanged": lambda weight: weight.set_(weight.clone() + 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_weight_is_seen(change):
    input, weight = tensors()
    before = both(input, weight)
    assert shelf.bytes > weight.nbytes
    CHANGES[change](weight)
    assert not torch.equal(both(input, weight), before)


def test_an_optimiser_step_is_seen():
    input, weight = tensors()
    weight.requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.1)
    for _ in range(3):
        with torch.no_grad():
            both(input, weight)
        loss = conv2d(input, weight, padding=1, algorithm="winograd").square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def test_a_kept_form_is_used_again_and_only_for_its_own_weight():
    made = []

    def make(weight):
        made.append(weight)
        return weight * 2

    _, weight = tensors()
    first = form_of(weight, "double", make)
    assert form_of(weight, "double", make) is first
    assert torch.equal(first, 2 * weight)
    form_of(weight.clone(), "double", make)
    assert torch.equal(form_of(weight, "triple", lambda own: own * 3), 3 * weight)
    assert len(made) == 2


def test_nan_is_equal_to_itself():
    _, weight = tensors()
    weight[0, 0, 0, 0] = float("nan")
    first = form_of(weight, "copy", torch.clone)
    assert form_of(weight, "copy", torch.clone) is first


def test_forms_go_with_their_weight():
    input, weight = tensors()
    both(input, weight)
    assert shelf.bytes > 0
    del weight
    gc.collect()
    assert shelf.bytes == 0


def test_room_is_bounded_and_the_longest_unused_goes_first(monkeypatch):
    weights = [tensors(seed)[1] for seed in range(3)]
    monkeypatch.setattr(kept_module, "ROOM", 5 * weights[0].nbytes)  # a form and as many bits each
    first, second, _ = (form_of(weight, "copy", torch.clone) for weight in weights[:2] + weights[:1])
    form_of(weights[2], "copy", torch.clone)
    assert shelf.bytes <= kept_module.ROOM
    assert form_of(weights[0], "copy", torch.clone) is first
    assert form_of(weights[1], "copy", torch.clone) is not second
    monkeypatch.setattr(kept_module, "ROOM", weights[0].nbytes)
    large = form_of(weights[2].clone(), "copy", torch.clone)
    assert torch.equal(large, weights[2])
    assert form_of(weights[2], "copy", torch.clone).shape == weights[2].shape


def test_what_is_not_kept():
    _, weight = tensors()
    assert keeps(weight)
    assert not keeps(weight.transpose(2, 3))
    with fresh_weights():
        assert not keeps(weight)
    weight.requires_grad_()
    assert not keeps(weight)
    with torch.no_grad():
        assert keeps(weight)


def test_fresh_weights_leave_nothing_behind():
    input, weight = tensors()
    with fresh_weights():
        both(input, weight)
    assert shelf.bytes == 0
    assert keeps(weight)


def test_forms_made_in_inference_mode_serve_training():
    input, weight = tensors()
    with torch.inference_mode():
        expected = conv2d(input, weight, padding=1, algorithm="winograd")
    input.requires_grad_()
    output = conv2d(input, weight, padding=1, algorithm="winograd")
    output.sum().backward()
    assert torch.equal(output.detach(), expected)
    assert input.grad.abs().sum() > 0


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # PyTorch's own
def test_forward_mode_derivatives_of_the_weight_are_not_lost():
    input, weight = tensors()
    conv2d(input, weight, padding=1, algorithm="winograd")
    direction = torch.ones_like(weight)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(weight, direction)
        assert not keeps(dual)


def test_threads_share_what_is_kept():
    cases = [tensors(seed, outputs=4 + seed) for seed in range(4)]
    expected = [F.conv2d(*case, padding=1) for case in cases]

    def work(k):
        input, weight = cases[k % 4]
        with torch.no_grad():
            return conv2d(input, weight, padding=1, algorithm="winograd")

    with ThreadPoolExecutor(4) as pool:
        for k, ours in enumerate(pool.map(work, range(160))):
            torch.testing.assert_close(ours, expected[k % 4], rtol=0, atol=1e-11)
    assert shelf.bytes == sum(entry.bytes for entry in shelf._forms.values())


def test_large_weights_are_recognized_by_sums():
    weight = torch.randn(64, 32, 3, 3, generator=torch.Generator().manual_seed(0))
    form = form_of(weight, "copy", torch.clone)
    assert form_of(weight, "copy", torch.clone) is form
    assert shelf.bytes < 1.5 * weight.nbytes  # no copy is kept
    for change in CHANGES.values():
        before = weight.clone()
        change(weight)
        assert not torch.equal(before, weight)
        assert torch.equal(form_of(weight, "copy", torch.clone), weight)
