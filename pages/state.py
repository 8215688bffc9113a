"""What one visitor has chosen. The only place that touches the session and the URL.

The choices that a page has (`pages.choices`) stand in its URL, so that a link shows the same screen again; a
choice that is at its default does not. Values are checked where they are used: a link may say anything. An
uploaded picture cannot travel in a link; it stays in the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

import explorer
import models
from explorer.images import Picture
from explorer.samples import DEFAULT_SAMPLE
from models.untrained import untrained_spec, without_mark
from pages import choices as known
from pages.model import given

LONGEST_TITLE = 60
LONGEST_NAME = 120
T = TypeVar("T")
_CHOSEN = "chosen"
_IN_URL = "choices_in_url"
_PAGE = "page_of_last_run"
_CURRENT = "current_picture"
_OWN = "own_picture"
_PROBLEM = "picture_problem"
_OPEN = "open_page"
_GIVEN = "given_models"
_SHOWN_MODEL = "model_shown"
_OFFERED = "model_offered"


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
    in_url = {name: st.query_params[name] for name in known.of(page) if name in st.query_params}
    same_page = st.session_state.get(_PAGE, page) == page
    st.session_state[_PAGE] = page
    # A switch to another page empties the URL; that is not a visitor's choice.
    if in_url != st.session_state.get(_IN_URL, {}) and (in_url or same_page):
        elsewhere = st.session_state.get(_CHOSEN, {}).items()
        st.session_state[_CHOSEN] = {k: v for k, v in elsewhere if k not in known.of(page)} | in_url
        _check_model(in_url.get("model"))
        _show_chosen_picture()
    _write_url()


def choose(**choices: str | int | bool | None) -> None:
    """Set choices by name, in the link too; None takes one back to its default."""
    _set(choices)
    _write_url()


def link(**choices: str | int | bool) -> dict[str, str]:
    """What a link to another page says: these choices, with the picture and the model at work."""
    chosen = st.session_state.get(_CHOSEN, {})
    everywhere = {name: chosen[name] for name in known.EVERYWHERE if name in chosen}
    return everywhere | {name: str(int(v)) if isinstance(v, bool) else str(v) for name, v in choices.items()}


def open_channel(layer: str, channel: int, page: str = "layer", **choices: str | bool | None) -> None:
    """Choose a channel of a layer, and what else the page has, and show it there: the next run opens it.

    Args:
        layer: The layer's name.
        channel: The channel.
        page: The page's path.
        choices: Further choices by name; None takes one back.
    """
    _set({"layer": layer, "channel": channel, **choices})
    st.session_state[_OPEN] = page


def opening_page() -> bool:
    """Whether the next run opens another page."""
    return _OPEN in st.session_state


def pop_opening() -> tuple[str, dict[str, str]] | None:
    """The path of the page to open and its choices, once; None where nobody asked for it."""
    page: str | None = st.session_state.pop(_OPEN, None)
    return None if page is None else (page, _chosen_on(page))


def choice(name: str, possible: Sequence[str], default: str) -> str:
    """A choice of one of several; the default where none was made or it is not possible here."""
    value = st.session_state.get(_CHOSEN, {}).get(name)
    return value if value in possible else default


def number(name: str, low: int, high: int, default: int) -> int:
    """A choice of a whole number from `low` to `high`; the default where none fits."""
    value = st.session_state.get(_CHOSEN, {}).get(name, "")
    # A link may hold thousands of digits, which Python refuses to read.
    readable = value.isascii() and value.isdigit() and len(value) <= 9
    return int(value) if readable and low <= int(value) <= high else default


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

    The widget is set only when the choice is another one than it was last given or handed over: its own value
    may be newer, sent while the page was still running for the one before.

    Example: `st.toggle("Smooth", **state.follow("smooth_toggle", state.flag("smooth"), set_smooth))`.
    """
    last = f"followed_{widget}"

    def changed() -> None:
        st.session_state[last] = st.session_state[widget]
        take(st.session_state[widget])

    if widget not in st.session_state or st.session_state.get(last) != value:
        st.session_state[widget] = st.session_state[last] = value
    return {"key": widget, "on_change": changed}


def model() -> str:
    """The name of the model at work, which the frame has found to be there."""
    return text("model") or models.default_name()


def spec(name: str) -> tuple[models.ModelSpec, str]:
    """What is known about a model, and the key under which it is kept once it is loaded.

    Args:
        name: As for `models.find`, or that of a model which this visitor gave.

    Raises:
        UnknownModelError: If there is no such model.
    """
    plain, seed = without_mark(name)
    own = given_models().get(plain)
    if own is not None:
        found = own.spec if seed is None else untrained_spec(own.spec, seed)
        return found, f"{own.token}/{found.name}"
    if plain.startswith(given.PREFIX):
        raise models.UnknownModelError(
            f"{name!r} is a model that a visitor gave from a file. It is here for that visit only and can't "
            "travel in a link; whoever has the file can give it under Change model."
        )
    found = models.find(name)
    return found, found.name


def choose_model(name: str | None) -> None:
    """Make a model the current one; None for the one to begin with.

    One whose weights are not on this computer is offered for download instead (`offered_model`).
    """
    _set({"model": name})
    _check_model(name)
    _write_url()


def show_model(name: str) -> None:
    """Note which model is shown: what to return to when another one can't be."""
    if name != model():
        choose(model=None if name == models.default_name() else name)
    st.session_state[_SHOWN_MODEL] = name


def shown_model() -> str | None:
    """The model that was shown last."""
    value: str | None = st.session_state.get(_SHOWN_MODEL)
    return value


def offered_model() -> str | None:
    """The model that the visitor wants and that must be downloaded first."""
    value: str | None = st.session_state.get(_OFFERED)
    return value


def offer_model(name: str | None) -> None:
    """Offer a model for download; None ends the offer."""
    st.session_state[_OFFERED] = name


def given_models() -> dict[str, given.Given]:
    """The models that this visitor gave, by name, the oldest first."""
    return kept(_GIVEN, dict[str, given.Given])


def tell(problem: str) -> None:
    """Tell on the next run what went wrong."""
    st.session_state[_PROBLEM] = problem


def current() -> Current:
    """The picture at work; on a first visit the default sample."""
    if _CURRENT not in st.session_state:
        _show_chosen_picture()
    shown: Current = st.session_state[_CURRENT]
    return shown


def own() -> Current | None:
    """The picture that the visitor gave last, also while a sample is shown."""
    value: Current | None = st.session_state.get(_OWN)
    return value


def choose_picture(sample: str | None) -> None:
    """Make a sample picture the current one, or with None the visitor's own."""
    choose(picture=sample)
    _show_chosen_picture()


def choose_own(data: bytes, title: str) -> None:
    """Make the visitor's own picture the current one; what cannot be read is told and changes nothing."""
    if (picture := from_file(data, title)) is not None:
        show_own(picture)


def show_own(picture: Current) -> None:
    """Make a picture that the visitor gave the current one."""
    st.session_state[_OWN] = picture
    choose_picture(None)


def from_file(data: bytes, title: str) -> Current | None:
    """A visitor's file as a picture; None where it can't be read, which is told."""
    title = title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]}…"
    try:
        return Current(explorer.decode(data), title, f"Your picture {title}", sample=None)
    except explorer.PictureError as error:
        tell(f"{title}: {error} The picture you had is still here.")
        return None


def from_sample(name: str) -> Current:
    """A sample picture, one of `explorer.SAMPLES`."""
    sample = explorer.SAMPLES[name]
    return Current(explorer.decode(explorer.sample_bytes(name)), sample.title, sample.alt, sample=name)


def pop_problem() -> str | None:
    """What went wrong with the last picture, once."""
    problem: str | None = st.session_state.pop(_PROBLEM, None)
    return problem


def sent(widget: str, name: str | None = None) -> Any:
    """What a widget holds, or what a component just sent as its trigger `name`; None if nothing."""
    value = st.session_state.get(widget)
    return value if name is None else getattr(value, name, None)


def _check_model(name: str | None) -> None:
    """Take a choice back that can't be shown, and say why or offer what is missing."""
    if name is None:
        return
    try:
        found, _ = spec(name[:LONGEST_NAME])
    except models.ModelError as error:
        tell(str(error))
    else:
        if found.available_offline:
            _set({"model": None if found.name == models.default_name() else found.name})
            return
        offer_model(found.name)
    _set({"model": shown_model()})


def _show_chosen_picture() -> None:
    """Show the sample that the link names; without one the visitor's own picture, else the default."""
    name = text("picture")
    if name is not None and name not in explorer.SAMPLES:
        asked, known = name[:LONGEST_TITLE], ", ".join(explorer.SAMPLES)
        tell(f"There is no sample picture {asked!r}. There are: {known}.")
        _set({"picture": None})
        name = None
    if name is None and (mine := own()) is not None:
        st.session_state[_CURRENT] = mine
        return
    st.session_state[_CURRENT] = from_sample(name or DEFAULT_SAMPLE)


def _set(choices: Mapping[str, str | int | bool | None]) -> None:
    chosen = st.session_state.setdefault(_CHOSEN, {})
    for name, value in choices.items():
        chosen.pop(name, None)
        if value is not None:
            chosen[name] = str(int(value)) if isinstance(value, bool) else str(value)


def _write_url() -> None:
    """All choices at once, so that the browser's history gets one entry for one change."""
    chosen = _chosen_on(st.session_state[_PAGE])
    now = st.query_params.to_dict()
    wanted = {name: value for name, value in now.items() if name not in known.EVERY} | chosen
    if now != wanted:
        st.query_params.from_dict(wanted)
    st.session_state[_IN_URL] = chosen


def _chosen_on(page: str) -> dict[str, str]:
    chosen = st.session_state.setdefault(_CHOSEN, {})
    return {name: value for name, value in chosen.items() if name in known.of(page)}
