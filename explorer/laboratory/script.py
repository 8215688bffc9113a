"""A comparison as a script: the same case outside the app, to be read, changed and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from explorer.laboratory.cases import Case

_HEAD = '''"""{title}: a convolution by hand against PyTorch's.

Run it in the explorer's folder, where `explorer/` lies.
"""

import statistics
import time

import torch
import torch.nn.functional as F

from explorer.convolution import compare, {function}
'''

_TAIL = """
by_hand, by_pytorch = hand(), library()
exact = F.conv2d(padded.double(), kernel.double(), None if bias is None else bias.double(), {after})
print(f"{{tuple(input.shape)}} * {{tuple(weight.shape)}} -> {{tuple(by_pytorch.shape)}}")
print(f"largest difference {{(by_hand - by_pytorch).abs().max():.3g}}")
for name, output in (({algorithm!r}, by_hand), ("F.conv2d", by_pytorch)):
    print(f"error of {{name}} against float64 {{(output.double() - exact).abs().max():.3g}}")

result = compare(padded, kernel, bias, {after}, algorithm={algorithm!r})
for name, errors in result.gradients.items():
    print(f"gradient by {{name}} apart {{errors.apart:.3g}}")
print(result.verdict)

times = {{hand: [], library: []}}
for _ in range(11):  # by turns, so that both meet the same disturbances
    for function in times:
        start = time.perf_counter()
        function()
        times[function].append(1000 * (time.perf_counter() - start))
mine, theirs = (statistics.median(own) for own in times.values())
print(f"{algorithm} {{mine:.3f}} ms, F.conv2d {{theirs:.3f}} ms, ratio {{mine / theirs:.2f}}")
"""


def script(case: Case, title: str, algorithm: str, recipe: Sequence[str], whole: Case | None = None) -> str:
    """A Python script that makes the case again, compares and times both sides, and prints the result.

    Args:
        case: What is compared.
        title: What it is, in a few words.
        algorithm: Of the hand-written side.
        recipe: Lines that define `input`, `weight` and `bias`: one of the functions below.
        whole: The case that the recipe makes, where `case` is only the middle of it.
    """
    function = "convolve2d" if case.flipped else "conv2d"
    arguments = ", ".join(f"{name}={value!r}" for name, value in case.parameters.items())
    after = f"{case.stride!r}, 0, {case.dilation!r}, {case.groups}"
    lines = [
        _HEAD.format(title=title.replace('"', "'").replace("\\", "/"), function=function).rstrip(),
        *_imports(recipe),
        "",
        *(line for line in recipe if not line.startswith("from ")),
        *_middle(case, whole or case),
        "",
        "kernel = weight.flip(-2, -1)  # true convolution turns the kernel"
        if case.flipped
        else "kernel = weight",
        _padding(case),
        "",
        "",
        "def hand():",
        f"    return {function}(input, weight, bias, {arguments}, algorithm={algorithm!r})",
        "",
        "",
        "def library():",
        f"    return F.conv2d(padded, kernel, bias, {after})",
        "",
    ]
    return "\n".join(lines) + _TAIL.format(algorithm=algorithm, after=after)


def numbers_recipe(case: Case) -> list[str]:
    """The tensors written out, for a case small enough to read."""
    return [
        f"input = {_literal(case.input)}",
        f"weight = {_literal(case.weight)}",
        f"bias = {None if case.bias is None else _literal(case.bias)}",
    ]


def kernel_code(name: str, values: Mapping[str, float]) -> str:
    """The expression that makes a classic kernel."""
    return f"KERNELS[{name!r}].weight({', '.join(f'{key}={value!r}' for key, value in values.items())})"


def picture_recipe(
    sample: str | None, kernel: str | Tensor, *, grey: bool, groups: int, bias: float, dtype: str
) -> list[str]:
    """A kernel over a picture.

    Args:
        sample: A sample's name; None for a picture of the visitor's, whose path the script then needs.
        kernel: An expression, as from `kernel_code`, or the weights.
        grey: As in `explorer.laboratory.cases.of_picture`.
        groups: Likewise.
        bias: Likewise.
        dtype: "float32" or "float64".
    """
    expression = kernel if isinstance(kernel, str) else _literal(kernel)
    classic = ["from explorer.kernels import KERNELS"] if isinstance(kernel, str) else []
    return [
        *_picture(sample),
        *classic,
        "from explorer.laboratory.cases import of_picture, reduced",
        f"kernel = {expression}",
        f"case = of_picture(reduced(picture.rgb), kernel, grey={grey}, groups={groups}, bias={bias!r})",
        *_unpacked(dtype),
    ]


def layer_recipe(sample: str | None, model: str | None, layer: str, *, dtype: str) -> list[str]:
    """A layer of a model with its real weights on its real input.

    Args:
        sample: A sample's name; None for a picture of the visitor's.
        model: The model's name, for `models.load`; None for one of the visitor's own.
        layer: The layer's name.
        dtype: "float32" or "float64".
    """
    return [
        *_picture(sample),
        "from explorer.laboratory.layer_input import of_layer",
        *_model(model),
        f"case = of_layer(model.module, model.preprocess(picture), {layer!r})",
        *_unpacked(dtype),
    ]


def _middle(case: Case, whole: Case) -> list[str]:
    if case.input.shape == whole.input.shape and case.weight.shape == whole.weight.shape:
        return []
    (height, width), (rows, columns) = whole.sizes.size, case.sizes.size
    top, left = (height - rows) // 2, (width - columns) // 2
    return [
        "# The middle only, since the loops are slow.",
        f"input = input[:, :{case.sizes.in_channels}, {top} : {top + rows}, {left} : {left + columns}]",
        f"weight, bias = weight[:{len(case.weight)}], None if bias is None else bias[:{len(case.weight)}]",
    ]


def _unpacked(dtype: str) -> list[str]:
    return [
        f"input, weight = case.input.to(torch.{dtype}), case.weight.to(torch.{dtype})",
        f"bias = None if case.bias is None else case.bias.to(torch.{dtype})",
    ]


def _model(name: str | None) -> list[str]:
    if name is None:
        return [
            "from models import load_own, own_model",
            "from pathlib import Path",
            'model = load_own(own_model("architecture", weights=Path("weights.pth")))  # as you gave them',
        ]
    return ["from models import load", f"model = load({name!r})"]


def _picture(sample: str | None) -> list[str]:
    if sample is None:
        return [
            "from pathlib import Path",
            "from explorer.images import decode",
            'picture = decode(Path("photo.jpg").read_bytes())  # put the path of your picture here',
        ]
    return [
        "from explorer.images import decode",
        "from explorer.samples import sample_bytes",
        f"picture = decode(sample_bytes({sample!r}))",
    ]


def _imports(recipe: Sequence[str]) -> list[str]:
    return sorted(
        {
            "from explorer.convolution.padding import pad",
            *(line for line in recipe if line.startswith("from ")),
        },
        key=lambda line: (line.startswith("from models"), line),
    )


def _padding(case: Case) -> str:
    sides = case.sizes.padding
    return f"padded = pad(input, {sides!r}, {case.padding_mode!r})  # top, bottom, left, right"


def _literal(tensor: Tensor) -> str:
    return f"torch.tensor({tensor.tolist()!r}, dtype={tensor.dtype})"
