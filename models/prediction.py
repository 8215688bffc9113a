"""From logits to words: the most probable classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Prediction:
    """One class that a model considers.

    Attributes:
        index: The class, as a position in the model's output.
        label: Its readable name.
        probability: Its share of the softmax, 0..1.
    """

    index: int
    label: str
    probability: float


def top_predictions(logits: Tensor, labels: Sequence[str], k: int = 5) -> tuple[Prediction, ...]:
    """The `k` most probable classes of one picture, the most probable first.

    Classes that are equally probable come in the order of their index.

    Args:
        logits: The model's output for one picture, (classes,) or (1, classes).
        labels: A name for every class; with none at all, classes are called by their number.
        k: How many to return; all of them where the model has fewer classes.

    Raises:
        ValueError: If the logits are not those of one picture, don't fit the labels or are not numbers.

    Example:
        >>> top_predictions(torch.tensor([0.0, 1.0]), ("cat", "dog"), k=1)
        (Prediction(index=1, label='dog', probability=0.7310585975646973),)
    """
    if k < 1:
        raise ValueError(f"the number of predictions must be at least 1, not {k}")
    one = logits.detach().squeeze(0) if logits.ndim == 2 else logits.detach()
    if one.ndim != 1:
        raise ValueError(
            f"logits are (classes,) or (1, classes), those of one picture, not {tuple(logits.shape)}"
        )
    if labels and len(one) != len(labels):
        raise ValueError(f"there are {len(labels)} labels for {len(one)} classes")
    probabilities = torch.softmax(one.to("cpu", torch.float32), dim=0)
    if not probabilities.isfinite().all():
        raise ValueError("the model's output contains values that are not numbers (NaN or infinite)")
    values, order = probabilities.sort(descending=True, stable=True)
    best = zip(order[:k].tolist(), values[:k].tolist(), strict=True)
    return tuple(Prediction(i, labels[i] if labels else f"class {i}", probability) for i, probability in best)
