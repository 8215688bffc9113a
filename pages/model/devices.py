"""Where networks run: a choice where this computer has more than one device, else only stated."""

from __future__ import annotations

import streamlit as st

import models
from pages import media, state

_TAKEN = "device_taken"


def place() -> models.Place:
    """Where models run for this visitor, and how exactly; a device that is not here is told."""
    for name in (state.text("device"), None):
        try:
            device = models.choose_device(name)
        except models.DeviceError as error:
            if name is not None:
                state.choose(device=None)
            elif state.kept("device_told", list):
                continue  # the server's own setting, told once to each visitor
            else:
                state.kept("device_told", list).append(True)
            state.tell(str(error))
        else:
            return models.Place(device, state.flag("mixed") and device.mixed_precision)
    return models.Place(models.available_devices()[0])


def choose() -> None:
    """The device, and mixed precision where the device is made for it."""
    if state.kept(_TAKEN, dict[str, bool]).pop("now", False):
        st.rerun()
    found = {device.name: device for device in models.available_devices()}
    here = place()
    if len(found) == 1:
        st.markdown(f":small[Networks run on the {here.device.title}, the only device found here.]")
        return
    st.segmented_control(
        "Networks run on", list(found), required=True,
        format_func=lambda name: words(found[name]),
        **state.follow("device_control", here.device.name, lambda name: take(device=name)),
    )  # fmt: skip
    if here.device.mixed_precision:
        st.toggle(
            "Mixed precision",
            help="Convolutions then round what goes in and comes out to 8 significant bits (bfloat16), an "
            "error of up to 0.4 % each time. It is faster, maps take half the memory on the way, and the "
            "last digits that are shown differ. The lesson always measures in full precision.",
            **state.follow("mixed_toggle", here.mixed, lambda on: take(mixed=on or None)),
        )


def words(device: models.Device) -> str:
    """A device for people."""
    memory = f" · {device.memory / 2**30:.0f} GiB" if device.memory else ""
    return f"{media.plain(device.title)}{memory}"


def take(**choices: str | bool | None) -> None:
    """Run networks elsewhere, or otherwise."""
    state.choose(**choices)
    state.kept(_TAKEN, dict[str, bool])["now"] = True
