"""A convolution by hand held against `torch.nn.functional.conv2d`: outputs, errors, gradients, a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution.algorithms import ALGORITHMS
from explorer.convolution.api import conv2d
from explorer.convolution.dispatch import choose
from explorer.convolution.geometry import Geometry, Padding, Size, sizes_of
from explorer.convolution.padding import pad

Convolve = Callable[..., Tensor]

FLOAT64_BOUND = 1e-12
"""Greatest relative difference of two float64 results that count as the same."""


@dataclass(frozen=True)
class GradientErrors:
    """How far gradients are apart, and each from the float64 one.

    All are relative to the largest gradient that numbers of these magnitudes could make: one by the weight
    is a sum over every window of the picture, tens of thousands of products that mostly cancel, and rounding
    errors grow with what is added, not with what is left. PyTorch's own are no smaller than by hand.

    Attributes:
        apart: Largest difference of the two.
        ours: Largest distance of the hand-written one from the float64 gradient.
        theirs: The same for `F.conv2d`. For float64 inputs its own is the reference.
    """

    apart: float
    ours: float
    theirs: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What became of one convolution by two ways.

    Attributes:
        algorithm: The algorithm by hand that ran, never "auto".
        sizes: The convolution.
        ours: Its output, (N, O, OH, OW).
        theirs: `F.conv2d`'s, of the same shape.
        difference: ours - theirs.
        scale: The largest output that these magnitudes could make, max of |input| convolved with |weight|
            plus |bias|: what relative errors are relative to.
        max_absolute_error: Largest finite |difference|.
        max_relative_error: The same over `scale`.
        our_error: Largest distance from the float64 result, over `scale`.
        their_error: The same for `F.conv2d`. For float64 inputs its own result is the reference.
        bound: The relative error that the algorithm promises in this dtype.
        gradients: Those by input, weight and bias; empty where none were asked for or the algorithm has none.
        same_special_values: Whether NaN and infinities stand in the same places.
    """

    algorithm: str
    sizes: Geometry
    ours: Tensor
    theirs: Tensor
    difference: Tensor
    scale: float
    max_absolute_error: float
    max_relative_error: float
    our_error: float
    their_error: float
    bound: float
    gradients: dict[str, GradientErrors]
    same_special_values: bool

    @property
    def agrees(self) -> bool:
        """Whether everything by hand lies as near to the float64 result as the algorithm promises."""
        return self.same_special_values and all(error <= self.bound for error in self._errors().values())

    @property
    def verdict(self) -> str:
        """One plain sentence about what the numbers say."""
        if not self.ours.numel():
            return "An empty batch: there is nothing to compare."
        if not self.same_special_values:
            return (
                f"The outputs differ in where NaN and infinities stand: {self.algorithm} "
                "mixes neighbouring values, so one of them reaches further."
            )
        if not self.agrees:
            return f"They do not agree within {_power(self.bound, 0)}: {self._beyond()}."
        if torch.equal(self.ours.nan_to_num(), self.theirs.nan_to_num()):
            count = self.ours.numel()
            values = f"{count:,} values" if count > 1 else "the one value"
            return f"{self.algorithm} and PyTorch agree in every bit of {values}."
        size = f"at most {_power(self.max_relative_error)} of the largest possible output"
        return f"The same convolution: the outputs differ by {size}, {self._against_float64()}."

    def _errors(self) -> dict[str, float]:
        """What must lie within the bound: distances from float64, since PyTorch's own may be larger."""
        own = {f"gradient by {name}": errors.ours for name, errors in self.gradients.items()}
        return {"output": self.our_error} | own

    def _beyond(self) -> str:
        errors = self._errors().items()
        return ", ".join(f"the {name} is off by {_power(e)}" for name, e in errors if not e <= self.bound)

    def _against_float64(self) -> str:
        if self.ours.dtype == torch.float64:
            return "which is the rounding of float64"
        if self.our_error <= self.their_error:
            return (
                f"and {self.algorithm} is no further from the float64 result than PyTorch "
                f"({_power(self.our_error)} and {_power(self.their_error)})"
            )
        nearer = f"{_power(self.their_error)} against {_power(self.our_error)}"
        return f"and PyTorch is nearer to the float64 result ({nearer})"


def compare(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    algorithm: str = "auto",
    padding_mode: str = "zeros",
    gradients: bool = True,
) -> Comparison:
    """Convolve by hand and by `F.conv2d`, and measure how far apart the results are.

    Arguments are those of `conv2d`. What `F.conv2d` does not offer, "same_tensorflow" and padding other than
    zeros, is padded for PyTorch before. The caller's tensors are not changed, and no gradient is left on
    them. A direction for the gradients is drawn from a generator of its own.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (O, C / groups, kH, kW).
        bias: (O,) or None.
        stride: As for `conv2d`.
        padding: As for `conv2d`.
        dilation: As for `conv2d`.
        groups: As for `conv2d`.
        algorithm: As for `conv2d`.
        padding_mode: As for `conv2d`.
        gradients: Whether to compare gradients too; "loops" has none.

    Raises:
        ConvolutionError: As `conv2d`.
    """
    with torch.no_grad():
        batch = input.detach().unsqueeze(0) if input.dim() == 3 else input.detach()
        given = [batch, weight.detach()] + ([] if bias is None else [bias.detach()])
        sizes = sizes_of(batch.shape, weight.shape, stride, padding, dilation, groups)
        name = choose(sizes, input.dtype) if algorithm == "auto" else algorithm
        by_hand = partial(
            conv2d, stride=stride, padding=padding, dilation=dilation, groups=groups,
            algorithm=name, padding_mode=padding_mode,
        )  # fmt: skip
        by_torch = partial(library, sizes=sizes, padding_mode=padding_mode)
        ours, theirs = by_hand(*given), by_torch(*given)
        exact = by_torch(*[tensor.double() for tensor in given])
        largest = _largest(by_torch(*[_magnitude(tensor.double()) for tensor in given]))
    difference = ours - theirs
    wanted = gradients and ALGORITHMS[name].differentiable
    return Comparison(
        algorithm=name,
        sizes=sizes,
        ours=ours,
        theirs=theirs,
        difference=difference,
        scale=largest,
        max_absolute_error=_largest(difference),
        max_relative_error=_over(_largest(difference), largest),
        our_error=_over(_largest(ours.double() - exact), largest),
        their_error=_over(_largest(theirs.double() - exact), largest),
        bound=ALGORITHMS[name].float32_bound if input.dtype == torch.float32 else FLOAT64_BOUND,
        gradients=_gradient_errors(by_hand, by_torch, given, sizes) if wanted else {},
        same_special_values=torch.equal(ours.isfinite(), theirs.isfinite()),
    )


def library(
    batch: Tensor, weight: Tensor, bias: Tensor | None = None, *, sizes: Geometry, padding_mode: str = "zeros"
) -> Tensor:
    """The same convolution by `F.conv2d`: (N, O, OH, OW).

    Zeros on both sides alike are its own; whatever else there is to pad is padded before.
    """
    top, bottom, left, right = sizes.padding
    own = (top, left) if (top, left) == (bottom, right) and padding_mode == "zeros" else None
    padded = batch if own else pad(batch, sizes.padding, padding_mode)
    return F.conv2d(padded, weight, bias, sizes.stride, own or 0, sizes.dilation, sizes.groups)


def _gradient_errors(
    by_hand: Convolve, by_torch: Convolve, given: list[Tensor], sizes: Geometry
) -> dict[str, GradientErrors]:
    """For input, weight and bias, by a random direction of the output."""
    signal = torch.randn(sizes.output_shape, generator=torch.Generator().manual_seed(0)).to(given[0])
    ours, theirs = _gradients(by_hand, given, signal), _gradients(by_torch, given, signal)
    exact = _gradients(by_torch, [tensor.double() for tensor in given], signal.double())
    possible = _gradients(by_torch, [_magnitude(tensor.double()) for tensor in given], signal.double().abs())
    return {
        which: GradientErrors(*(_over(error, _largest(most)) for error in _distances(*three)))
        for which, most, *three in zip(
            ("input", "weight", "bias"), possible, ours, theirs, exact, strict=False
        )
    }  # fmt: skip


def _distances(ours: Tensor, theirs: Tensor, exact: Tensor) -> tuple[float, float, float]:
    return _apart(ours, theirs), _apart(ours.double(), exact), _apart(theirs.double(), exact)


def _gradients(convolve: Convolve, given: list[Tensor], signal: Tensor) -> tuple[Tensor, ...]:
    with torch.enable_grad():
        leaves = [tensor.clone().requires_grad_() for tensor in given]
        return torch.autograd.grad(convolve(*leaves), leaves, signal)


def _magnitude(tensor: Tensor) -> Tensor:
    return tensor.nan_to_num(0, 0, 0).abs()


def _apart(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference; infinite where only one of two values is finite."""
    return _largest(ours - theirs) if torch.equal(ours.isfinite(), theirs.isfinite()) else float("inf")


def _largest(tensor: Tensor) -> float:
    """Largest finite magnitude; 0 of nothing."""
    finite = tensor[tensor.isfinite()]
    return finite.abs().max().item() if finite.numel() else 0.0


def _over(error: float, scale: float) -> float:
    """A relative error; 0 of 0 is 0, and an error where nothing could be is infinite."""
    return error / scale if scale else (0.0 if not error else float("inf"))


def _power(value: float, digits: int = 1) -> str:
    """A small number as people write it: 8.9e−8."""
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−") if exponent else mantissa
