"""The arithmetic of objectives: sums of terms with factors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from explorer.visualization.errors import VisualizationError


class Objective:
    """Something to raise. Add, subtract, negate and multiply with numbers as in arithmetic."""

    @property
    def layers(self) -> frozenset[str]:
        """The names of the layers it reads."""
        return frozenset(leaf.layer for _, leaf in self.terms())

    def terms(self) -> Iterator[tuple[float, Term]]:
        """The single terms with their factors."""
        raise NotImplementedError

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """One value for each picture, (S,).

        Args:
            outputs: What each of `layers` puts out for S pictures: (S, C, H, W), or (S, C) for vectors.
        """
        raise NotImplementedError

    def check(self, shapes: Mapping[str, tuple[int, ...]], seeds: int = 1) -> None:
        """See that the layers have what is asked for.

        Args:
            shapes: The shape of what each layer puts out, the number of pictures first.
            seeds: How many pictures are made together for this objective.

        Raises:
            VisualizationError: If there is no such channel, position or class, or the layer has no channels.
        """
        for _, leaf in self.terms():
            leaf.check_shape(tuple(shapes[leaf.layer]))
            if seeds < leaf.fewest_seeds:
                raise VisualizationError(f"{leaf.describe()} needs at least {leaf.fewest_seeds} seeds")

    def describe(self) -> str:
        """What it is, for people: `channel 17 of blocks.3.2`."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON; `from_json` reads them."""
        raise NotImplementedError

    def __add__(self, other: Objective | float) -> Objective:
        if isinstance(other, Objective):
            return _sum((*self.terms(), *other.terms()), _constant(self) + _constant(other))
        return _sum(self.terms(), _constant(self) + _number(other))

    __radd__ = __add__

    def __sub__(self, other: Objective | float) -> Objective:
        return self + -other

    def __rsub__(self, other: float) -> Objective:
        return -self + other

    def __mul__(self, factor: float) -> Objective:
        factor = _number(factor)
        terms = tuple((factor * weight, leaf) for weight, leaf in self.terms())
        return _sum(terms, factor * _constant(self))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self * -1.0


@dataclass(frozen=True)
class Sum(Objective):
    """Terms with factors, and a constant, which changes the value and not the picture."""

    parts: tuple[tuple[float, Term], ...]
    constant: float = 0.0

    def terms(self) -> Iterator[tuple[float, Term]]:
        """The single terms with their factors."""
        return iter(self.parts)

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum, (S,)."""
        return torch.stack([weight * leaf(outputs) for weight, leaf in self.parts]).sum(0) + self.constant

    def describe(self) -> str:
        """The terms with their factors, as a formula."""
        text = ""
        for weight, leaf in self.parts:
            sign = "−" if weight < 0 else "+" if text else ""
            factor = "" if abs(weight) == 1 else f"{abs(weight):g} × "
            text += f" {sign} {factor}{leaf.describe()}" if text else f"{sign}{factor}{leaf.describe()}"
        return text + (
            f" {'+' if self.constant > 0 else '−'} {abs(self.constant):g}" if self.constant else ""
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        parts = [[weight, leaf.to_json()] for weight, leaf in self.parts]
        return {"kind": "sum", "parts": parts, "constant": self.constant}


class Term(Objective):
    """One thing to raise, at one layer."""

    kind: ClassVar[str]
    fewest_seeds: ClassVar[int] = 1
    layer: str

    def terms(self) -> Iterator[tuple[float, Term]]:
        """Itself, once."""
        yield 1.0, self

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """See that a layer which puts out `shape` has what is asked for."""
        channels_of(shape, self.layer)

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]


def channels_of(shape: tuple[int, ...], layer: str) -> int:
    """How many channels a layer has whose output has `shape`.

    Raises:
        VisualizationError: If it puts out neither maps (N, C, H, W) nor vectors (N, C).
    """
    if len(shape) not in (2, 4) or 0 in shape:
        raise VisualizationError(
            f"layer {layer!r} has no channels to look at: it puts out {shape}, "
            "and neither maps (N, C, H, W) nor vectors (N, C)"
        )
    return shape[1]


def _sum(terms: Iterable[tuple[float, Term]], constant: float) -> Objective:
    weights: dict[Term, float] = {}
    for weight, term in terms:
        weights[term] = weights.get(term, 0.0) + weight
    parts = tuple((weight, term) for term, weight in weights.items() if weight)
    if not parts:
        raise VisualizationError("nothing is left to raise: the terms cancel each other")
    if parts[0][0] == 1 and len(parts) == 1 and not constant:
        return parts[0][1]
    return Sum(parts, constant)


def _constant(objective: Objective) -> float:
    return objective.constant if isinstance(objective, Sum) else 0.0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise VisualizationError(f"objectives go with finite numbers, not with {value!r}")
    return float(value)
