"""Memory for what is needed only until the next step has been made of it.

A strip of a picture goes through several forms, each made of the one before. Two pieces of memory, used in
turn, hold them all, and stay in the processor's cache from strip to strip; asked for one by one, each might
come in fresh pages, which cost more than what is done with them.
"""

from __future__ import annotations

import math

from torch import Tensor

from explorer.convolution.kept import followed


class Workspace:
    """Two pieces of memory, given out in turn: a result lives until the next but one is asked for.

    Args:
        size: The most values that will be asked for at once; None if each result is to have memory of its
            own. So it has where autograd follows, which needs the values of every step in the end.
        input: The picture, whose type and device the memory has.
        weight: The kernels.
    """

    def __init__(self, size: int | None, input: Tensor, weight: Tensor) -> None:
        self._like = input
        self._pieces: tuple[Tensor, ...] = ()
        if size is not None and not followed(input) and not followed(weight):
            self._pieces = input.new_empty(2, size).unbind()

    def take(self, *shape: int) -> Tensor:
        """A contiguous tensor with any values in it."""
        if not self._pieces:
            return self._like.new_empty(shape)
        self._pieces = self._pieces[::-1]
        return self._pieces[0][: math.prod(shape)].view(shape)
