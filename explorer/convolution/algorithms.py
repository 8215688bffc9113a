"""The algorithms by name, each with its domain and the accuracy that it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from explorer.convolution import toom_cook, winograd
from explorer.convolution.fft import fft
from explorer.convolution.geometry import ConvolutionError, Geometry
from explorer.convolution.im2col import im2col
from explorer.convolution.loops import loops
from explorer.convolution.shift import shift
from explorer.convolution.strided import strided


class DomainError(ConvolutionError):
    """An algorithm asked for a convolution that it cannot make; the message says which ones can."""


@dataclass(frozen=True)
class Algorithm:
    """One way to convolve.

    Attributes:
        name: The name that `conv2d` takes.
        title: For people.
        run: (N, C, H, W), (O, C/g, kH, kW), sizes -> (N, O, OH, OW).
        float32_bound: Greatest error that float32 makes on numbers of ordinary size, relative to the
            largest possible output, max of |input| convolved with |weight|.
        differentiable: Whether autograd follows.
        obstacle: Why the algorithm cannot make a convolution, or None if it can.
    """

    name: str
    title: str
    run: Callable[[Tensor, Tensor, Geometry], Tensor]
    float32_bound: float
    differentiable: bool = True
    obstacle: Callable[[Geometry], str | None] = lambda _: None


ALGORITHMS = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("loops", "The definition, in loops", loops, 2e-7, differentiable=False),
        Algorithm("im2col", "im2col and a matrix product", im2col, 1e-6),
        Algorithm("shift", "Shift and accumulate", shift, 1e-6),
        Algorithm("strided", "Strided windows and einsum", strided, 1e-6),
        Algorithm("fft", "Fast Fourier transform", fft, 2e-6),
        Algorithm(
            "winograd", "Winograd's minimal filtering", winograd.winograd, 1e-5, obstacle=winograd.obstacle
        ),
        Algorithm(
            "toom_cook", "Toom-Cook along the height", toom_cook.toom_cook, 5e-6, obstacle=toom_cook.obstacle
        ),
    )
}


def fitting(sizes: Geometry) -> tuple[str, ...]:
    """The names of the algorithms that can make this convolution.

    Example:
        >>> from explorer.convolution.geometry import sizes_of
        >>> fitting(sizes_of((1, 3, 9, 8), (4, 3, 3, 3), stride=2))
        ('loops', 'im2col', 'shift', 'strided', 'fft')
    """
    return tuple(name for name, algorithm in ALGORITHMS.items() if algorithm.obstacle(sizes) is None)


def find(name: str, sizes: Geometry, gradients: bool = False) -> Algorithm:
    """The algorithm `name`, if it fits.

    Args:
        name: A key of `ALGORITHMS`.
        sizes: The convolution.
        gradients: Whether autograd is to follow.

    Raises:
        ConvolutionError: If there is no such algorithm.
        DomainError: If it cannot make this convolution.
    """
    if name not in ALGORITHMS:
        raise ConvolutionError(f"algorithm {name!r} is unknown; possible are {', '.join(ALGORITHMS)}, auto")
    algorithm = ALGORITHMS[name]
    if obstacle := algorithm.obstacle(sizes):
        raise DomainError(f"{name} does not fit: {obstacle}; these fit: {', '.join(fitting(sizes))}")
    if gradients and not algorithm.differentiable:
        others = ", ".join(other for other in fitting(sizes) if ALGORITHMS[other].differentiable)
        raise DomainError(
            f"{name} carries no gradients; call it under torch.no_grad() or on detached tensors, "
            f"or take one of {others}"
        )
    return algorithm
