"""One tensor operation that has run, as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from explorer.tracing.axes import Axis, Trace

Change = Callable[[Axis], Axis]
"""What an operation does to each axis of the picture in its main input."""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation that has run.

    Attributes:
        name: The ATen operator, without overload and without the underscore of in-place variants.
        arguments: By the names of the operator's schema, defaults included.
        tensors: The tensors among the arguments, also those in lists, in order. At least one.
        outputs: The tensors it returned. At least one.
        trace_of: What is known of a tensor; None where it does not depend on the model's input.
        pointwise: The operator works element by element (PyTorch's own tag).
    """

    name: str
    arguments: dict[str, Any]
    tensors: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    trace_of: Callable[[Tensor], Trace | None]
    pointwise: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the main input, the first tensor."""
        return tuple(self.tensors[0].shape)

    @property
    def result(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return tuple(self.outputs[0].shape)

    def dims(self, name: str = "dim") -> list[int]:
        """Dimensions in an argument, counted from the front; all of them if it is None, empty or absent."""
        given, ndim = self.arguments.get(name), len(self.shape)
        given = [given] if isinstance(given, int) else given
        return [dim % ndim for dim in given] if given else list(range(ndim))


def each(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """A size that may be given once for all dimensions, once per dimension."""
    sizes = (value,) if isinstance(value, int) else tuple(value)
    return sizes * dims if len(sizes) == 1 else sizes


def unchanged(_call: Call) -> Change:
    """The rule of operations that leave every element where it is."""
    return lambda axis: axis
