"""Making pictures on the page: the form, the picture as it forms, and what was made before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from explorer.visualization import VisualizationError
from pages import media, state
from pages.jobs import VISUALIZING
from pages.looks import chosen, drawing, form, frame, taking
from pages.looks.chosen import Chosen
from pages.looks.made import Made, mine
from pages.looks.making import EVERY, Forming
from pages.looks.order import Order, order
from pages.reading import Reading
from pages.widgets.forming import forming as forming_widget

BUSY = "Many visitors are having pictures made just now; please try again in a minute."
GALLERY = 0
PICTURES = "looks_pictures"
"""The key of the component: one, so that the picture made stands where the gallery's stood."""


def under_way() -> Forming | None:
    """What is being made; what has ended is taken over first."""
    mine().collect()
    return mine().forming


def offer(reading: Reading, what: Chosen | None) -> None:
    """The choices and the button.

    Args:
        reading: The picture and the model.
        what: The channel or class that the page shows, if any.
    """
    own = mine()
    if own.told:
        st.warning(media.plain(own.told), icon=":material/info:")
    wished = form.wish(reading, what)
    button = st.container()
    changes = form.advanced(reading, wished)
    asked: Order | None = None
    if wished.formula or wished.kind != form.FORMULA:
        try:
            asked = order(reading, wished, changes)
        except VisualizationError as error:
            button.error(f"This can't be made: {media.plain(str(error))}.", icon=":material/error:")
    button.button(
        "Make it", icon=":material/brush:", key="looks_make", disabled=asked is None,
        on_click=partial(begin, reading, asked),
    )  # fmt: skip
    if state.flag("make"):
        state.choose(make=None)
        if asked is not None and not own.at(asked.model_key, asked.at):
            begin(reading, asked)
            st.rerun()


def begin(reading: Reading, asked: Order | None) -> None:
    """Put a run into the queue; a second click on the button changes nothing."""
    own = mine()
    if asked is None or own.forming is not None:
        return
    level = frame.level(reading, asked.run.objectives[0], asked.signs[0])
    made = Forming(replace(asked, level=level))
    if made.begin(reading.loaded.module):
        own.forming, own.told = made, ""
    else:
        own.told = BUSY


@st.fragment(run_every=EVERY)
def watch(*, here: bool = True) -> None:
    """Progress, a way out, and the picture so far; the page runs again when it is over.

    Args:
        here: Whether the picture belongs where this stands; elsewhere only the progress is shown.
    """
    forming = mine().forming
    if forming is None or forming.job.done or forming.job.cancelled():
        st.rerun()
    forming.job.look()
    st.progress(forming.job.progress, text=progress_words(forming))
    st.button(
        "Stop, and keep what there is", on_click=forming.job.cancel, key="looks_stop", icon=":material/stop:"
    )
    if here:
        draw(forming, lossless=False)


def progress_words(forming: Forming) -> str:
    """How far the run is."""
    place = VISUALIZING.place(forming.job)
    title = media.plain(forming.order.title)
    if place:
        return f"Waiting for a free processor: number {place} in line"
    if forming.snapshot is None:
        return f"{title}: starting …"
    left = forming.seconds_left
    about = "" if left is None else f", about {_duration(left)} left"
    return f"{title}: step {forming.snapshot.step} of {forming.order.run.recipe.steps}{about}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def draw(run: Forming | Made, lossless: bool) -> None:
    """The pictures and the curve; one component while they form and after."""
    if run.snapshot is None:
        return
    figures = drawing.figures(run.order, run.snapshot, lossless)
    chart = drawing.chart(run.order, run.snapshot)
    forming_widget(PICTURES, figures, chart, label=f"Made: {run.order.title}")


def pick(reading: Reading, what: Chosen | None, in_gallery: bool) -> Made | None:
    """Which of the results at this place is shown; None for the gallery's picture, or where there is none."""
    own = mine()
    results = own.at(reading.loaded.key, what)
    titles = {GALLERY: "The gallery's"} if in_gallery else {}
    titles |= {each.number: each.title for each in results}
    if not titles:
        return None
    picked = own.picked.get(what, GALLERY)
    number = picked if picked in titles else list(titles)[-1]
    if len(titles) > 1:
        st.selectbox(
            "Which picture", list(titles), format_func=lambda each: titles.get(each, ""),
            **state.follow("looks_result", number, partial(own.pick, what)),
        )  # fmt: skip
    return next((each for each in results if each.number == number), None)


def show_made(reading: Reading, made: Made) -> None:
    """A result, and how to take it along."""
    run = made.order.run
    stopped = "" if run.stopped is None else f" Stopped after {run.stopped} of {run.recipe.steps} steps."
    st.markdown(f"{media.plain(made.order.title)}: **made by optimisation**, here.{stopped}")
    draw(made, lossless=True)
    taking.offer(reading, made)


def show_list(reading: Reading) -> None:
    """Everything made of this model in this session, to go back to."""
    results = mine().of(reading.loaded.key)
    if not results:
        return
    with st.popover(f"Made in this session: {len(results)}", icon=":material/history:"):
        for each in reversed(results):
            st.button(
                each.title, key=f"looks_back_{each.number}", on_click=go_back, args=(each,), width="stretch"
            )


def go_back(made: Made) -> None:
    """Show a result where it was made."""
    at = made.order.at
    mine().pick(at, made.number)
    if at is None:
        chosen.choose_nothing()
    elif at.layer is None:
        chosen.choose_class(at.index)
    else:
        chosen.choose(at.layer, at.index)
