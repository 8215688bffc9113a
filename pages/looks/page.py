"""What it looks for: pictures made so that one channel or class answers, from colours to objects."""

from __future__ import annotations

import streamlit as st

from explorer.visualization.shelf import Shelved
from pages import galleries, media
from pages.looks import asking, atlas, detail, feeding
from pages.looks.chosen import chosen, problem
from pages.reading import Reading, read


def page() -> None:
    """One channel or class in detail, where one is chosen; below it the atlas of all."""
    reading = read()
    shelved = galleries.of(reading.loaded)
    # Places of their own, so that the atlas stays where and as it is when something comes or goes above it.
    with st.container():
        if (told := problem(reading)) is not None:
            st.warning(media.plain(told))
        if (what := chosen(reading)) is not None:
            detail.show(reading, what)
            if what.layer is None:
                feeding.show(reading, shelved, what.index)
            else:
                feeding.show_classes(reading, shelved, what.layer, what.index)
            st.divider()
    introduce(reading, shelved, detailed=what is not None)
    with st.container():
        asking.show(reading)
        if what is None:
            detail.anything(reading)
    atlas.show(reading, shelved)


def introduce(reading: Reading, shelved: Shelved, *, detailed: bool) -> None:
    """What is to be seen here, and what is wrong with it, if anything."""
    title = media.plain(reading.spec.title)
    if detailed:
        st.subheader("The atlas", anchor=False)
    if shelved.gallery is not None:
        st.markdown(
            f"Each picture was made, pixel by pixel, so that one channel of {title} answers as strongly as "
            "it can: **colours and edges first, then textures, then parts of things, at last whole "
            "objects.** No camera took them, and each shows one thing that drives its channel, hardly ever "
            "all. Choose one to see what natural pictures do."
        )
    elif not shelved.problems:
        st.markdown(
            f"There is no gallery of pictures for the weights of {title}. What any of its channels or "
            "classes looks for can be made into a picture here and now; a whole gallery is made by "
            f"`python -m explorer gallery --model {code(reading.spec.name)}`."
        )
    if shelved.problems:
        st.warning(
            f"The gallery of {title} is damaged: {media.plain('; '.join(shelved.problems[:3]))}. "
            "What is missing can be made here and now."
        )


def code(text: str) -> str:
    """Text that may stand between backticks."""
    return text.replace("`", "'")


page()
