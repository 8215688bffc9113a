"""Every way to make a case's convolution, ready to run: `F.conv2d`, `auto`, and each algorithm that fits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from explorer.convolution import conv2d, fitting
from explorer.convolution.comparison import library
from explorer.convolution.timing import PEER
from explorer.laboratory.cases import Case

Way = Callable[[], Tensor]

AUTO = "auto"
LOOPS = "loops"


def ways(case: Case) -> dict[str, Way]:
    """The ways by name, `F.conv2d` under `PEER` first; the pure-Python loops last, since they are slow.

    What `F.conv2d` does not offer, such as mirrored padding, is done before, for all of them alike.
    """
    plain = case.plain
    given = plain.input, plain.weight, plain.bias
    library_way: dict[str, Way] = {PEER: partial(library, *given, sizes=plain.sizes)}
    fast = [name for name in fitting(plain.sizes) if name != LOOPS]
    return library_way | {
        name: partial(conv2d, *given, **plain.parameters, algorithm=name) for name in (AUTO, *fast, LOOPS)
    }
