"""All windows of a picture as one view: seven indices over the same memory."""

from __future__ import annotations

from torch import Tensor

from explorer.convolution.geometry import Geometry


def windows(padded: Tensor, sizes: Geometry) -> Tensor:
    """Every window that the kernel is laid over, without copying a pixel.

    A tensor is memory plus strides: how far to walk for the next index. Moving the window by one is a walk
    of `stride` pixels, moving inside it a walk of `dilation` pixels; overlapping windows simply name the
    same memory several times.

    Args:
        padded: (N, C, H + top + bottom, W + left + right), of any memory layout.
        sizes: The convolution.

    Returns:
        (N, C, OH, OW, kH, kW), a view.
    """
    batch, channel, row, column = padded.stride()
    (down, right), (between_rows, between_columns) = sizes.stride, sizes.dilation
    return padded.as_strided(
        (sizes.batch, sizes.in_channels, *sizes.output_size, *sizes.kernel_size),
        (batch, channel, row * down, column * right, row * between_rows, column * between_columns),
        padded.storage_offset(),
    )
