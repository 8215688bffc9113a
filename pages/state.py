"""What one visitor has chosen. The only place that touches the session and the URL.

The choices (sample picture, layer, channel, view options) stand in the URL, so that a link shows the same
screen again; a choice that is at its default does not. Values are checked where they are used, because a link
may say anything. An uploaded picture cannot travel in a link; it stays in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

import explorer
import models
from explorer.images import Picture
from explorer.samples import DEFAULT_SAMPLE

LABORATORY = (
    *("case", "algorithm", "kernel", "own", "given", "sigma", "angle", "wavelength", "length", "colours"),
    *("stride", "padding", "dilation", "groups", "padding_mode", "flipped", "float64", "bias", "code"),
)
CHOICES = ("model", "picture", "layer", "channel", "sort", "scale", "dead", "smooth", "opacity", *LABORATORY)
T = TypeVar("T")
DEFAULT_MODEL = "efficientnet_lite0"
_CHOSEN = "chosen"
_IN_URL = "choices_in_url"
_PAGE = "page_of_last_run"
_CURRENT = "current_picture"
_PROBLEM = "picture_problem"
_OPEN = "open_layer_page"


@dataclass(frozen=True)
class Current:
    """The picture at work.

    Attributes:
        picture: The decoded picture.
        title: What to call it on the page.
        alt: What it shows, for those who cannot see it.
        sample: The sample's name, or None for the visitor's own picture.
    """

    picture: Picture
    title: str
    alt: str
    sample: str | None


def sync(page: str) -> None:
    """Bring session and URL together at the start of a run: a link or the back button changes the choices."""
    in_url = {name: st.query_params[name] for name in CHOICES if name in st.query_params}
    same_page = st.session_state.get(_PAGE, page) == page
    st.session_state[_PAGE] = page
    # A switch to another page empties the URL; that is not a visitor's choice.
    if in_url != st.session_state.get(_IN_URL, {}) and (in_url or same_page):
        st.session_state[_CHOSEN] = in_url
        _check_model(in_url.get("model"))
        if "picture" in in_url or _current_sample() is not None:
            _show_sample(in_url.get("picture", DEFAULT_SAMPLE))
    _write_url()


def choose(**choices: str | int | bool | None) -> None:
    """Set choices by name; None takes one back to its default."""
    chosen = st.session_state.setdefault(_CHOSEN, {})
    for name, value in choices.items():
        chosen.pop(name, None)
        if value is not None:
            chosen[name] = str(int(value)) if isinstance(value, bool) else str(value)
    _write_url()


def choice(name: str, possible: Sequence[str], default: str) -> str:
    """A choice of one of several; the default where none was made or it is not possible here."""
    value = st.session_state.get(_CHOSEN, {}).get(name)
    return value if value in possible else default


def number(name: str, low: int, high: int, default: int) -> int:
    """A choice of a whole number from `low` to `high`; the default where none fits."""
    value = st.session_state.get(_CHOSEN, {}).get(name, "")
    return int(value) if value.isascii() and value.isdigit() and low <= int(value) <= high else default


def text(name: str) -> str | None:
    """A choice as it stands in the link, unchecked; None where none was made."""
    value: str | None = st.session_state.get(_CHOSEN, {}).get(name)
    return value


def kept(name: str, make: Callable[[], T]) -> T:
    """What this session keeps under `name`; made when it is first asked for."""
    key = f"kept_{name}"
    if key not in st.session_state:
        st.session_state[key] = make()
    value: T = st.session_state[key]
    return value


def flag(name: str) -> bool:
    """A choice of yes or no; no by default."""
    return bool(number(name, 0, 1, 0))


def follow(widget: str, value: Any, take: Callable[[Any], None]) -> dict[str, Any]:
    """The arguments that make a widget show `value` and hand a visitor's change to `take`.

    Example: `st.toggle("Smooth", **state.follow("smooth_toggle", state.flag("smooth"), set_smooth))`.
    """
    st.session_state[widget] = value
    return {"key": widget, "on_change": lambda: take(st.session_state[widget])}


def model() -> str:
    """The name of the model at work."""
    return choice("model", [spec.name for spec in models.available()], DEFAULT_MODEL)


def current() -> Current:
    """The picture at work; on a first visit the default sample."""
    if _CURRENT not in st.session_state:
        _show_sample(DEFAULT_SAMPLE)
    shown: Current = st.session_state[_CURRENT]
    return shown


def choose_sample(name: object) -> None:
    """Make a sample picture the current one."""
    _show_sample(str(name))
    choose(picture=None if name == DEFAULT_SAMPLE else str(name))


def choose_own(data: bytes, title: str) -> None:
    """Make the visitor's own picture the current one; what cannot be read is told and changes nothing."""
    try:
        picture = explorer.decode(data)
    except explorer.PictureError as error:
        st.session_state[_PROBLEM] = f"{title}: {error} The picture you had is still here."
        return
    st.session_state[_CURRENT] = Current(picture, title, f"Your picture {title}", sample=None)
    choose(picture=None)


def pop_problem() -> str | None:
    """What went wrong with the last picture, once."""
    problem: str | None = st.session_state.pop(_PROBLEM, None)
    return problem


def sent(widget: str, name: str | None = None) -> Any:
    """What a widget holds, or what a component just sent as its trigger `name`; None if nothing."""
    value = st.session_state.get(widget)
    return value if name is None else getattr(value, name, None)


def open_layer_page() -> None:
    """Go to the Layer page on the next run."""
    st.session_state[_OPEN] = True


def pop_open_layer_page() -> bool:
    """Whether to go to the Layer page, once."""
    return bool(st.session_state.pop(_OPEN, False))


def _check_model(name: str | None) -> None:
    names = [spec.name for spec in models.available()]
    if name is not None and name not in names:
        st.session_state[_PROBLEM] = f"There is no model {name!r}. There are: {', '.join(names)}."


def _current_sample() -> str | None:
    return st.session_state[_CURRENT].sample if _CURRENT in st.session_state else DEFAULT_SAMPLE


def _show_sample(name: str) -> None:
    if name not in explorer.SAMPLES:
        known = ", ".join(explorer.SAMPLES)
        st.session_state[_PROBLEM] = f"There is no sample picture {name!r}. There are: {known}."
        name = DEFAULT_SAMPLE
    sample = explorer.SAMPLES[name]
    picture = explorer.decode(explorer.sample_bytes(name))
    st.session_state[_CURRENT] = Current(picture, sample.title, sample.alt, sample=name)


def _write_url() -> None:
    chosen: dict[str, str] = st.session_state.setdefault(_CHOSEN, {})
    for name in CHOICES:
        if name not in chosen:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != chosen[name]:
            st.query_params[name] = chosen[name]
    st.session_state[_IN_URL] = dict(chosen)
