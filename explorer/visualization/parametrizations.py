"""Parametrizations: the numbers that are changed, and how a picture comes out of them.

The same objective gives very different pictures with different parametrizations, since gradient ascent goes
further along what its steps move more. Each has a `start` for one picture and turns a batch into `pictures`:

* `Pixels`: the pixels themselves. Steps are dominated by high frequencies, which networks answer to strongly
  and eyes dislike.
* `Fourier`: frequencies, scaled down by 1 / f as in natural pictures, in colours that are independent of
  each other there (Olah et al. 2017, https://distill.pub/2017/feature-visualization).
* `Maco`: only the phases of the frequencies; their magnitudes stay those of natural pictures (Fel et al.
  2023, "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization",
  arXiv:2306.06805).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from explorer.visualization import natural
from explorer.visualization.errors import VisualizationError

_DARKEST = 1 / 255  # beyond it the logarithm of a given picture's black runs away


class Parametrization:
    """What every parametrization can do. They are immutable and compare by value."""

    kind: ClassVar[str]
    step: ClassVar[float]
    """The learning rate with which it was tried."""

    def start(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """The first numbers for one picture, drawn from the generator; the shape is the parametrization's."""
        raise NotImplementedError

    def encode(self, picture: Tensor) -> Tensor:
        """The numbers from which `picture`, (3, H, W) in 0..1, comes out, or the nearest that can."""
        raise NotImplementedError

    def pictures(self, parameters: Tensor, width: int) -> Tensor:
        """The pictures, (N, 3, H, W) in 0..1, that come out of N times what `start` makes.

        Args:
            parameters: (N, ...).
            width: Of the pictures in pixels, which half of a spectrum leaves open.
        """
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Pixels(Parametrization):
    """Every pixel on its own, in independent colours, pressed into 0..1 by a logistic curve.

    Attributes:
        spread: Standard deviation of the first noise, in logits.
        natural_colours: Whether steps go along the colours of natural pictures rather than red, green, blue.
    """

    spread: float = 0.3
    natural_colours: bool = True
    kind: ClassVar[str] = "pixels"
    step: ClassVar[float] = 0.05

    def start(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Grey with a little noise, (3, H, W)."""
        return torch.randn(3, height, width, generator=generator) * self.spread

    def encode(self, picture: Tensor) -> Tensor:
        """The same picture, (3, H, W), its values kept a grey level away from black and white."""
        return _from_colours(picture, self.natural_colours)

    def pictures(self, parameters: Tensor, width: int) -> Tensor:  # noqa: ARG002 - the others need it
        """(N, 3, H, W) in 0..1."""
        return _to_colours(parameters, self.natural_colours)


@dataclass(frozen=True)
class Fourier(Parametrization):
    """Frequencies, scaled down by 1 / f, in independent colours.

    Attributes:
        spread: Standard deviation of the first noise over a picture, in logits.
        decay: How fast higher frequencies are scaled down: 1 / f ** decay, 0 for all alike.
        natural_colours: Whether steps go along the colours of natural pictures rather than red, green, blue.
    """

    spread: float = 0.3
    decay: float = 1.0
    natural_colours: bool = True
    kind: ClassVar[str] = "fourier"
    step: ClassVar[float] = 0.05

    def __post_init__(self) -> None:
        if not (0 <= self.decay <= 4 and 0 <= self.spread <= 10):
            raise VisualizationError(
                f"decay is from 0 to 4 and spread from 0 to 10, not {self.decay} and {self.spread}"
            )

    def start(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Noise of natural frequencies, (3, H, W // 2 + 1, 2): real and imaginary parts."""
        shape = (3, height, width // 2 + 1, 2)
        return torch.randn(shape, generator=generator) * (self.spread / math.sqrt(2))

    def encode(self, picture: Tensor) -> Tensor:
        """The picture's own frequencies, (3, H, W // 2 + 1, 2)."""
        logits = _from_colours(picture, self.natural_colours)
        height, width = picture.shape[1:]
        scale = self._scale(height, width).to(picture.device)
        spectrum: Tensor = torch.fft.rfft2(logits, norm="ortho") / scale
        return torch.view_as_real(spectrum)

    def pictures(self, parameters: Tensor, width: int) -> Tensor:
        """(N, 3, H, W) in 0..1."""
        height = parameters.shape[2]
        scale = self._scale(height, width).to(parameters.device)
        spectrum = torch.view_as_complex(parameters) * scale
        logits = torch.fft.irfft2(spectrum, s=(height, width), norm="ortho")
        return _to_colours(logits, self.natural_colours)

    def _scale(self, height: int, width: int) -> Tensor:
        """The factor of each frequency, (H, W // 2 + 1), mean square 1 over the plane."""
        rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)
        lowest = 1 / max(height, width)
        scale = torch.hypot(rows, columns).clamp(min=lowest) ** -self.decay
        result: Tensor = scale / natural.full_plane_power(scale, width) ** 0.5
        return result


@dataclass(frozen=True)
class Maco(Parametrization):
    """Only phases; the magnitudes are those of natural pictures at every moment.

    Attributes:
        contrast: Standard deviation over a picture, in logits.
    """

    contrast: float = 1.0
    kind: ClassVar[str] = "maco"
    step: ClassVar[float] = 0.2

    def start(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Random phases, (3, H, W // 2 + 1), in radians."""
        return (torch.rand((3, height, width // 2 + 1), generator=generator) * 2 - 1) * math.pi

    def encode(self, picture: Tensor) -> Tensor:
        """The picture's own phases, (3, H, W // 2 + 1)."""
        phases: Tensor = torch.fft.rfft2(_from_colours(picture, True)).angle()
        return phases

    def pictures(self, parameters: Tensor, width: int) -> Tensor:
        """(N, 3, H, W) in 0..1."""
        height = parameters.shape[2]
        magnitudes = natural.spectrum_at(height, width).to(parameters.device) * self.contrast
        spectrum = torch.polar(magnitudes.expand_as(parameters).contiguous(), parameters)
        logits = torch.fft.irfft2(spectrum, s=(height, width), norm="ortho")
        return _to_colours(logits, True)


_KINDS: dict[str, type[Parametrization]] = {kind.kind: kind for kind in (Pixels, Fourier, Maco)}
NAMES = tuple(_KINDS)


def from_json(value: dict[str, Any]) -> Parametrization:
    """The parametrization that `to_json` wrote.

    Raises:
        VisualizationError: If it is none.

    Example:
        >>> from_json({"kind": "fourier", "decay": 1.5})
        Fourier(spread=0.3, decay=1.5, natural_colours=True)
    """
    fields = dict(value)
    try:
        return _KINDS[fields.pop("kind")](**fields)
    except (KeyError, TypeError) as error:
        raise VisualizationError(f"there is no such parametrization: {value!r}") from error


def _colours(like: Tensor) -> Tensor:
    return torch.from_numpy(natural.stored().colours).to(like)


def _to_colours(own: Tensor, natural_colours: bool) -> Tensor:
    """Independent colours (..., 3, H, W) of any size as red, green and blue in 0..1."""
    if not natural_colours:
        return torch.sigmoid(own)
    return torch.sigmoid(torch.einsum("rc,...chw->...rhw", _colours(own), own))


def _from_colours(picture: Tensor, natural_colours: bool) -> Tensor:
    """The inverse of `_to_colours`."""
    logits = torch.logit(picture, eps=_DARKEST)
    if not natural_colours:
        return logits
    own: Tensor = torch.linalg.solve(_colours(picture), logits.flatten(-2))
    return own.reshape(picture.shape)
