"""What natural pictures have in common: how their colours go together, and how strong each frequency is.

Both are measured on the sample pictures by `measure` and stored beside this file, so that a parametrization
needs no pictures: `python -m explorer.visualization.natural` measures and stores them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

STORED = Path(__file__).with_name("natural.npz")
WINDOW = 128
"""Side of the square pieces whose spectra are averaged, in pixels."""
_WINDOWS_PER_PICTURE = 24
_COLOURLESS = 0.02


@dataclass(frozen=True, eq=False)
class NaturalStatistics:
    """Statistics of natural pictures.

    Attributes:
        colours: float32 (3, 3): independent numbers of variance 1 times its transpose have the covariance of
            natural red, green and blue; scaled so that its longest column has length 1.
        spectrum: float32 (3, WINDOW, WINDOW // 2 + 1): mean magnitude of each frequency, as `torch.fft.rfft2`
            orders them, of the three independent colours; the mean square over a picture is 1, and the
            mean brightness (frequency 0) is left out.
    """

    colours: NDArray[np.float32]
    spectrum: NDArray[np.float32]


def measure(pictures: Iterable[NDArray[np.uint8]]) -> NaturalStatistics:
    """Measure pictures.

    Grey pictures count for the spectrum and not for the colours, which they would pull towards grey.

    Args:
        pictures: uint8 (H, W, 3) each; smaller sides than `WINDOW` are left out.

    Raises:
        ValueError: If none of the pictures has colours, or none is large enough.
    """
    pieces = [piece for picture in pictures for piece in _pieces(picture)]
    if not pieces:
        raise ValueError(f"none of the pictures has {WINDOW} × {WINDOW} pixels")
    values = torch.from_numpy(np.stack(pieces)).double().div_(255).permute(0, 3, 1, 2)  # (P, 3, W, W)
    saturated = (values.amax(1) - values.amin(1)).mean((1, 2)) > _COLOURLESS
    if not saturated.any():
        raise ValueError("none of the pictures has colours")
    covariance = torch.cov(values[saturated].transpose(0, 1).flatten(1))
    power, axes = torch.linalg.eigh(covariance)  # ascending
    axes = axes * axes.sum(0).sign().where(axes.sum(0) != 0, 1.0)  # the sign of an axis is arbitrary
    colours = (axes * power.clamp(min=0).sqrt()).flip(1)  # columns: light, then two differences of colours
    colours = colours / colours.norm(dim=0).max()
    own = torch.linalg.solve(colours, values.flatten(2)).unflatten(2, (WINDOW, WINDOW))
    return NaturalStatistics(colours.float().numpy(), _spectrum(own).float().numpy())


def _pieces(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Square pieces at seeded places."""
    height, width = picture.shape[:2]
    if min(height, width) < WINDOW:
        return []
    draw = np.random.default_rng(0)
    tops = draw.integers(0, height - WINDOW + 1, _WINDOWS_PER_PICTURE)
    lefts = draw.integers(0, width - WINDOW + 1, _WINDOWS_PER_PICTURE)
    return [picture[y : y + WINDOW, x : x + WINDOW] for y, x in zip(tops, lefts, strict=True)]


def _spectrum(pieces: Tensor) -> Tensor:
    """Mean magnitudes (3, W, W // 2 + 1) of pieces (P, 3, W, W)."""
    # Without a window the edges of a piece would look like lines, all horizontal and vertical.
    hann = torch.hann_window(WINDOW, periodic=True, dtype=pieces.dtype)
    pieces = (pieces - pieces.mean((2, 3), keepdim=True)) * hann[:, None] * hann
    magnitudes = torch.fft.rfft2(pieces, norm="ortho").abs().mean(0)
    magnitudes[:, 0, 0] = 0
    found: Tensor = magnitudes / full_plane_power(magnitudes, WINDOW) ** 0.5
    return found


def full_plane_power(magnitudes: Tensor, width: int) -> float:
    """Mean square over all frequencies, of which `rfft2` leaves out the mirrored half.

    Args:
        magnitudes: (..., H, width // 2 + 1).
        width: Of the picture in pixels.
    """
    twice = torch.full((magnitudes.shape[-1],), 2.0, dtype=magnitudes.dtype)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    power = (magnitudes.square() * twice).sum((-2, -1)) / (magnitudes.shape[-2] * width)
    return float(power.mean())


@cache
def stored() -> NaturalStatistics:
    """The statistics of the sample pictures, as they were stored."""
    with np.load(STORED) as file:
        return NaturalStatistics(file["colours"], file["spectrum"].astype(np.float32))


def spectrum_at(height: int, width: int) -> Tensor:
    """The stored spectrum at another size, float32 (3, height, width // 2 + 1), mean square 1."""
    spectrum = torch.from_numpy(stored().spectrum)
    centred = torch.cat([spectrum[:, WINDOW // 2 :], spectrum[:, : WINDOW // 2]], 1)  # rows: -1/2 .. 1/2
    rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
    y = (rows + 0.5) * WINDOW / (WINDOW - 1) * 2 - 1
    places = torch.stack([(columns * 4 - 1).expand(height, -1), y[:, None].expand(-1, len(columns))], -1)
    # Near frequency 0 the magnitudes fall like a hyperbola, which becomes a line in logarithms.
    logarithms = centred.clamp(min=centred[centred > 0].min()).log()
    found = F.grid_sample(
        logarithms[None], places[None], padding_mode="border", align_corners=True, mode="bilinear"
    )[0].exp()
    found[:, 0, 0] = 0
    result: Tensor = found / full_plane_power(found, width) ** 0.5
    return result


def main() -> None:
    """Measure the sample pictures and store what was found."""
    from explorer.images import decode
    from explorer.samples import SAMPLES, sample_bytes

    found = measure(decode(sample_bytes(name)).rgb for name in SAMPLES)
    np.savez_compressed(STORED, colours=found.colours, spectrum=found.spectrum.astype(np.float16))


if __name__ == "__main__":
    main()
