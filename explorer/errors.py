"""Words that several error messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def close_names(name: str, possible: Iterable[str], most: int = 5) -> str:
    """A sentence end that lists the names nearest to `name`, or the first ones where none is near.

    Returns:
        `"; did you mean 'a' or 'b'?"` or `"; there are 52, for example 'a', 'b'"`, and `""` where
        nothing is possible.
    """
    names = list(dict.fromkeys(possible))
    if near := difflib.get_close_matches(name, names, n=most, cutoff=0.6):
        return f"; did you mean {' or '.join(map(repr, near))}?"
    if not names:
        return ""
    return f"; there are {len(names)}, for example {', '.join(map(repr, names[:most]))}"
