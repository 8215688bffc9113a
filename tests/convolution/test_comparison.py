"""What a comparison says, of results that agree and of results that don't."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch

import explorer.convolution.comparison as comparison
from explorer.convolution import ALGORITHMS, ConvolutionError, fitting
from explorer.convolution.comparison import compare
from tests.convolution.cases import Case

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
    right = ALGORITHMS["im2col"].run

    def off(input, weight, sizes):
        output = right(input, weight, sizes)
        if wrong == "output":
            return output * 1.01
        return output + 0.01 * (weight.sum() - weight.sum().detach())

    monkeypatch.setitem(ALGORITHMS, "im2col", replace(ALGORITHMS["im2col"], run=off))
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
