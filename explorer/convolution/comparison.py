"""A convolution by hand held against `torch.nn.functional.conv2d`: outputs, errors, gradients, a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution.algorithms import ALGORITHMS
from explorer.convolution.api import conv2d
from explorer.convolution.dispatch import choose
from explorer.convolution.geometry import Geometry, Padding, Size, sizes_of
from explorer.convolution.padding import pad

FLOAT64_BOUND = 1e-12
"""Greatest relative difference of two float64 results that count as the same."""


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
        gradients: Largest difference of the gradients by input, weight and bias, over each one's largest
            value; empty where gradients were not asked for or the algorithm has none.
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
    gradients: dict[str, float]
    same_special_values: bool

    @property
    def agrees(self) -> bool:
        """Whether everything that was compared lies within the bound."""
        errors = (self.max_relative_error, *self.gradients.values())
        return self.same_special_values and all(error <= self.bound for error in errors)

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
            return f"They do not agree within {self.bound:.0e}: {self._beyond()}."
        if torch.equal(self.ours.nan_to_num(), self.theirs.nan_to_num()):
            return f"{self.algorithm} and PyTorch agree in every bit of {self.ours.numel():,} values."
        size = f"at most {self.max_relative_error:.1e} of the largest possible output"
        return f"The same convolution: the outputs differ by {size}, {self._against_float64()}."

    def _beyond(self) -> str:
        errors = {"output": self.max_relative_error}
        errors |= {f"gradient by {name}": error for name, error in self.gradients.items()}
        return ", ".join(f"the {name} is off by {e:.1e}" for name, e in errors.items() if e > self.bound)

    def _against_float64(self) -> str:
        if self.ours.dtype == torch.float64:
            return "which is the rounding of float64"
        if self.our_error <= self.their_error:
            return (
                f"and {self.algorithm} is no further from the float64 result than PyTorch "
                f"({self.our_error:.1e} and {self.their_error:.1e})"
            )
        nearer = f"{self.their_error:.1e} against {self.our_error:.1e}"
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
    gradients: bool = True,
) -> Comparison:
    """Convolve by hand and by `F.conv2d`, and measure how far apart the results are.

    Arguments are those of `conv2d`; `padding="same_tensorflow"` is padded by hand for PyTorch too. The
    caller's tensors are not changed, and no gradient is left on them. A direction for the gradients is drawn
    from a generator of its own.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (O, C / groups, kH, kW).
        bias: (O,) or None.
        stride: As for `conv2d`.
        padding: As for `conv2d`.
        dilation: As for `conv2d`.
        groups: As for `conv2d`.
        algorithm: As for `conv2d`.
        gradients: Whether to compare gradients too; "loops" has none.

    Raises:
        ConvolutionError: As `conv2d`.
    """
    with torch.no_grad():
        batch = input.detach().unsqueeze(0) if input.dim() == 3 else input.detach()
        given = [batch, weight.detach()] + ([] if bias is None else [bias.detach()])
        sizes = sizes_of(batch.shape, weight.shape, stride, padding, dilation, groups)
        name = choose(sizes, input.dtype) if algorithm == "auto" else algorithm
        ours = _by_hand(given, sizes, name)
        theirs = _by_torch(given, sizes)
        exact = _by_torch([tensor.double() for tensor in given], sizes)
        magnitudes = [tensor.double().nan_to_num(0, 0, 0).abs() for tensor in given]
        largest = _largest(_by_torch(magnitudes, sizes))
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
        gradients=_gradients(given, sizes, name) if wanted else {},
        same_special_values=torch.equal(ours.isfinite(), theirs.isfinite()),
    )


def _by_hand(given: list[Tensor], sizes: Geometry, name: str) -> Tensor:
    batch, weight, *bias = given
    top, bottom, left, right = sizes.padding
    even = (top, left) if (top, left) == (bottom, right) else None
    padded = batch if even is not None else pad(batch, sizes.padding)
    return conv2d(
        padded,
        weight,
        bias[0] if bias else None,
        sizes.stride,
        even or 0,
        sizes.dilation,
        sizes.groups,
        algorithm=name,
    )


def _by_torch(given: list[Tensor], sizes: Geometry) -> Tensor:
    batch, weight, *bias = given
    padded = pad(batch, sizes.padding)
    return F.conv2d(padded, weight, bias[0] if bias else None, sizes.stride, 0, sizes.dilation, sizes.groups)


def _gradients(given: list[Tensor], sizes: Geometry, name: str) -> dict[str, float]:
    """For input, weight and bias the largest difference of the two gradients over their largest value."""
    signal = torch.randn(sizes.output_shape, generator=torch.Generator().manual_seed(0)).to(given[0])
    both = []
    for convolve in (_by_hand, lambda leaves, sizes, _: _by_torch(leaves, sizes)):
        with torch.enable_grad():
            leaves = [tensor.clone().requires_grad_() for tensor in given]
            both.append(torch.autograd.grad(convolve(leaves, sizes, name), leaves, signal))
    names = ("input", "weight", "bias")
    return {
        which: _over(_largest(ours - theirs), _largest(theirs))
        for which, ours, theirs in zip(names, *both, strict=False)
    }


def _largest(tensor: Tensor) -> float:
    """Largest finite magnitude; 0 of nothing."""
    finite = tensor[tensor.isfinite()]
    return finite.abs().max().item() if finite.numel() else 0.0


def _over(error: float, scale: float) -> float:
    """A relative error; 0 of 0 is 0, and an error where nothing could be is infinite."""
    return error / scale if scale else (0.0 if not error else float("inf"))
