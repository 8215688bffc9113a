"""Two networks, or two pictures, side by side: which layers correspond, and what differs, measured.

Layers of two networks correspond where they stand equally deep. Their channels do not: how a network numbers
its channels comes from its random beginning, so that channel 5 of one has nothing to do with channel 5 of
another, not even of its own untrained twin. Of one network on two pictures they do, and can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from explorer.channels import feature_maps, strongest
from explorer.layers import Layer, LayerTable
from explorer.lesson.edges import KERNEL_SIZES, edge_fits
from explorer.rendering.legend import EACH_LARGEST, OWN_SCALES, Legend
from explorer.rendering.scales import ChannelScales, channel_scales
from explorer.story import Observation


def corresponding(layer: Layer, others: Sequence[Layer]) -> Layer:
    """The layer of another network that stands as deep as this one.

    Of those whose depth is nearest it is the one most like it in kind (a convolution's counterpart is a
    convolution, an activation's an activation); failing that, one of the same name, or the first.

    Args:
        layer: Of one network.
        others: Those of the other, at least one.

    Raises:
        ValueError: If the other network has no layers.
    """
    if not others:
        raise ValueError(f"the other network has no layer to hold against {layer.name!r}")

    def distance(other: Layer) -> tuple[float, int, bool, int]:
        unlike = sum(one != two for one, two in zip(_nature(layer), _nature(other), strict=True))
        # Depths are fractions of small whole numbers; rounding errors must not decide between equals.
        return round(abs(layer.depth - other.depth), 9), unlike, layer.name != other.name, other.finished

    return min(others, key=distance)


def _nature(layer: Layer) -> tuple[object, ...]:
    return layer.kind, layer.is_leaf, layer.window is None, layer.parameters > 0, layer.is_map


@dataclass(frozen=True)
class Overlap:
    """How many of the strongest channels two pictures have in common, in one layer.

    Attributes:
        shared: Channels among the strongest of both.
        strongest: How many strongest channels of each were looked at.
        channels: Of the layer.
    """

    shared: int
    strongest: int
    channels: int

    @property
    def by_chance(self) -> float:
        """How many would be shared on average, were the strongest of each picture drawn by lot."""
        return self.strongest**2 / self.channels

    def __str__(self) -> str:
        if self.strongest == self.channels:
            return f"All {self.channels} channels of this layer are shown for both."
        same = f"{self.shared} are" if self.shared != 1 else "1 is"
        return (
            f"Of the {self.strongest} strongest channels of each picture {same} the same; drawn by lot among "
            f"{self.channels}, it would be {self.by_chance:.2g} on average."
        )


def overlap(one: Tensor, other: Tensor, count: int) -> Overlap:
    """Compare the strongest channels of one layer for two pictures.

    Args:
        one: The maps for the first picture, (C, H, W).
        other: For the second, (C, H', W').
        count: How many strongest channels of each.

    Raises:
        ValueError: If the numbers of channels differ.
    """
    channels = len(feature_maps(one))
    if channels != len(feature_maps(other)):
        raise ValueError(f"one layer has one number of channels, not {channels} and {len(other)}")
    first, second = strongest(one, count), strongest(other, count)
    return Overlap(len(set(first) & set(second)), len(first), channels)


def common_scales(one: Tensor, other: Tensor, channels: Sequence[int]) -> ChannelScales:
    """A scale for each channel that holds its maps for two pictures, so that their colours can be compared.

    Args:
        one: The maps of a layer for the first picture, (C, H, W).
        other: For the second, (C, H', W').
        channels: Which channels, in drawing order.
    """
    both = [feature_maps(maps)[list(channels)].flatten(1) for maps in (one, other)]
    return channel_scales(torch.cat(both, 1)[:, None])


def common_legend(legend: Legend) -> Legend:
    """The legend of tiles in `common_scales`."""
    ticks = (
        replace(tick, label=tick.label.replace(EACH_LARGEST, "largest of both")) for tick in legend.ticks
    )
    note = legend.note.replace(OWN_SCALES, "each channel has one scale for both pictures")
    return replace(legend, ticks=tuple(ticks), note=note)


@dataclass(frozen=True)
class FirstFilters:
    """The filters that read the picture itself, and how many of them pass for edge detectors.

    Attributes:
        layer: The name of their layer.
        edges: How many pass (`explorer.lesson.edges` says which do).
        filters: How many there are.
        kernel_size: Their side.
    """

    layer: str
    edges: int
    filters: int
    kernel_size: int


def first_filters(module: nn.Module, table: LayerTable) -> FirstFilters | None:
    """Count the edge detectors among the filters that read the picture.

    Returns:
        None where they can't be judged: in a kernel of 3×3 noise looks like an edge too often.
    """
    first = next((layer for layer in table if layer.window and layer.parameters and layer.is_leaf), None)
    weight = None if first is None else getattr(module.get_submodule(first.name), "weight", None)
    if first is None or not isinstance(weight, Tensor) or weight.dim() != 4:
        return None
    weight = weight.detach().cpu()
    if not weight.isfinite().all():
        return None
    height, width = weight.shape[2:]
    if height != width or not KERNEL_SIZES[0] <= height <= KERNEL_SIZES[1]:
        return None
    edges = sum(fit.is_edge for fit in edge_fits(weight))
    return FirstFilters(first.name, edges, len(weight), int(height))


def tell_filters(one: FirstFilters | None, other: FirstFilters | None, by_chance: int) -> str | None:
    """The edge detectors of two networks in a sentence; None where they can't be compared.

    Args:
        one: Of A.
        other: Of B.
        by_chance: How many of 1000 filters of noise of A's size pass.

    Example:
        >>> tell_filters(FirstFilters("conv1", 40, 64, 7), FirstFilters("conv1", 3, 64, 7), 40)
        'Of the filters that read the picture, 40 of 64 pass for edge detectors in A and 3 of 64 in B; of \
filters of noise, 4.0\xa0% do.'
    """
    if one is None or other is None or one.kernel_size != other.kernel_size:
        return None
    return (
        f"Of the filters that read the picture, {one.edges} of {one.filters} pass for edge detectors in A "
        f"and {other.edges} of {other.filters} in B; of filters of noise, {by_chance / 10:.1f}\u00a0% do."
    )


def tell_maps(one: Observation, other: Observation) -> str:
    """What the maps that are shown of A and B measure, in a sentence or two.

    Example:
        >>> tell_maps(Observation(8, 0.62, 0.3), Observation(8, 0.7, 0.41)).partition(". ")[0]
        "The picture's own colours and edges explain 62\xa0% of the variance of A's maps and 70\xa0% of B's"
    """
    parts = []
    if one.explained is not None and other.explained is not None:
        shares = (
            f"{_percent(one.explained)} of the variance of A's maps and {_percent(other.explained)} of B's"
        )
        parts.append(f"The picture's own colours and edges explain {shares}.")
    if one.half is not None and other.half is not None:
        shares = f"{_percent(one.half)} of its positions in A and from {_percent(other.half)} in B"
        parts.append(f"Half of a map's response comes from {shares}.")
    return " ".join(parts) or "None of these maps has a positive value."


def tell_answers(one: Sequence[float], other: Sequence[float], classes: tuple[int, int]) -> str | None:
    """How sure A and B are of what they shown first, against guessing.

    Args:
        one: The highest probabilities of A.
        other: Those of B, as many.
        classes: How many classes each has.

    Returns:
        None where one has no answer.

    Example:
        >>> tell_answers([0.6, 0.3], [0.002, 0.002], (1000, 1000))
        'The first 2 answers hold 90\xa0% of the probability in A and 0.4\xa0% in B; of 1000 classes that \
are equally probable they would hold 0.2\xa0%.'
    """
    if not one or not other or len(one) != len(other):
        return None
    held = f"The first {len(one)} answers hold {_percent(sum(one))} of the probability in A"
    if classes[0] != classes[1]:
        return f"{held} ({classes[0]} classes) and {_percent(sum(other))} in B ({classes[1]} classes)."
    guess = _percent(len(one) / classes[0])
    return (
        f"{held} and {_percent(sum(other))} in B; of {classes[0]} classes that are equally probable they "
        f"would hold {guess}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%" if share >= 0.01 or share == 0 else f"{100 * share:.1g}\u00a0%"
