"""Tasks for a small network, drawn by the program: oriented bars, and simple shapes, under noise.

Every picture has its own place, size, turn and brightness: a light figure on dark ground or the reverse, so
that brightness alone tells nothing. Figures have soft edges, one pixel wide.

Example:
    >>> generator = torch.Generator().manual_seed(0)
    >>> pictures, labels = TASKS["bars"].draw(3, generator, noise=0.5)
    >>> pictures.shape, [int(label) for label in labels]
    (torch.Size([3, 1, 24, 24]), [0, 3, 1])
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from explorer.lesson.matrices import LessonError

SIDE = 24
"""Pixels on a side."""

Distance = Callable[[Tensor, Generator], Tensor]
"""From the labels (N,) to each pixel's distance into the figure, (N, H, W): positive inside, in pixels."""


@dataclass(frozen=True)
class Task:
    """A task of telling figures apart.

    Attributes:
        name: Its key in `TASKS`.
        title: For people.
        classes: What the labels mean.
        distance: Draws the figures.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    distance: Distance

    def draw(self, count: int, generator: Generator, noise: float) -> tuple[Tensor, Tensor]:
        """Draw labelled pictures.

        Args:
            count: How many.
            generator: Where all random numbers come from.
            noise: Standard deviation of each pixel's noise; the figure is 1 or −1 on a ground of 0.

        Returns:
            Pictures, float32 (N, 1, 24, 24), and labels, int64 (N,).

        Raises:
            LessonError: If there is to be no picture, or the noise is negative.
        """
        if count < 1 or not 0 <= noise < math.inf:
            raise LessonError(f"at least one picture with noise of 0 or more, got {count} with {noise}")
        labels = torch.randint(len(self.classes), (count,), generator=generator)
        figure = (self.distance(labels, generator) + 0.5).clamp(0, 1)
        sign = torch.randint(2, (count, 1, 1), generator=generator) * 2 - 1
        grain = torch.randn(count, SIDE, SIDE, generator=generator)
        return (figure * sign + noise * grain)[:, None], labels


def _bars(labels: Tensor, generator: Generator) -> Tensor:
    """Bars 2 to 5 pixels wide and 10 to 18 long, up to 9 degrees off their direction."""
    turn = -labels[:, None, None] * (math.pi / 4) + _between(labels, generator, -0.15, 0.15)
    along, across = _placed(labels, generator, turn, 5)
    width, length = _between(labels, generator, 2, 5), _between(labels, generator, 10, 18)
    return torch.minimum(width / 2 - across.abs(), length / 2 - along.abs())


def _shapes(labels: Tensor, generator: Generator) -> Tensor:
    """Discs, squares, triangles and crosses, 4.5 to 7.5 pixels from the middle to the side."""
    x, y = _placed(labels, generator, _between(labels, generator, -0.2, 0.2), 4)
    radius = _between(labels, generator, 4.5, 7.5)
    # The slanted sides fall one pixel for each half pixel to the side; 0.447 makes that a distance.
    slope = (radius + y - 2 * x.abs()) * 0.447
    arm = radius * 0.3
    every = (
        radius - torch.hypot(x, y),
        radius * 0.9 - torch.maximum(x.abs(), y.abs()),
        torch.minimum(slope, radius - y),
        torch.maximum(
            torch.minimum(radius - x.abs(), arm - y.abs()), torch.minimum(arm - x.abs(), radius - y.abs())
        ),
    )
    return torch.stack(every)[labels, torch.arange(len(labels))]


def _placed(labels: Tensor, generator: Generator, turn: Tensor, off: float) -> tuple[Tensor, Tensor]:
    """Every pixel's coordinates (N, H, W) in a turned system whose origin is up to `off` from the middle."""
    middle = torch.arange(SIDE) - (SIDE - 1) / 2
    x = middle[None, None, :] - _between(labels, generator, -off, off)
    y = middle[None, :, None] - _between(labels, generator, -off, off)
    return x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()


def _between(labels: Tensor, generator: Generator, low: float, high: float) -> Tensor:
    """A number for each picture, (N, 1, 1)."""
    return torch.rand(len(labels), 1, 1, generator=generator) * (high - low) + low


TASKS: dict[str, Task] = {
    "bars": Task("bars", "Bars of four directions", ("—", "/", "|", "\\"), _bars),
    "shapes": Task("shapes", "Four shapes", ("disc", "square", "triangle", "cross"), _shapes),
}
"""The tasks."""
