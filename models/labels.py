"""The names of classes: the 1000 of ImageNet, and those in a file of one's own."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from models.errors import ModelError


@cache
def imagenet_labels() -> tuple[str, ...]:
    """The readable names of the 1000 classes of ImageNet-1k, in the order of a model's outputs.

    They are those of torchvision's pretrained models, and not unique: there are two cranes, the bird and
    the machine.

    Example:
        >>> imagenet_labels()[281]
        'tabby'
    """
    text = Path(__file__).with_name("imagenet_labels.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


_AROUND = ("id2label", "labels", "label_names", "class_names", "classes", "names", "categories")
"""Under which names programs keep the labels in a larger JSON object, in the order of preference."""


def parse_labels(data: bytes, classes: int | None = None) -> tuple[str, ...]:
    """The names of classes from a text or JSON file, in the order of a model's outputs.

    Understood are a text with one name per line; JSON lists of names; JSON objects from index to name, from
    index to `[id, name]` (as in `imagenet_class_index.json`), or from name to index (as `class_to_idx` of
    torchvision's `ImageFolder`); and any of these under a usual name in a larger object (as `id2label` in the
    `config.json` of a model on Hugging Face).

    Args:
        data: The file's content, in UTF-8.
        classes: How many there must be; None for any number.

    Raises:
        ModelError: If it is none of these, or has another number of names.

    Example:
        >>> parse_labels(b"cat\\ndog\\n"), parse_labels(b'{"dog": 1, "cat": 0}')
        (('cat', 'dog'), ('cat', 'dog'))
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelError("The labels are no text in UTF-8.") from error
    labels = _from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_lines(text)
    if not labels:
        raise ModelError("The file of labels is empty.")
    if classes is not None and len(labels) != classes:
        raise ModelError(f"There are {len(labels)} labels for {classes} classes.")
    return labels


def _from_lines(text: str) -> tuple[str, ...]:
    # A last line break ends the last name; an empty line in between would shift all names behind it.
    lines = [line.strip() for line in text.strip("\r\n").splitlines()]
    if "" in lines:
        raise ModelError(f"Line {lines.index('') + 1} of the labels is empty; each line must name a class.")
    return tuple(lines)


def _from_json(text: str) -> tuple[str, ...]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The labels begin like JSON and are none: {error}.") from error
    if isinstance(given, dict):
        given = next((given[key] for key in _AROUND if isinstance(given.get(key), list | dict)), given)
    if isinstance(given, dict):
        given = _in_order(given)
    names = [name[-1] if isinstance(name, list) and name else name for name in given]
    if not all(isinstance(name, str) for name in names):
        raise ModelError("The labels in JSON must be names, a list of them or by their index.")
    return tuple(names)


def _in_order(given: dict[str, Any]) -> list[Any]:
    """Index to name, or name to index; the indices must be 0, 1, 2 and so on without a gap."""
    by_index = (
        given if all(key.isdigit() for key in given) else {str(index): key for key, index in given.items()}
    )
    try:
        return [by_index[str(index)] for index in range(len(given))]
    except KeyError as error:
        raise ModelError(
            f"The labels have no name for class {error.args[0]} of {len(given)}. An object in JSON goes from "
            "number to name or from name to number, the numbers 0, 1, 2 and so on."
        ) from error
