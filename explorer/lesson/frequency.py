"""What a kernel does to waves of every direction and width: its frequency response.

A wave that a kernel is laid over comes out as the same wave, made stronger or weaker and moved along. By how
much is the magnitude of the kernel's Fourier transform at the wave's frequency: a blur keeps slow waves and
takes quick ones away, an edge kernel the reverse.

Frequencies are in cycles per pixel, from −1/2 to 1/2: at 1/2 pixels alternate, and nothing quicker exists.

Source: Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd edition, section 2.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.lesson.composition import check_kernel
from explorer.lesson.matrices import LessonError

MOST_SIZE = 512


@dataclass(frozen=True, eq=False)
class FrequencyResponse:
    """By how much a kernel amplifies waves.

    Attributes:
        magnitude: float64 (size, size), at least 0. The constant picture is in the middle, at
            [size // 2, size // 2]; to the right frequencies across the columns rise, downwards those across
            the rows. Equal in opposite directions.
        frequencies: float64 (size,): what the rows and columns of `magnitude` stand for, in cycles per pixel.
    """

    magnitude: Tensor
    frequencies: Tensor

    @property
    def constant(self) -> float:
        """The factor for an even picture, without its sign: 1 for a blur, 0 for an edge kernel."""
        middle = len(self.frequencies) // 2
        return float(self.magnitude[middle, middle])

    @property
    def strongest(self) -> tuple[float, float, float]:
        """The strongest wave: (vertical frequency, horizontal frequency, factor).

        Of equally strong waves it is the slowest, and of two opposite frequencies, which are the same wave,
        the one to the right.
        """
        middle = len(self.frequencies) // 2
        half, across = self.magnitude[:, middle:], self.frequencies[middle:]
        speed = torch.hypot(self.frequencies[:, None], across[None, :])
        # Rounding must not choose between equals.
        speed = torch.where(half >= half.max() * (1 - 1e-9), speed, math.inf)
        row, column = divmod(int(speed.argmin()), len(across))
        return float(self.frequencies[row]), float(across[column]), float(half[row, column])

    @property
    def wavelength(self) -> float:
        """Of the strongest wave, in pixels from crest to crest; infinite for an even picture."""
        vertical, horizontal, _ = self.strongest
        frequency = math.hypot(vertical, horizontal)
        return 1 / frequency if frequency else math.inf

    @property
    def finest(self) -> float:
        """The factor for the finest stripes, upright or level, whichever is the larger."""
        middle = len(self.frequencies) // 2
        return max(float(self.magnitude[middle, -1]), float(self.magnitude[-1, middle]))

    @property
    def direction(self) -> str:
        """Where the strongest wave runs: "across", "down", "falling", "rising", "several" or "none".

        Falling and rising are meant on the way to the right; several, where the wave's mirror image, which
        runs elsewhere, is as strong within a hundredth.
        """
        vertical, horizontal, most = self.strongest
        if vertical == horizontal == 0:
            return "none"
        mirrored = (vertical, -horizontal) if vertical and horizontal else (horizontal, vertical)
        if self._at(*mirrored) >= 0.99 * most:
            return "several"
        if vertical == 0:
            return "across"
        if horizontal == 0:
            return "down"
        return "falling" if vertical * horizontal > 0 else "rising"

    def _at(self, vertical: float, horizontal: float) -> float:
        """The factor for the nearest wave on the grid."""
        row, column = (int((self.frequencies - at).abs().argmin()) for at in (vertical, horizontal))
        return float(self.magnitude[row, column])


def frequency_response(kernel: Tensor, size: int = 129) -> FrequencyResponse:
    """The magnitude of a kernel's Fourier transform on a grid of frequencies.

    Turning the kernel by 180 degrees, or putting its middle elsewhere, changes nothing: both only move the
    wave.

    Args:
        kernel: (kH, kW), up to 127 on a side.
        size: Frequencies on a side, odd so that the constant is in the middle and directions are symmetric,
            and not less than the kernel's sides.

    Raises:
        LessonError: If the kernel is no matrix of finite numbers, or the size is not possible.

    Example:
        >>> blur = frequency_response(torch.full((1, 2), 0.5), size=5)
        >>> blur.magnitude[2]  # cos(pi f) at f = −2/5 .. 2/5
        tensor([0.3090, 0.8090, 1.0000, 0.8090, 0.3090], dtype=torch.float64)
    """
    values = check_kernel(kernel)
    least = max(values.shape)
    if size % 2 == 0 or not least <= size <= MOST_SIZE:
        raise LessonError(f"size must be odd and between {least} and {MOST_SIZE}, got {size}")
    transform = torch.fft.fftshift(torch.fft.fft2(values, s=(size, size)))
    frequencies = torch.fft.fftshift(torch.fft.fftfreq(size, dtype=torch.float64))
    return FrequencyResponse(transform.abs(), frequencies)


def factor(kernel: Tensor, vertical: float, horizontal: float) -> float:
    """By how much a kernel amplifies one wave, from the definition.

    Args:
        kernel: (kH, kW).
        vertical: Frequency across the rows, in cycles per pixel.
        horizontal: Frequency across the columns.

    Raises:
        LessonError: If the kernel is no matrix of finite numbers.

    Example:
        >>> round(factor(torch.tensor([[-1.0, 0, 1]]), 0, 1 / 4), 12)  # two pixels are half a wave apart
        2.0
    """
    values = check_kernel(kernel)
    rows, columns = (torch.arange(side, dtype=torch.float64) for side in values.shape)
    turns = vertical * rows[:, None] + horizontal * columns[None, :]
    real = (values * torch.cos(2 * math.pi * turns)).sum()
    imaginary = (values * torch.sin(2 * math.pi * turns)).sum()
    return math.hypot(float(real), float(imaginary))
