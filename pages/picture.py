"""The current picture and model at the head of every page, and the ways to another picture."""

from __future__ import annotations

import streamlit as st

import explorer
from explorer.images import MAX_BYTES
from pages import cache, media, state, widgets
from pages.model import head
from pages.model.showing import settle

UPLOAD = "upload"
CAMERA = "camera"
GALLERY = "gallery"
OWN = "own"
LARGEST = MAX_BYTES >> 20  # the server checks it again; weights may be larger
FORMATS = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


def bar(heading: str, *, with_chooser: bool) -> None:
    """The page's heading, the current picture and model, and unless the page has the chooser, a way to it."""
    shown = state.current()
    settle()
    with st.container(horizontal=True, vertical_alignment="center", key="bar"):
        st.image(media.thumbnail(shown.picture.rgb), width=44, alt=shown.alt)
        st.title(heading, anchor=False, width="content")
        st.markdown(f"**{media.plain(shown.title)}** · {media.plain(head.title())}", width="content")
        if with_chooser:
            with st.popover("Change picture", key="change_picture"):
                chooser()
        head.change()
        head.twin()
    tell_problem()
    head.notices()


def chooser() -> None:
    """Upload, sample pictures, camera."""
    with st.container(gap="xsmall"):
        _chooser()


def _chooser() -> None:
    st.file_uploader(
        "Your own picture",
        type=FORMATS,
        key=UPLOAD,
        max_upload_size=LARGEST,
        on_change=_take_file,
        args=(UPLOAD,),
        help="It is read on the computer that runs the explorer, and goes nowhere else.",
    )
    pictures = [
        (name, sample.title, cache.sample_thumbnail(name)) for name, sample in explorer.SAMPLES.items()
    ]
    if mine := state.own():
        pictures.insert(0, (OWN, mine.title, media.thumbnail(mine.picture.rgb)))
    samples = [(name, title, media.data_url(thumbnail, "webp")) for name, title, thumbnail in pictures]
    widgets.gallery(GALLERY, samples, selected=state.current().sample or OWN, on_pick=_take_sample)
    # The camera asks for permission as soon as it is on the page, so it waits until it is wanted.
    if st.toggle("Use the camera", key="use_camera"):
        st.camera_input("Take a picture", key=CAMERA, on_change=_take_file, args=(CAMERA,))


def tell_problem() -> None:
    """What went wrong with the last picture, if anything."""
    if problem := state.pop_problem():
        st.error(media.plain(problem), icon="⚠️")


def _take_file(key: str) -> None:
    file = state.sent(key)
    if file is not None:
        state.choose_own(file.getvalue(), file.name if key == UPLOAD else "Your photo")


def _take_sample() -> None:
    picked = state.sent(GALLERY, "pick")
    if picked in explorer.SAMPLES or picked == OWN:
        state.choose_picture(None if picked == OWN else picked)
