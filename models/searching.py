"""Finding names as one types: every word anywhere, the nearest names first."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEPARATORS = re.compile(r"[^a-z0-9]+")


class Searchable:
    """Names, prepared so that a search through thousands of them takes a millisecond or two.

    Example:
        >>> names = Searchable(["timm/resnet18.a1_in1k", "torchvision/resnet18.IMAGENET1K_V1", "timm/vgg16"])
        >>> names.search("ResNet-18")
        ('timm/resnet18.a1_in1k', 'torchvision/resnet18.IMAGENET1K_V1')
        >>> names.search("torchvision 18")
        ('torchvision/resnet18.IMAGENET1K_V1',)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._plain = [(name, _SEPARATORS.sub("", name.lower()), _model(name)) for name in self._names]

    def search(self, query: str, limit: int | None = None) -> tuple[str, ...]:
        """The names that contain every word of `query`, at most `limit`.

        First those that begin with all that was typed, then those that have it in one piece, then those whose
        model begins with the first word; among equals shorter models before longer ones, since the plain form
        of a family has the shortest name; otherwise in the order in which the names were given.
        """
        words = [word for part in query.lower().split() if (word := _SEPARATORS.sub("", part))]
        if not words:
            return self._names[:limit]
        typed = "".join(words)
        found = [
            (
                not model.startswith(typed),
                typed not in plain,
                not model.startswith(words[0]),
                len(model),
                name,
            )
            for name, plain, model in self._plain
            if all(word in plain for word in words)
        ]
        # A stable sort keeps the given order, in which a library's best weights come first.
        return tuple(name for *_, name in sorted(found, key=lambda row: row[:4]))[:limit]


def _model(name: str) -> str:
    """The model's name alone, without its library and its weights."""
    return _SEPARATORS.sub("", name.lower().rpartition("/")[2].partition(".")[0])
