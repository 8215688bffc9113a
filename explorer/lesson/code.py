"""A built network as the PyTorch program that anybody would write for it."""

from __future__ import annotations

from torch import nn

from explorer.lesson.builder import NetworkSpec, describe

_HEAD = '''"""{title}."""

import torch
from torch import nn

network = nn.Sequential(
'''

_TAIL = """)

if __name__ == "__main__":
    picture = torch.rand(1, {shape})  # (N, C, H, W)
    logits = network(picture)
    weights = sum(parameter.numel() for parameter in network.parameters())
    print(f"output {{tuple(logits.shape)}}, {{weights}} parameters")
"""


def pytorch_code(spec: NetworkSpec) -> str:
    """A program that makes the network, runs it on random numbers and prints its output's shape and size.

    It needs PyTorch only. Each line carries the shape that comes out and the parameters of its layer. Its
    weights are PyTorch's random ones.

    Raises:
        LessonError: If the network is impossible.
    """
    channels, height, width = spec.input_shape
    title = f"A network for pictures of {channels} x {height} x {width} and {spec.classes} classes"
    rows = [(row.name, row.output_shape[1:], row.parameters) for row in describe(spec)]
    calls = _calls(spec, rows[-2][1][0])
    longest = max(map(len, calls))
    lines = [
        f"    {call + ',':<{longest + 1}}  # {_shape(shape)}{f', {weights} parameters' if weights else ''}\n"
        for call, (_, shape, weights) in zip(calls, rows, strict=True)
    ]
    return _HEAD.format(title=title) + "".join(lines) + _TAIL.format(shape=f"{channels}, {height}, {width}")


def _calls(spec: NetworkSpec, flat: int) -> list[str]:
    """The layers as they are written, in network order."""
    calls, channels = [], spec.input_shape[0]
    for block in spec.blocks:
        options = [f"kernel_size={block.kernel_size}"]
        options += [f"stride={block.stride}"] if block.stride != 1 else []
        options += [f"padding={block.zeros}"] if block.zeros else []
        calls += [f"nn.Conv2d({channels}, {block.channels}, {', '.join(options)})", "nn.ReLU()"]
        if block.pool != "none":
            kind = nn.MaxPool2d if block.pool == "max" else nn.AvgPool2d
            calls.append(f"nn.{kind.__name__}({block.pool_size})")
        channels = block.channels
    return [*calls, "nn.Flatten()", f"nn.Linear({flat}, {spec.classes})"]


def _shape(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
