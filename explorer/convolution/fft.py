"""FFT: a convolution is a product of spectra, and the fast Fourier transform makes spectra cheap.

Idea: shifting a picture only turns the phases of its spectrum, so a weighted sum of shifted pictures, which
is what a convolution is, multiplies the spectrum frequency by frequency. Transform both, multiply, transform
back: the cost hardly depends on the kernel's size. A picture much larger than the kernel is cut into
overlapping tiles, of each of which the part without wrap-around is kept (overlap-save).

Cost: per tile of L × L pixels about 2.5 · L² · log2(L²) multiplications for each of N·C, N·O and O·C/groups
transforms, and 4 · N · O · (C / groups) · L² / 2 for the products. Memory: the three spectra. On one
channel a third of `F.conv2d`'s peak was measured under kernels of 15 and 31 pixels, and 3 to 4 times it under
63, where a tile is the whole picture.

Accuracy: rounding errors are relative to the largest value in a tile, not to each output. A NaN or an
infinity anywhere in a tile makes the whole tile's outputs NaN.

Source: Cooley and Tukey, 1965; Stockham, "High-speed convolution and correlation", 1966; for networks
Mathieu, Henaff and LeCun, "Fast training of convolutional networks through FFTs", 2014.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry, Pair
from explorer.convolution.padding import pad


def fft(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by spectra: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    tile = tile_size(sizes)  # (LH, LW)
    tiles = _tiles(input, sizes, tile)  # (N, C, TH, TW, LH, LW)
    kernel = _with_holes(weight, sizes)  # (O, C/g, SH, SW)
    # The conjugate spectrum is the flipped kernel's: without it this were a true convolution.
    product = _multiply(torch.fft.rfft2(tiles), torch.fft.rfft2(kernel, s=tile).conj(), sizes.groups)
    output: Tensor = torch.fft.irfft2(product, s=tile)  # (N, O, TH, TW, LH, LW)
    (rows, columns), (height, width) = _kept(sizes, tile), _stride_1_size(sizes)
    output = output[..., :rows, :columns].transpose(
        3, 4
    )  # the rest wrapped around: (N, O, TH, rows, TW, columns)
    output = output.flatten(4, 5).flatten(2, 3)[..., :height, :width]  # the outputs at stride 1
    return output[..., :: sizes.stride[0], :: sizes.stride[1]].contiguous()


def tile_size(sizes: Geometry) -> Pair:
    """The tile along both axes that makes the transforms cheapest: (LH, LW), each with small factors."""
    rows, columns = (
        _best(outputs, reach) for outputs, reach in zip(_stride_1_size(sizes), sizes.span, strict=True)
    )
    return rows, columns


@cache
def fast_length(least: int) -> int:
    """The smallest length from `least` on with no prime factor above 7, which transforms fast.

    Example:
        >>> fast_length(223)
        224
    """
    rest = least
    for factor in (2, 3, 5, 7):
        while rest % factor == 0:
            rest //= factor
    return least if rest == 1 else fast_length(least + 1)


def _best(outputs: int, reach: int) -> int:
    """The tile length of least work for `outputs` pixels along an axis with a kernel of `reach` pixels."""
    whole = fast_length(outputs + reach - 1)
    lengths = [fast_length(reach * 2**k) for k in range(1, 8) if reach * 2**k < whole]
    return min([whole, *lengths], key=lambda length: _work(outputs, reach, length))


def _work(outputs: int, reach: int, length: int) -> float:
    return math.ceil(outputs / (length - reach + 1)) * length * math.log2(2 * length)


def _stride_1_size(sizes: Geometry) -> Pair:
    (height, width), (rows, columns) = sizes.padded_size, sizes.span
    return height - rows + 1, width - columns + 1


def _kept(sizes: Geometry, tile: Pair) -> Pair:
    """How many rows and columns of each tile's result are free of wrap-around."""
    return tile[0] - sizes.span[0] + 1, tile[1] - sizes.span[1] + 1


def _tiles(input: Tensor, sizes: Geometry, tile: Pair) -> Tensor:
    """The padded picture as overlapping tiles, a view: (N, C, TH, TW, LH, LW)."""
    kept, outputs = _kept(sizes, tile), _stride_1_size(sizes)
    top, _, left, _ = sizes.padding
    # Up to the last tile's end, which may lie beyond the padding.
    height, width = (
        math.ceil(o / k) * k - k + length for o, k, length in zip(outputs, kept, tile, strict=True)
    )
    padded = pad(input, (top, height - top - sizes.size[0], left, width - left - sizes.size[1]))
    return padded.unfold(2, tile[0], kept[0]).unfold(3, tile[1], kept[1])


def _with_holes(weight: Tensor, sizes: Geometry) -> Tensor:
    """The kernel with its dilation written out as zeros: (O, C/g, SH, SW)."""
    if sizes.dilation == (1, 1):
        return weight
    spread = weight.new_zeros(*weight.shape[:2], *sizes.span)
    spread[..., :: sizes.dilation[0], :: sizes.dilation[1]] = weight
    return spread


def _multiply(picture: Tensor, kernel: Tensor, groups: int) -> Tensor:
    """Sum over the input channels at every frequency: (N, C, TH, TW, FH, FW) -> (N, O, TH, TW, FH, FW)."""
    if kernel.shape[1] == 1 and len(kernel) == groups:  # depthwise: there is nothing to add up
        return picture * kernel[:, 0, None, None]
    picture = picture.reshape(len(picture), groups, -1, *picture.shape[2:])  # (N, g, C/g, TH, TW, FH, FW)
    kernel = kernel.reshape(groups, -1, *kernel.shape[1:])  # (g, O/g, C/g, FH, FW)
    return torch.einsum("ngctsuv,gocuv->ngotsuv", picture, kernel).flatten(1, 2)
