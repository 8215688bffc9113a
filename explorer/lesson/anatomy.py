"""The parts of a built network with every number worked out: what a diagram of it shows.

Example:
    >>> spec = NetworkSpec((3, 32, 32), (Block(8),), classes=10)
    >>> for part in anatomy(spec):
    ...     print(part.name, part.shape, part.parameters)
    input (3, 32, 32) 0
    conv1 (8, 32, 32) 224
    relu1 (8, 32, 32) 0
    pool1 (8, 16, 16) 0
    flatten (2048,) 0
    dense (10,) 20490
    >>> print(anatomy(spec)[1].workings[1])
    weights: 8 · (3 · 3 · 3 + 1) = 224
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from explorer.layers import Layer, Sizes
from explorer.lesson.builder import Block, NetworkSpec, describe
from explorer.story import extent

PartKind = Literal["input", "conv", "relu", "pool", "flatten", "dense"]


@dataclass(frozen=True)
class Part:
    """One part of the network.

    Attributes:
        name: As in the built module; "input" for the picture.
        kind: What it is.
        block: Its block's number from 1; None outside the blocks.
        title: What it is, in words.
        shape: What comes out, (C, H, W) or (K,).
        parameters: Weights and biases.
        macs: Multiply-accumulates for one picture.
        sees: How much of the picture one value of the output depends on, in words.
        workings: How its numbers come about, a line each, `size: ... = 32`.
    """

    name: str
    kind: PartKind
    block: int | None
    title: str
    shape: Sizes
    parameters: int
    macs: int
    sees: str
    workings: tuple[str, ...]


def anatomy(spec: NetworkSpec) -> tuple[Part, ...]:
    """The input and every layer, in network order.

    Raises:
        LessonError: If the network is impossible.
    """
    channels, height, width = spec.input_shape
    colours = "colours" if channels > 1 else "colour"
    told = f"{height} rows and {width} columns of {channels} {colours}"
    parts = [Part("input", "input", None, "The picture", spec.input_shape, 0, 0, "one pixel", (told,))]
    for layer in describe(spec):
        before = parts[-1].shape
        kind, number = _kind(layer.name)
        title, workings = _worked_out(kind, spec.blocks[number - 1] if number else None, before, layer)
        sees = extent(layer.receptive_field, (height, width))
        shape = layer.output_shape[1:]
        parts.append(
            Part(layer.name, kind, number, title, shape, layer.parameters, layer.macs, sees, workings)
        )
    return tuple(parts)


def _kind(name: str) -> tuple[PartKind, int | None]:
    """Kind and block of a layer, from the name that `build` gave it."""
    kinds: tuple[PartKind, ...] = ("conv", "relu", "pool", "flatten", "dense")
    kind = next(kind for kind in kinds if name.startswith(kind))
    number = name.removeprefix(kind)
    return kind, int(number) if number else None


def _worked_out(
    kind: PartKind, block: Block | None, before: Sizes, layer: Layer
) -> tuple[str, tuple[str, ...]]:
    """Title and workings of a layer whose input is of the shape `before`."""
    if kind == "dense":
        return "Dense layer", _dense(before[0], layer)
    if kind == "flatten":
        product = " · ".join(map(str, before))
        return "Flatten", (f"size: {product} = {layer.output_shape[1]:,}",)
    if kind == "relu" or block is None:
        return "ReLU", ("each value: max(0, value)",)
    if kind == "pool":
        title = f"{block.pool.capitalize()}-pooling {block.pool_size}×{block.pool_size}"
        return title, _sizes(before, layer, block.pool_size, block.pool_size, 0)
    side = block.kernel_size
    title = f"Convolution {side}×{side}"
    sizes = _sizes(before, layer, side, block.stride, block.zeros)
    return title, (*sizes, *_weights(before[0], block, layer))


def _sizes(before: Sizes, layer: Layer, window: int, stride: int, zeros: int) -> tuple[str, ...]:
    """The output's size by the formula; one line where rows and columns are alike."""
    lines = [
        f"floor(({size} + 2 · {zeros} − {window}) / {stride}) + 1 = {after}"
        for size, after in zip(before[1:], layer.output_shape[2:], strict=True)
    ]
    if lines[0] == lines[1]:
        return (f"size: {lines[0]}",)
    return f"rows: {lines[0]}", f"columns: {lines[1]}"


def _weights(channels: int, block: Block, layer: Layer) -> tuple[str, str]:
    side = block.kernel_size
    positions = " · ".join(map(str, layer.output_shape[2:]))
    return (
        f"weights: {block.channels} · ({channels} · {side} · {side} + 1) = {layer.parameters:,}",
        f"multiplications: {block.channels} · {positions} · {channels * math.prod((side, side))} "
        f"= {layer.macs:,}",
    )


def _dense(inputs: int, layer: Layer) -> tuple[str, str]:
    classes = layer.output_shape[1]
    return (
        f"weights: {classes} · ({inputs} + 1) = {layer.parameters:,}",
        f"multiplications: {classes} · {inputs} = {layer.macs:,}",
    )
