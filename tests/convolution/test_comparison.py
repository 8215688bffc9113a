"""What a comparison says, of results that agree and of results that don't."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

import explorer.convolution.comparison as comparison
from explorer.convolution import ALGORITHMS, ConvolutionError, fitting
from explorer.convolution.comparison import GradientErrors, compare
from tests.convolution.cases import DIFFERENTIABLE, Case

CASE = Case(2, 1, (5, 7), (11, 14), (3, 3), (1, 1), (1, 2), (1, 1))


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "auto"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_algorithm_agrees_within_its_bound(algorithm, dtype):
    result = compare(*CASE.tensors(dtype), **CASE.parameters, algorithm=algorithm)
    assert result.agrees
    assert result.algorithm == (algorithm if algorithm != "auto" else result.algorithm)
    assert result.ours.shape == result.theirs.shape == CASE.sizes.output_shape
    assert torch.equal(result.difference, result.ours - result.theirs)
    assert result.max_absolute_error == result.difference.abs().max().item()
    assert result.max_relative_error == pytest.approx(result.max_absolute_error / result.scale)
    assert set(result.gradients) == (set() if algorithm == "loops" else {"input", "weight", "bias"})
    assert "same convolution" in result.verdict or "every bit" in result.verdict


@pytest.mark.parametrize("padding", [1, (0, 2), "valid", "same", "same_tensorflow"])
def test_padding_by_name_and_without_bias(padding):
    input, weight, _ = Case(1, 1, (2, 3), (8, 9), (4, 3), (1, 1), (0, 0), (1, 1)).tensors()
    result = compare(input, weight, padding=padding)
    assert result.agrees
    assert set(result.gradients) == {"input", "weight"}


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_modes_are_those_of_pytorchs_layer(padding_mode):
    input, weight, bias = Case(2, 2, (2, 3), (8, 9), (4, 3), (2, 1), (2, 1), (1, 2)).tensors()
    parameters = {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2), "groups": 2}
    layer = torch.nn.Conv2d(4, 6, (4, 3), **parameters, padding_mode=padding_mode).double()
    layer.weight.data, layer.bias.data = weight, bias
    result = compare(input, weight, bias, **parameters, padding_mode=padding_mode)
    torch.testing.assert_close(result.theirs, layer(input).detach(), rtol=0, atol=1e-12)
    assert result.agrees
    assert set(result.gradients) == {"input", "weight", "bias"}


@pytest.mark.parametrize("algorithm", DIFFERENTIABLE)
@pytest.mark.parametrize("size", [9, 240])
def test_gradients_agree_on_small_and_on_large_pictures(algorithm, size):
    # The gradient by the weight adds up a whole picture of products that nearly cancel.
    generator = torch.Generator().manual_seed(0)
    input, weight, bias = (
        torch.rand(1, 2, size, size + 3, generator=generator),
        torch.randn(4, 2, 3, 3, generator=generator),
        torch.randn(4, generator=generator),
    )
    result = compare(input, weight, bias, padding="same", algorithm=algorithm)
    assert set(result.gradients) == {"input", "weight", "bias"}
    assert max(errors.ours for errors in result.gradients.values()) <= result.bound
    assert all(errors.apart <= errors.ours + errors.theirs for errors in result.gradients.values())
    assert result.agrees


def test_an_error_of_pytorchs_is_not_held_against_the_hand(monkeypatch):
    exact = comparison.library
    monkeypatch.setattr(comparison, "library", lambda *given, **how: coarse(exact(*given, **how)))
    result = compare(*CASE.tensors(torch.float32), **CASE.parameters, algorithm="loops")
    assert result.max_relative_error > result.bound > result.our_error
    assert result.agrees
    assert "no further from the float64 result than PyTorch" in result.verdict


def coarse(output):
    return output * (1 + 1e-5) if output.dtype == torch.float32 else output


def test_gradients_of_nothing_but_zeros_agree():
    result = compare(torch.zeros(1, 1, 5, 6), torch.zeros(1, 1, 2, 2), algorithm="shift")
    assert result.gradients == dict.fromkeys(("input", "weight"), GradientErrors(0.0, 0.0, 0.0))


@pytest.mark.parametrize("size", [7, 200])
def test_a_gradient_that_is_off_by_a_thousandth_is_found_out(monkeypatch, size):
    replace_run(monkeypatch, lambda run: lambda x, w, sizes: run(x, w * 1.001 - w.detach() * 0.001, sizes))
    case = Case(1, 1, (2, 3), (size, size + 2), (3, 3), (1, 1), (0, 0), (1, 1))
    input, weight, _ = case.tensors(torch.float32)
    result = compare(input, weight, algorithm="im2col")
    assert result.gradients["weight"].ours > 10 * result.bound
    assert result.gradients["input"].ours < result.bound
    assert not result.agrees


def test_a_gradient_that_only_one_side_loses_is_found_out(monkeypatch):
    def lost(run):
        return lambda x, w, sizes: run(x, w, sizes) + 0 * (w - w.detach()).sum().sqrt()

    replace_run(monkeypatch, lost)
    result = compare(*CASE.tensors(), padding=1, algorithm="im2col")
    assert result.gradients["weight"].apart == result.gradients["weight"].ours == float("inf")
    assert result.max_relative_error < result.bound
    assert "the gradient by weight is off by inf" in result.verdict


def replace_run(monkeypatch, change):
    genuine = ALGORITHMS["im2col"]
    monkeypatch.setitem(ALGORITHMS, "im2col", replace(genuine, run=change(genuine.run)))


def test_a_picture_without_a_batch_and_an_empty_batch():
    input, weight, bias = CASE.tensors()
    assert compare(input[0], weight, bias, padding=1).ours.shape == (1, 7, 11, 14)
    empty = compare(input[:0], weight, bias, padding=1)
    assert empty.verdict == "An empty batch: there is nothing to compare."
    assert empty.agrees


def test_zeros_agree_in_every_bit():
    input, weight, _ = CASE.tensors(torch.float32)
    result = compare(input * 0, weight, padding=1, algorithm="winograd")
    assert result.verdict.startswith("winograd and PyTorch agree in every bit")
    assert result.max_relative_error == 0


def test_a_single_value_is_told_as_one():
    result = compare(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    assert result.verdict.endswith("agree in every bit of the one value.")


def test_pytorch_is_not_exact_either():
    input, weight, _ = Case(1, 1, (64, 8), (12, 13), (3, 3), (1, 1), (1, 1), (1, 1)).tensors(torch.float32)
    result = compare(input, weight, padding=1, algorithm="winograd")
    assert 0 < result.their_error < 1e-6
    assert 0 < result.our_error < ALGORITHMS["winograd"].float32_bound
    nearer = "PyTorch is nearer" in result.verdict
    assert nearer == (result.their_error < result.our_error)
    assert nearer != ("no further from the float64 result" in result.verdict)


def test_a_special_value_that_reaches_further_is_reported():
    input, weight, _ = CASE.tensors(torch.float32)
    input[0, 0, 5, 5] = float("nan")
    lost = compare(input, weight, padding=1, algorithm="winograd", gradients=False)
    assert not lost.same_special_values
    assert not lost.agrees
    assert "NaN and infinities" in lost.verdict
    kept = compare(input, weight, padding=1, algorithm="im2col", gradients=False)
    assert kept.agrees
    assert kept.max_relative_error < 1e-6


@pytest.mark.parametrize("wrong", ["output", "gradient"])
def test_a_wrong_algorithm_is_found_out(monkeypatch, wrong):
    def off(right):
        def run(input, weight, sizes):
            output = right(input, weight, sizes)
            return output * 1.01 if wrong == "output" else output + 0.01 * (weight - weight.detach()).sum()

        return run

    replace_run(monkeypatch, off)
    comparison_of = compare(*(tensor + 1 for tensor in CASE.tensors()), padding=1, algorithm="im2col")
    assert not comparison_of.agrees
    assert "do not agree" in comparison_of.verdict
    assert ("the output is off" in comparison_of.verdict) == (wrong == "output")
    assert "the gradient by weight is off" in comparison_of.verdict
    assert "by bias" not in comparison_of.verdict


def test_the_callers_tensors_are_left_alone():
    tensors = [tensor.requires_grad_() for tensor in CASE.tensors()]
    before = [tensor.detach().clone() for tensor in tensors]
    state = torch.get_rng_state()
    result = compare(*tensors, padding=1)
    assert not result.ours.requires_grad
    assert all(tensor.grad is None for tensor in tensors)
    assert all(torch.equal(tensor, old) for tensor, old in zip(tensors, before, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(FrozenInstanceError):
        result.scale = 1.0


def test_what_cannot_be_convolved_says_why():
    with pytest.raises(ConvolutionError, match="does not fit"):
        compare(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 5, 5))
    sizes = Case(1, 1, (1, 1), (6, 7), (3, 3), (2, 2), (0, 0), (1, 1)).sizes
    assert "winograd" not in fitting(sizes)
    with pytest.raises(ConvolutionError, match="these fit"):
        compare(torch.zeros(1, 1, 6, 7), torch.zeros(1, 1, 3, 3), stride=2, algorithm="winograd")
    assert comparison.FLOAT64_BOUND == 1e-12
