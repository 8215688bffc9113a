"""What is compared: small numbers, the current picture, or a layer of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
import torch

from explorer.convolution import ConvolutionError
from explorer.kernels import KERNELS, Kernel, KernelError
from explorer.laboratory.cases import MOST, Case, converted, of_picture, reduced
from explorer.laboratory.layer_input import of_layer
from explorer.laboratory.numbers import (
    NumbersError,
    format_matrix,
    matrix,
    parse_matrix,
    parse_number,
    resized,
)
from explorer.laboratory.script import kernel_code, layer_recipe, numbers_recipe, picture_recipe
from explorer.layers import Layer
from pages import cache, state
from pages.lab import ingredients, parameters
from pages.reading import layer_words

KINDS = {"numbers": "Small numbers", "picture": "Current picture", "layer": "Layer of the model"}
OWN = "own"
GIVEN = "0 0 0 9 9 9 9; 0 0 0 9 9 9 9; 0 0 3 9 9 9 9; 0 3 9 9 9 6 6; 3 9 9 9 6 6 6; 9 9 9 6 6 6 6"
START = {"stride": 1, "dilation": 1, "groups": 1, "padding_mode": "zeros"}


@dataclass(frozen=True, eq=False)
class Subject:
    """A case, and what the page says of it.

    Attributes:
        kind: A key of `KINDS`.
        title: What it is.
        case: The convolution.
        recipe: Lines of a script that make its tensors.
    """

    kind: str
    title: str
    case: Case
    recipe: Sequence[str]


def kind() -> str:
    """Which kind of case was chosen."""
    return state.choice("case", list(KINDS), default="numbers")


def choose_kind(value: str | None) -> None:
    """Another kind of case, with its own parameters."""
    state.choose(**dict.fromkeys(parameters.NAMES), case=value)


def pick_kind() -> None:
    """The control for it."""
    st.radio(
        "What to convolve", list(KINDS), format_func=KINDS.__getitem__, horizontal=True,
        **state.follow("lab_case", kind(), choose_kind),
    )  # fmt: skip


def choose() -> Subject | None:
    """The controls of the case and of the parameters; None, and a reason on the page, if it is impossible."""
    try:
        make = {"numbers": of_numbers, "picture": of_current_picture, "layer": of_chosen_layer}[kind()]
        subject = make()
        work = subject.case.sizes.multiplications
        if work > MOST:
            raise ConvolutionError(
                f"this takes {work:,} multiplications, and the laboratory goes up to {MOST:,}; "
                "take a larger stride or less padding"
            )
        subject.case.padded  # noqa: B018 - a picture may be too small for its padding
    except (ConvolutionError, NumbersError, KernelError) as error:
        st.error(f"Not possible: {error}.", icon=":material/block:")
        return None
    ingredients.show(subject.case, readable=kind() == "numbers")
    return subject


def of_numbers() -> Subject:
    """One channel of numbers to edit, with a kernel to edit."""
    defaults = START | {"padding": 0}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kernel, title, _ = pick_kernel(small=True)
        given = parse_matrix(state.text("given") or GIVEN)
        given = size_of("Input", "given", given)
        if state.text("kernel") == OWN:
            kernel = size_of("Kernel", "own", kernel)
    parameters.show(defaults, with_bias=True)
    bias = parameters.chosen_bias()
    added = torch.tensor([bias]) if bias else None
    case = settled(Case(given.float()[None, None], kernel.float()[None, None], added), defaults)
    return Subject("numbers", f"{title} over small numbers", case, numbers_recipe(case))


def size_of(label: str, name: str, values: torch.Tensor) -> torch.Tensor:
    """Rows and columns of a matrix that can be edited; the matrix in the chosen size."""
    most = 8 if name == "given" else 7
    now = tuple(values.shape)
    sizes = {
        f"{rows} × {columns}": (rows, columns)
        for rows in range(1, most + 1)
        for columns in range(1, most + 1)
    }
    label_now = next((label for label, size in sizes.items() if size == now), None)
    if label_now is None:
        raise NumbersError(
            f"the {label.lower()} has at most {most} × {most} numbers, got {now[0]} × {now[1]}"
        )

    def take(chosen: str) -> None:
        if chosen in sizes:
            state.choose(**{name: format_matrix(resized(values, *sizes[chosen]))})

    st.selectbox(f"{label} size", list(sizes), width=110, **state.follow(f"lab_{name}_size", label_now, take))
    return values


def take_numbers() -> None:
    """Numbers were edited on the page."""
    sent = state.sent("lab_numbers", "edit")
    try:
        given, kernel = matrix(sent["input"]), matrix(sent["kernel"])
    except (NumbersError, TypeError, KeyError):
        return
    state.choose(given=format_matrix(given))
    if state.text("kernel") == OWN or not torch.equal(kernel.float(), pick().weight().float()):
        state.choose(kernel=OWN, own=format_matrix(kernel))


def pick() -> Kernel:
    """The classic kernel that was chosen, also where the visitor's own one is at work."""
    return KERNELS[state.choice("kernel", list(KERNELS), default="sobel_x")]


def pick_kernel(*, small: bool) -> tuple[torch.Tensor, str, str | torch.Tensor]:
    """A classic kernel with its parameters, or the visitor's own.

    Args:
        small: Only those that fit on a page of numbers.

    Returns:
        Its weights, its title, and what a script writes for it.

    Raises:
        NumbersError, KernelError: If what a link says is no kernel.
    """
    names = [name for name, kernel in KERNELS.items() if not (small and kernel.parameters)]
    now = state.choice("kernel", [*names, OWN], default="sobel_x")
    st.selectbox(
        "Kernel", [*names, OWN], width=250,
        format_func=lambda name: "My own" if name == OWN else KERNELS[name].title,
        **state.follow("lab_kernel", now, choose_kernel),
    )  # fmt: skip
    if now == OWN:
        own = parse_matrix(state.text("own") or "0 0 0; 0 1 0; 0 0 0", most=15)
        return own, "My own kernel", own
    kernel = KERNELS[now]
    values = {each.name: parameter(each) for each in kernel.parameters}
    return kernel.weight(**values), kernel.title, kernel_code(now, values)


def choose_kernel(name: str) -> None:
    """Another kernel; one's own begins with the numbers of the one before."""
    if name == OWN and state.text("own") is None:
        state.choose(own=format_matrix(pick().weight()) if not pick().parameters else None)
    state.choose(kernel=name)


def parameter(each: Any) -> float:
    """One parameter of a kernel, as a slider."""
    try:
        value = parse_number(state.text(each.name) or str(each.default))
    except NumbersError:
        value = each.default
    value = float(value) if each.low <= value <= each.high else each.default
    st.slider(
        each.title, float(each.low), float(each.high), step=float(each.step), width=170,
        **state.follow(f"lab_{each.name}", value, lambda new: state.choose(**{each.name: f"{new:g}"})),
    )  # fmt: skip
    return value


def of_current_picture() -> Subject:
    """The picture at work under a kernel."""
    current = state.current()
    colours = state.flag("colours")
    defaults = START | {"padding": "same", "groups": 3 if colours else 1}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kernel, title, code = pick_kernel(small=False)
        if not isinstance(code, str):
            now = state.text("own") or format_matrix(kernel)
            st.text_input(
                "Its weights, row by row", width=330, max_chars=600,
                help="Rows end with ; and a fraction such as 1/9 is possible. At most 15 × 15.",
                **state.follow("lab_own", now, lambda new: state.choose(own=new)),
            )  # fmt: skip
        st.toggle("In colour", **state.follow("lab_colours", colours, choose_colours))
    if isinstance(code, str):
        about = KERNELS[state.choice("kernel", list(KERNELS), default="sobel_x")]
        st.markdown(f"{about.does} {about.use} :small[Source: {about.source}.]")
    parameters.show(defaults, with_bias=True)
    groups, bias = parameters.chosen("groups", defaults["groups"]), parameters.chosen_bias()
    case = of_picture(
        reduced(current.picture.rgb), kernel, grey=not colours, groups=max(1, groups), bias=bias
    )
    recipe = picture_recipe(
        current.sample, code, grey=not colours, groups=max(1, groups), bias=bias, dtype=dtype()
    )
    return Subject("picture", f"{title} over {current.title}", settled(case, defaults), recipe)


def choose_colours(value: bool) -> None:
    """Grey or colour, with the groups that suit."""
    state.choose(colours=value or None, groups=None)


def of_chosen_layer() -> Subject:
    """A convolution of the model, on what it is given for the current picture."""
    loaded, current = cache.model(), state.current()
    table = cache.table(loaded.digest, loaded)
    layers = {layer.name: layer for layer in table if convolves(layer)}
    name = state.choice("layer", list(layers), default=next(iter(layers)))
    st.selectbox(
        "Layer", list(layers), width=560,
        format_func=lambda name: f"{name} — {layer_words(layers[name])}",
        **state.follow("lab_layer", name, choose_layer),
    )  # fmt: skip
    own = captured(name)
    defaults = {
        key: parameters.written(value) if key == "padding" and isinstance(value, str) else value
        for key, value in own.parameters.items()
    }
    parameters.show(defaults, with_bias=False)
    case = settled(own, defaults)
    recipe = layer_recipe(current.sample, loaded.spec.name, name, dtype=dtype())
    return Subject("layer", f"{name} of {loaded.spec.title}", case, recipe)


def convolves(layer: Layer) -> bool:
    """Whether a layer is a convolution over maps."""
    return (
        layer.window is not None and layer.parameters > 0 and layer.is_leaf and len(layer.output_shape) == 4
    )


def choose_layer(name: str) -> None:
    """Another layer, with its own parameters."""
    state.choose(**dict.fromkeys(parameters.NAMES), layer=name, channel=None)


def captured(name: str) -> Case:
    """A layer with its input; the last one is kept, so that turning a parameter does not run the model."""
    loaded, picture = cache.model(), state.current().picture
    key = (loaded.digest, picture.sha256, name)
    kept: dict[Any, Case] = state.kept("lab_layer_case", dict)
    if key not in kept:
        case = of_layer(loaded.module, loaded.preprocess(picture), name)
        kept.clear()
        kept[key] = case
    return kept[key]


def dtype() -> str:
    """The type of the numbers."""
    return "float64" if state.flag("float64") else "float32"


def settled(case: Case, defaults: dict[str, Any]) -> Case:
    """The case with the parameters that were chosen; its sizes are checked."""
    modes = list(parameters.WORDS)
    chosen = {
        name: parameters.chosen(name, defaults[name]) for name in ("stride", "padding", "dilation", "groups")
    }
    case = replace(
        case, **chosen, flipped=state.flag("flipped"),
        padding_mode=state.choice("padding_mode", modes, defaults["padding_mode"]),
    )  # fmt: skip
    return converted(case, torch.float64 if state.flag("float64") else torch.float32)
