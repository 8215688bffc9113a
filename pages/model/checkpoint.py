"""A visitor's own weights: an architecture, a file, the names of the classes, the preparation of pictures."""

from __future__ import annotations

from functools import partial

import streamlit as st

from models.checkpoint import SUFFIXES
from models.registry import DEFAULT
from pages import media, state
from pages.model import folder, preparation
from pages.model.given import GivenFile
from pages.model.taking import Refused, Source, take
from pages.widgets.finder import finder

FINDER = "architecture_finder"
LARGEST_UPLOAD = 2048
"""In MB; the page takes a million bytes for one. `server.maxUploadSize` is the same."""

LARGEST_LABELS = 4
_PICKED = "architecture_picked"


def show() -> None:
    """The form, and what was wrong with what was given."""
    st.markdown(
        "Weights of a network that torchvision or timm can build: a file made by `torch.save` or Lightning, "
        "or safetensors. Code in a file is never run. It is read on the computer that runs the explorer, "
        "only you see it, and it goes with your visit; a link can't carry it."
    )
    with st.spinner("Asking torchvision and timm what they have …", show_time=True):
        names = architectures()
    finder(
        FINDER, names, marked=frozenset(), mark="", kind="architectures", selected=picked(),
        label="The architecture", on_pick=take_pick,
    )  # fmt: skip
    name = picked()
    source = weights_source()
    left, right = st.columns(2)
    classes = left.number_input(
        "Number of classes", 1, 1_000_000, value=None, placeholder="as in the file", key="own_classes"
    )
    labels = right.file_uploader(
        "Names of the classes, if you like", type=["txt", "json"], max_upload_size=LARGEST_LABELS,
        key="own_labels", help="One name per line, or JSON: a list, or an object from number to name.",
    )  # fmt: skip
    prepared = preparation.fields(name) if name else None
    missing = [what for what, given in (("an architecture", name), ("a file", source)) if not given]
    label = f"Open {media.plain(source.name)}" if source else "Open it"
    ready = st.button(label, type="primary", disabled=bool(missing), key="own_open")
    if missing:
        st.markdown(f":small[Still needed: {' and '.join(missing)}.]")
    if ready and name and source and prepared:
        with st.spinner("Reading the file …"):
            refused = take(name, source, classes, labels, prepared)
        if refused is None:
            st.rerun()
        tell(refused)


def weights_source() -> Source | None:
    """Where the weights come from: an upload, or a file in the folder that the app was started with."""
    allowed = folder.allowed()
    kinds = [suffix.removeprefix(".") for suffix in SUFFIXES]
    if allowed is not None:
        files = folder.files(allowed)
        chosen = st.selectbox(
            f"A file in {media.plain(allowed.name)}", files, index=None, key="own_path",
            placeholder=f"{len(files)} files" if files else "no weights in it",
        )  # fmt: skip
        if chosen:
            return Source(chosen, partial(folder.inside, allowed, chosen))
    upload = st.file_uploader("The weights", type=kinds, max_upload_size=LARGEST_UPLOAD, key="own_weights")
    return None if upload is None else Source(upload.name, partial(GivenFile, upload.name, upload))


def architectures() -> tuple[str, ...]:
    """The names of all architectures."""
    from models import timm_models, torchvision_models

    return (
        DEFAULT,
        *(torchvision_models.PREFIX + name for name in torchvision_models.architectures()),
        *(timm_models.PREFIX + name for name in timm_models.architectures()),
    )


def picked() -> str | None:
    """The architecture that was picked."""
    return state.kept(_PICKED, dict[str, str]).get("name")


def take_pick() -> None:
    """An architecture was picked."""
    name = state.sent(FINDER, "pick")
    if isinstance(name, str) and name in architectures():
        state.kept(_PICKED, dict[str, str])["name"] = name


def tell(refused: Refused) -> None:
    """What was wrong with the file, in a sentence and where tensors do not fit in a table."""
    first = refused.said.splitlines()[0] if refused.mismatches else refused.said
    st.error(f"{media.plain(first)} The model you had is still here.", icon="⚠️")
    if refused.mismatches:
        rows = [
            {"Tensor": each.key, "In your file": words(each.given), "In the network": words(each.needed)}
            for each in refused.mismatches
        ]
        st.dataframe(rows, hide_index=True, key="own_mismatches", height=min(400, 40 + 35 * len(rows)))


def words(shape: tuple[int, ...] | None) -> str:
    """A shape for people."""
    if shape is None:
        return "missing"
    return " × ".join(map(str, shape)) or "one number"
