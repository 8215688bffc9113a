"""Gradients of every algorithm: against finite differences and against PyTorch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from explorer.convolution import DomainError, conv2d, fitting
from tests.convolution.cases import DIFFERENTIABLE, Case

CASES = {
    "dense": Case(2, 1, (2, 3), (4, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
    "strided, dilated, grouped": Case(1, 2, (2, 1), (6, 7), (2, 3), (2, 1), (1, 2), (2, 1)),
    "depthwise": Case(2, 3, (1, 2), (5, 6), (3, 3), (1, 1), (2, 1), (1, 1)),
    "depthwise, strided": Case(1, 3, (1, 1), (5, 6), (3, 2), (2, 2), (1, 1), (1, 1)),
    "1x1": Case(2, 1, (3, 2), (3, 4), (1, 1), (1, 1), (0, 0), (1, 1)),
}


@pytest.mark.parametrize("algorithm", [*DIFFERENTIABLE, "auto"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_by_finite_differences(name, algorithm):
    case = CASES[name]
    if algorithm not in (*fitting(case.sizes), "auto"):
        pytest.skip("not in its domain")
    tensors = [tensor.requires_grad_() for tensor in case.tensors()]
    assert gradcheck(
        lambda *given: conv2d(*given, **case.parameters, algorithm=algorithm), tensors, fast_mode=True
    )


@pytest.mark.parametrize("algorithm", [*DIFFERENTIABLE, "auto"])
@pytest.mark.parametrize(
    "case",
    [
        Case(2, 1, (12, 16), (21, 34), (3, 3), (1, 1), (1, 1), (1, 1)),
        Case(1, 1, (1, 1), (290, 130), (3, 3), (1, 1), (1, 1), (1, 1)),
        Case(2, 48, (1, 1), (7, 6), (5, 5), (1, 1), (2, 2), (1, 1)),
        Case(0, 1, (2, 3), (6, 7), (3, 3), (1, 1), (1, 1), (1, 1)),
    ],
    ids=["dense", "picture", "depthwise", "empty batch"],
)
def test_gradients_are_pytorchs(case, algorithm):
    if algorithm not in (*fitting(case.sizes), "auto"):
        pytest.skip("not in its domain")
    ours = [tensor.requires_grad_() for tensor in case.tensors()]
    theirs = [tensor.requires_grad_() for tensor in case.tensors()]
    output = conv2d(*ours, **case.parameters, algorithm=algorithm)
    signal = torch.randn(output.shape, dtype=output.dtype, generator=torch.Generator().manual_seed(1))
    output.backward(signal)
    F.conv2d(*theirs, **case.parameters).backward(signal)
    for our, their in zip(ours, theirs, strict=True):
        largest = their.grad.abs().max().item() if their.numel() else 1.0
        torch.testing.assert_close(our.grad, their.grad, rtol=0, atol=1e-12 * max(largest, 1))


def test_loops_refuses_to_lose_gradients():
    weight = torch.zeros(1, 1, 3, 3, requires_grad=True)
    with pytest.raises(DomainError, match=r"no gradients.*no_grad.*im2col, shift, strided, fft, winograd"):
        conv2d(torch.zeros(1, 1, 4, 4), weight, algorithm="loops")
    with torch.no_grad():
        assert conv2d(torch.zeros(1, 1, 4, 4), weight, algorithm="loops").shape == (1, 1, 2, 2)


@pytest.mark.parametrize("algorithm", [*DIFFERENTIABLE, "auto"])
def test_the_result_requires_grad_only_where_asked(algorithm):
    weight = torch.ones(1, 1, 3, 3, requires_grad=True)
    picture = torch.ones(1, 1, 5, 6)
    assert conv2d(picture, weight, algorithm=algorithm).requires_grad
    assert not conv2d(picture, weight.detach(), algorithm=algorithm).requires_grad
    assert weight.grad is None
