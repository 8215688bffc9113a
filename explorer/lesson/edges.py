"""Is a filter an edge detector? Two numbers for each, and how often noise would pass.

The fit is the share of the filter's sum of squares that the best Gabor function explains: a wave of any phase
under a bell, in one of many directions, widths and places. Noise has some by luck, an edge nearly all.

The selectivity says how much the filter prefers one direction: 0 for a spot, which likes all directions
alike, 1/2 for the derivative of a bell, towards 1 for a grating of many stripes. It is the length of the mean
of exp(2 i angle) over the frequencies, weighted by the filter's power there.

A filter that has enough of both is called an edge detector here. The limits are a choice; `by_chance` counts
how many filters of pure noise exceed them.

Sources: Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation", 1985;
Bigün and Granlund, "Optimal orientation detection of linear symmetry", 1987 (the weighted mean of angles).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import torch
from torch import Tensor

from explorer.lesson.matrices import LessonError

LEAST_FIT = 0.5
LEAST_SELECTIVITY = 0.4
KERNEL_SIZES = (5, 15)
"""A kernel of 3×3 has too few numbers: noise looks like an edge too often."""

_FREQUENCIES = 33


@dataclass(frozen=True)
class EdgeFit:
    """How much one filter is an edge detector.

    Attributes:
        fit: Share that the best Gabor function explains, 0 to 1.
        selectivity: Preference for one direction, 0 to 1.
        angle: Of the direction in which the filter looks for changes, 0 up to 180 degrees: 0 finds upright
            edges, 90 level ones.
    """

    fit: float
    selectivity: float
    angle: float

    @property
    def is_edge(self) -> bool:
        """Whether both are high enough."""
        return self.fit >= LEAST_FIT and self.selectivity >= LEAST_SELECTIVITY


def edge_fits(weight: Tensor) -> tuple[EdgeFit, ...]:
    """Measure every filter of a convolution.

    Args:
        weight: (O, C, k, k) with k from 5 to 15. All channels of a filter are explained by one Gabor
            function, each with a phase and strength of its own.

    Returns:
        One for each filter; a filter of zeros fits nothing.

    Raises:
        LessonError: If the filters are not square, too small or too large, or not finite.
    """
    if weight.dim() != 4 or weight.shape[2] != weight.shape[3] or 0 in weight.shape:
        raise LessonError(f"filters (O, C, k, k) are needed, got shape {tuple(weight.shape)}")
    if not KERNEL_SIZES[0] <= weight.shape[-1] <= KERNEL_SIZES[1]:
        raise LessonError(
            f"filters of 5×5 to 15×15 can be measured, got {weight.shape[-1]}×{weight.shape[-1]}"
        )
    values = weight.detach().to("cpu", torch.float64)
    if not bool(values.isfinite().all()):
        raise LessonError("the numbers of a filter must be finite")
    energy = values.square().sum((1, 2, 3)).clamp_min(1e-300)  # (O,)
    # (D, kk, 2) and (O, C, kk): how much of each filter lies in each plane of two phases.
    inside = torch.einsum("dpq,ocp->odcq", _planes(weight.shape[-1]), values.flatten(2))
    fits = inside.square().sum((2, 3)).amax(1) / energy
    selectivity, angle = _directions(values)
    rows = zip(fits.tolist(), selectivity.tolist(), angle.tolist(), strict=True)
    return tuple(EdgeFit(*row) for row in rows)


def edge_share(weight: Tensor) -> float:
    """The share of a convolution's filters that are edge detectors, 0 to 1.

    Raises:
        LessonError: As `edge_fits`.
    """
    fits = edge_fits(weight)
    return sum(fit.is_edge for fit in fits) / len(fits)


def by_chance(kernel_size: int, in_channels: int = 1, count: int = 1000, seed: int = 0) -> float:
    """The share of filters of pure noise that pass for edge detectors.

    Raises:
        LessonError: If such filters cannot be measured.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, in_channels, kernel_size, kernel_size, generator=generator)
    return edge_share(noise)


@lru_cache(maxsize=4)
def _planes(size: int) -> Tensor:
    """Gabor functions as orthonormal pairs of phases, float64 (D, size², 2)."""
    middle = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    pairs = []
    for degrees, wavelength, sigma, down, right in product(
        range(0, 180, 15), (0.6, 0.85, 1.15, 1.7), (0.2, 0.3, 0.43), (-1, 0, 1), (-1, 0, 1)
    ):
        x, y = (middle - right)[None, :], (middle - down)[:, None]
        along = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
        bell = torch.exp(-(x**2 + y**2) / (2 * (sigma * size) ** 2))
        turns = 2 * math.pi * along / (wavelength * size)
        # Without their constant part, by which a spot would pass for half a wave.
        waves = [bell * wave - bell * (bell * wave).sum() / bell.sum() for wave in (turns.cos(), turns.sin())]
        pairs.append(torch.stack([wave.flatten() for wave in waves], 1))
    orthonormal: Tensor = torch.linalg.qr(torch.stack(pairs))[0]
    return orthonormal


def _directions(values: Tensor) -> tuple[Tensor, Tensor]:
    """Selectivity and angle in degrees of every filter, (O,) each."""
    spectrum = torch.fft.fft2(values, s=(_FREQUENCIES, _FREQUENCIES)).abs().square().sum(1)  # (O, F, F)
    frequencies = torch.fft.fftfreq(_FREQUENCIES, dtype=torch.float64)
    angles = torch.atan2(frequencies[:, None], frequencies[None, :])
    # The corners beyond 1/2 would prefer the diagonals; at 0 there is no direction.
    ring = torch.hypot(frequencies[:, None], frequencies[None, :])
    power = spectrum * ((ring <= 0.5) & (ring > 0))
    cosine, sine = ((power * wave).sum((1, 2)) for wave in ((2 * angles).cos(), (2 * angles).sin()))
    total = power.sum((1, 2)).clamp_min(1e-300)
    # Rounded, so that an angle a hair below 0 does not become one of 180.
    degrees = torch.rad2deg(torch.atan2(sine, cosine) / 2).round(decimals=6) % 180
    return torch.hypot(cosine, sine) / total, degrees
