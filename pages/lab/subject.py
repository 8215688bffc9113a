"""What is compared: small numbers, the current picture, or a layer of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from explorer.laboratory.cases import Case, converted
from pages import state
from pages.lab import parameters

START = {"stride": 1, "dilation": 1, "groups": 1, "padding_mode": "zeros"}


@dataclass(frozen=True, eq=False)
class Subject:
    """A case, and what the page says of it.

    Attributes:
        kind: "numbers", "picture" or "layer".
        title: What it is.
        case: The convolution.
        recipe: Lines of a script that make its tensors.
    """

    kind: str
    title: str
    case: Case
    recipe: Sequence[str]


def dtype() -> str:
    """The type of the numbers."""
    return "float64" if state.flag("float64") else "float32"


def settled(case: Case, defaults: dict[str, Any]) -> Case:
    """The case with the parameters and the type of numbers that were chosen.

    Raises:
        ConvolutionError: If what was chosen is no parameter.
    """
    modes = list(parameters.WORDS)
    chosen = {
        name: parameters.chosen(name, defaults[name]) for name in ("stride", "padding", "dilation", "groups")
    }
    case = replace(
        case, **chosen, flipped=state.flag("flipped"),
        padding_mode=state.choice("padding_mode", modes, defaults["padding_mode"]),
    )  # fmt: skip
    return converted(case, torch.float64 if state.flag("float64") else torch.float32)
