"""Finding a model among all that there are, and what one should know before loading it."""

from __future__ import annotations

from functools import partial

import streamlit as st

import models
from models.untrained import without_mark
from pages import cache, media, state
from pages.model import bringing, devices
from pages.model.given import PREFIX
from pages.widgets.finder import finder

FINDER = "model_finder"
_PICKED = "model_picked"


def show() -> None:
    """The search through all models, the one that was picked, and those in memory."""
    with st.spinner("Asking torchvision and timm what they have …", show_time=True):
        names, here = models.search(), frozenset(models.installed())
    finder(
        FINDER, names, marked=here, mark="on this computer", kind="models", selected=picked(),
        label="Search by name, as in “resnet 50” or “convnext tiny in22k”", on_pick=take_pick,
    )  # fmt: skip
    if (name := picked()) is not None:
        details(name)
    in_memory()


def in_memory() -> None:
    """The models that are loaded, or that this visitor gave; switching to one of them needs no loading."""
    mine = list(state.given_models())
    store = cache.store(devices.place().device)
    shared = [name for name in reversed(store.names) if PREFIX not in name]
    now = state.spec(state.model())[0].name
    st.markdown("**Loaded models**, to switch between without waiting")
    with st.container(horizontal=True, gap="xsmall"):
        for name in dict.fromkeys([*mine, *shared]):
            if take(name, state.spec(name)[0].title, key=f"loaded {name}", disabled=name == now):
                st.rerun()
    st.markdown(f":small[{store.describe()}]")
    devices.choose()


def take(name: str, label: str, *, key: str, disabled: bool = False, primary: bool = False) -> bool:
    """A button that makes a model the current one; whether it was pressed."""
    return st.button(
        media.plain(label), key=key, disabled=disabled, type="primary" if primary else "secondary",
        on_click=partial(state.choose_model, name),
    )  # fmt: skip


def picked() -> str | None:
    """The model that was picked in the list."""
    return state.kept(_PICKED, dict[str, str]).get("name")


def take_pick() -> None:
    """A name in the list was picked."""
    name = state.sent(FINDER, "pick")
    if isinstance(name, str) and name in models.search():
        state.kept(_PICKED, dict[str, str])["name"] = name


def details(name: str) -> None:
    """One model: what it is, what must be downloaded, and the ways to look at it."""
    spec, _ = state.spec(name)
    with st.container(border=True, gap="small"):
        facts = [f"input {spec.input_size[0]} × {spec.input_size[1]}"]
        if spec.parameters is not None:
            facts.insert(0, f"{spec.parameters / 1e6:.1f} million parameters")
        st.markdown(f"**{media.plain(spec.title)}** · {' · '.join(facts)}")
        st.markdown(f"{media.plain(spec.description)} Licence of the weights: {media.plain(spec.licence)}.")
        ways(spec)


def ways(spec: models.ModelSpec) -> None:
    """The buttons: show it, or download it first, or see it untrained, which needs no download."""
    size, problem = (0, "") if spec.available_offline else download_size(spec)
    if problem:
        st.warning(media.plain(problem), icon=":material/cloud_off:")
    with st.container(horizontal=True):
        if spec.available_offline:
            pressed = take(spec.name, "Show it", key="show_picked", primary=True)
        else:
            pressed = spec.weights is not None and bringing.button(spec.name, size)
        if without_mark(spec.name)[1] is None:
            twin = models.untrained_name(spec.name)
            pressed |= take(twin, "Show it untrained", key="show_picked_untrained")
    if pressed:
        st.rerun()


def download_size(spec: models.ModelSpec) -> tuple[int | None, str]:
    """Bytes to download, and what stands in the way, in a sentence; each model is asked for once."""
    if spec.weights is None:
        return None, ""
    known = state.kept("model_sizes", dict[str, int | None])
    if spec.name in known:
        return known[spec.name], ""
    try:
        with st.spinner(f"Asking how large {spec.title} is …"):
            known[spec.name] = spec.size()
    except models.OfflineError as error:
        return None, f"{error} {models.without_network()}"
    except models.ModelError as error:
        return None, str(error)
    return known[spec.name], ""


def offer() -> None:
    """What the visitor asked for and is not on this computer: its size, and the ways on."""
    name = state.offered_model()
    if name is None:
        return
    spec, _ = state.spec(name)
    with st.container(border=True, key="offer_model", gap="small"):
        st.markdown(
            f"**{media.plain(spec.title)}** is not on this computer; its weights can be downloaded, or you "
            "look at the network without training."
        )
        ways(spec)
        st.button("Not now", on_click=partial(state.offer_model, None), type="tertiary", key="end_offer")
