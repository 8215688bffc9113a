"""Where networks run: a choice where this computer has more than one device, else only stated."""

from __future__ import annotations

import streamlit as st

import models
from pages import media, state


_TAKEN = "device_taken"


def choose() -> None:
    """The device, and mixed precision where the device is made for it."""
    if state.kept(_TAKEN, dict[str, bool]).pop("now", False):
        st.rerun()
    devices = {device.name: device for device in models.available_devices()}
    place = state.place()
    if len(devices) == 1:
        st.markdown(f":small[Networks run on the {place.device.title}, the only device found here.]")
        return
    st.segmented_control(
        "Networks run on", list(devices), required=True,
        format_func=lambda name: words(devices[name]),
        **state.follow("device_control", place.device.name, lambda name: take(device=name)),
    )  # fmt: skip
    if place.device.mixed_precision:
        st.toggle(
            "Mixed precision",
            help="Convolutions then round what goes in and comes out to 8 significant bits (bfloat16), an "
            "error of up to 0.4 % each time. It is faster, maps take half the memory on the way, and the "
            "last digits that are shown differ. The lesson always measures in full precision.",
            **state.follow("mixed_toggle", place.mixed, lambda on: take(mixed=on or None)),
        )


def words(device: models.Device) -> str:
    """A device for people."""
    memory = f" · {device.memory / 2**30:.0f} GiB" if device.memory else ""
    return f"{media.plain(device.title)}{memory}"


def take(**choices: str | bool | None) -> None:
    """Run networks elsewhere, or otherwise."""
    state.choose(**choices)
    state.kept(_TAKEN, dict[str, bool])["now"] = True
