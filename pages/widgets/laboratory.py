"""The components of the laboratory: a convolution in readable numbers, two outputs side by side, and code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import torch

from explorer.laboratory.cases import Case
from explorer.rendering import Legend
from pages.widgets import Maps, legend_data, register

_NUMBERS, _COMPARE, _CODE = map(register, ("numbers", "compare", "code"))


def numbers(
    key: str,
    case: Case,
    padded: torch.Tensor,
    hand: torch.Tensor,
    pytorch: torch.Tensor,
    *,
    title: str,
    on_edit: Callable[[], None],
) -> None:
    """A small case in numbers; an edit of input or kernel is sent as the trigger `edit`.

    Args:
        key: Streamlit's key of this instance.
        case: One channel in, one out.
        padded: The input with its padding, (PH, PW).
        hand: The hand-written output, (OH, OW).
        pytorch: PyTorch's output, (OH, OW).
        title: Of the hand-written output.
        on_edit: Called before the page runs again, with {"input": rows, "kernel": rows} sent.
    """
    sizes = case.sizes
    data: dict[str, Any] = {
        "padded": padded.tolist(),
        "padding": sizes.padding,
        "size": sizes.size,
        "kernel": case.weight[0, 0].tolist(),
        "flipped": case.flipped,
        "bias": 0.0 if case.bias is None else case.bias[0].item(),
        "stride": sizes.stride,
        "dilation": sizes.dilation,
        "hand": hand.tolist(),
        "pytorch": pytorch.tolist(),
        "difference": (hand - pytorch).tolist(),
        "title": title,
    }
    data["digest"] = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    _NUMBERS(key=key, data=data, on_edit_change=on_edit)


def compare(
    key: str, outputs: Maps, difference: Maps, *, titles: Sequence[str], legends: Sequence[Legend]
) -> None:
    """Two maps and their difference, read out together.

    Args:
        key: Streamlit's key of this instance.
        outputs: Two maps, (2, H, W).
        difference: One map, (1, H, W).
        titles: Of the three.
        legends: Of the outputs, and of the difference.
    """
    first, second = outputs.as_data(), difference.as_data()
    data = {
        "maps": first,
        "difference": second,
        "titles": list(titles),
        "legends": [legend_data(legend) for legend in legends],
        "digest": first["digest"] + second["digest"],
    }
    _COMPARE(key=key, data=data)


def code(key: str, source: str, *, label: str) -> None:
    """Python source with a button that copies it.

    Args:
        key: Streamlit's key of this instance.
        source: The text.
        label: What it is, for assistive technology.
    """
    _CODE(key=key, data={"source": source, "label": label})
