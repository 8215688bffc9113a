"""`conv2d` with a choice of algorithm, and its mirror image, the true convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from explorer.convolution.algorithms import ALGORITHMS, find
from explorer.convolution.dispatch import choose
from explorer.convolution.geometry import ConvolutionError, Geometry, Padding, Size, check_tensors, sizes_of
from explorer.convolution.kept import keeping
from explorer.convolution.padding import PADDING_MODES, pad
from explorer.convolution.strided import strided


def conv2d(
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
) -> Tensor:
    """Cross-correlate, as `torch.nn.functional.conv2d` does, by an algorithm of one's choice.

    Args:
        input: (N, C, H, W) or (C, H, W), float32 or float64; N may be 0, any memory layout.
        weight: (O, C / groups, kH, kW).
        bias: (O,) or None.
        stride: Step of the window, an int or a pair (rows, columns).
        padding: An int, a pair, "valid", "same" (PyTorch's, stride 1) or "same_tensorflow" (any stride).
        dilation: Distance of the kernel's taps, an int or a pair.
        groups: Number of groups; `groups=C` is depthwise.
        algorithm: "loops", "im2col", "shift", "strided", "fft", "winograd", "toom_cook", or "auto", which
            takes the one that the cost model expects to be fastest for weights that are used again and again.
        padding_mode: What is padded: "zeros", "reflect", "replicate" or "circular".

    Returns:
        (N, O, OH, OW) or (O, OH, OW), contiguous.

    Raises:
        ConvolutionError: If the arguments don't fit together; a `ValueError` whose message names the numbers.
        DomainError: If the algorithm cannot make this convolution; the message names those that can.

    Example:
        >>> picture = torch.arange(9.0).reshape(1, 1, 3, 3)
        >>> conv2d(picture, torch.ones(1, 1, 2, 2), algorithm="im2col")[0, 0]
        tensor([[ 8., 12.],
                [20., 24.]])
    """
    check_tensors(input, weight, bias)
    gradients = torch.is_grad_enabled() and (
        input.requires_grad or weight.requires_grad or (bias is not None and bias.requires_grad)
    )
    plan = _plan(
        tuple(input.shape), tuple(weight.shape), _hashable(stride), _hashable(padding), _hashable(dilation),
        groups, padding_mode, algorithm, input.dtype, gradients, keeping() and not gradients,
    )  # fmt: skip
    batched = input if input.dim() == 4 else input.unsqueeze(0)
    if plan.padding is not None:
        batched = pad(batched, plan.padding, padding_mode)
    # An empty batch leaves nothing to compute, but its gradients are zeros: einsum knows.
    run = ALGORITHMS[plan.algorithm].run if plan.sizes.batch else strided
    output = run(batched, weight, plan.sizes)
    if bias is not None:
        output = output.add_(bias[:, None, None])
    return output if input.dim() == 4 else output.squeeze(0)


@dataclass(frozen=True)
class _Plan:
    """What `conv2d` does for one set of sizes: pad first, or leave the zeros to the algorithm, and which."""

    sizes: Geometry
    padding: tuple[int, int, int, int] | None
    algorithm: str


@lru_cache(maxsize=1024)
def _plan(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: Size,
    padding: Padding,
    dilation: Size,
    groups: int,
    padding_mode: str,
    algorithm: str,
    dtype: torch.dtype,
    gradients: bool,
    kept: bool,
) -> _Plan:
    # Kept, since working out the sizes of a small layer takes as long as its convolution.
    sizes = sizes_of(input_shape, weight_shape, stride, padding, dilation, groups)
    if padding_mode not in PADDING_MODES:
        raise ConvolutionError(
            f"padding mode {padding_mode!r} is unknown; possible are {', '.join(PADDING_MODES)}"
        )
    first = sizes.padding if padding_mode != "zeros" and any(sizes.padding) else None
    if first is not None:
        sizes = replace(sizes, size=sizes.padded_size, padding=(0, 0, 0, 0))
    name = choose(sizes, dtype, gradients, kept) if algorithm == "auto" else algorithm
    return _Plan(sizes, first, find(name, sizes, gradients).name)


def _hashable(value: Padding) -> Padding:
    return tuple(value) if isinstance(value, list) else value


def convolve2d(
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
) -> Tensor:
    """Convolve in the mathematician's sense: `conv2d` with each kernel turned by 180 degrees.

    Deep learning leaves the turn out, since a learned kernel can just as well be learned turned. For a
    kernel made by hand it decides the sign of an edge. Arguments and result are those of `conv2d`.

    Example:
        >>> step, kernel = torch.tensor([[[0.0, 0, 1, 1]]]), torch.tensor([[[[-1.0, 1]]]])
        >>> conv2d(step, kernel), convolve2d(step, kernel)
        (tensor([[[0., 1., 0.]]]), tensor([[[ 0., -1.,  0.]]]))
    """
    turned = weight.flip(-2, -1) if weight.dim() == 4 else weight
    return conv2d(
        input, turned, bias, stride, padding, dilation, groups, algorithm=algorithm, padding_mode=padding_mode
    )
