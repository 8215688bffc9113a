"""The names of the choices that stand in the link, page by page."""

from __future__ import annotations

EVERYWHERE = ("model", "picture", "device", "mixed")
EXPLORER = ("layer", "channel", "sort", "scale", "dead", "smooth", "opacity", "beneath")
PAGES: dict[str, tuple[str, ...]] = {
    "": (*EXPLORER, "against", "against_picture", "same"),
    "layer": EXPLORER,
    "looks": (
        *("layer", "channel", "class", "shown", "find", "make"),
        *("raised", "row", "column", "formula", "sign", "variants", "from_picture"),
    ),
    "laboratory": (
        *("case", "algorithm", "layer", "channel", "code", "given"),
        *("kernel", "own", "sigma", "angle", "wavelength", "length", "colours"),
        *("stride", "padding", "dilation", "groups", "padding_mode", "flipped", "float64", "bias"),
    ),
    "convolution": (
        *("walk_input", "walk_kernel", "walk_stride", "walk_padding", "walk_dilation", "walk_turned"),
        *("walk_seed", "walk_at", "level", "exercise"),
        *("turn_input", "turn_kernel", "turn_turned", "turn_at"),
    ),
    "why": (
        *("window", "spot", "paint", "grown", "point"),
        *("in_height", "in_width", "in_channels", "out_maps", "window_size", "window_step", "probe"),
        *("shift", "axis", "border", "followed", "followed_map", "object", "along"),
    ),
    "kernels": (
        *("axis_size", "axis_kernel", "axis_stride", "axis_padding", "axis_dilation"),
        *("same_size", "same_kernel", "same_stride", "same_weights", "even_kernel", "dilated"),
        *("kernel", "weights", "sigma", "angle", "wavelength", "length", "noise", "noise_side", "colours"),
        *("padding_mode", "display", "looked_at", "chain", "relu_between"),
    ),
    "networks": (
        *("net", "side", "classes", "first", "draw", "part"),
        *("relu_input", "pool", "pool_input", "pool_window", "pool_stride"),
        *("task", "steps", "training_seed", "plain"),
    ),
}
"""By the page's path. Pages that share a name share the choice."""
EVERY = frozenset(EVERYWHERE).union(*PAGES.values())


def of(page: str) -> tuple[str, ...]:
    """The names that a link to the page may hold.

    Args:
        page: The page's path, "" for the first.
    """
    return EVERYWHERE + PAGES.get(page, ())
