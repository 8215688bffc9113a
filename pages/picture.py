"""The current picture and model at the head of every page, and the ways to another picture."""

from __future__ import annotations

import streamlit as st

import explorer
from pages import cache, media, state, widgets

UPLOAD = "upload"
CAMERA = "camera"
GALLERY = "gallery"
FORMATS = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


def bar(*, with_chooser: bool) -> None:
    """The current picture and model, and unless the page itself has the chooser, a way to it."""
    shown = state.current()
    loaded = cache.model(state.model())
    with st.container(horizontal=True, vertical_alignment="center", key="bar"):
        st.image(media.thumbnail(shown.picture.rgb), width=44, alt=shown.alt)
        st.markdown(f"**{media.plain(shown.title)}** · {loaded.spec.title}", width="content")
        if with_chooser:
            with st.popover("Change picture", key="change_picture"):
                chooser()
    tell_problem()


def chooser() -> None:
    """Upload, sample pictures, camera."""
    st.file_uploader(
        "Your own picture",
        type=FORMATS,
        key=UPLOAD,
        on_change=_take_file,
        args=(UPLOAD,),
        help="It is read on the computer that runs the explorer and kept until you close the page.",
    )
    samples = [(name, sample.title, _thumbnail_url(name)) for name, sample in explorer.SAMPLES.items()]
    widgets.gallery(GALLERY, samples, selected=state.current().sample, on_pick=_take_sample)
    # The camera asks for permission as soon as it is on the page, so it waits until it is wanted.
    if st.toggle("Use the camera", key="use_camera"):
        st.camera_input("Take a picture", key=CAMERA, on_change=_take_file, args=(CAMERA,))


def tell_problem() -> None:
    """What went wrong with the last picture, if anything."""
    if problem := state.pop_problem():
        st.error(problem, icon="⚠️")


def _take_file(key: str) -> None:
    file = state.sent(key)
    if file is not None:
        state.choose_own(file.getvalue(), file.name if key == UPLOAD else "Your photo")


def _take_sample() -> None:
    state.choose_sample(state.sent(GALLERY, "pick"))


def _thumbnail_url(name: str) -> str:
    return media.data_url(cache.sample_thumbnail(name), "webp")
