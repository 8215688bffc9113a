"""Making pictures on the page: the form, the picture as it forms, and what was made before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from explorer.visualization import VisualizationError
from pages import media, state
from pages.jobs import VISUALIZING
from pages.looks import drawing, form, frame, taking
from pages.looks.chosen import Chosen
from pages.looks.made import Made, mine
from pages.looks.making import EVERY, Forming
from pages.looks.order import Order, order
from pages.reading import Reading
from pages.widgets.forming import forming as forming_widget

BUSY = "Many visitors are having pictures made just now; please try again in a minute."


def show(reading: Reading, what: Chosen | None) -> None:
    """The form, and what is under way or was made with it."""
    collect()
    own = mine()
    with st.container():  # empty while something is under way, so that what follows keeps its place
        if own.forming is None:
            offer(reading, what)
    st.fragment(panel, run_every=EVERY if own.forming else None)(reading, what)


def collect() -> None:
    """Take over a run that has ended, and show it."""
    if (made := mine().collect()) is not None:
        state.choose(shown=None)
        state.kept("looks_picked", dict[str, int])["number"] = made.number


def offer(reading: Reading, what: Chosen | None) -> None:
    """The choices and the button."""
    own = mine()
    wished = form.wish(reading, what)
    changes = form.advanced(reading, wished)
    asked: Order | None = None
    if wished.formula or wished.kind != form.FORMULA:
        try:
            asked = order(reading, wished, changes)
        except VisualizationError as error:
            st.error(f"This can't be made: {media.plain(str(error))}.", icon=":material/error:")
    st.button(
        "Make it", type="primary", icon=":material/brush:", key="looks_make", disabled=asked is None,
        on_click=partial(begin, reading, asked),
    )  # fmt: skip
    if own.told:
        st.warning(media.plain(own.told), icon=":material/info:")
    if state.flag("make"):
        state.choose(make=None)
        if asked is not None and own.forming is None and not own.of(asked.model_key, asked.what):
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


def panel(reading: Reading, what: Chosen | None) -> None:
    """What is under way, or the result that is looked at."""
    own = mine()
    if own.forming is not None:
        watch(own.forming)
        return
    results = own.of(reading.loaded.key, None)
    if results:
        show_made(reading, pick(results, what))


def watch(under_way: Forming) -> None:
    """Progress, a way out, and the picture so far; the page runs again when it is over."""
    job = under_way.job
    if job.done or job.cancelled():
        st.rerun()
    job.look()
    st.progress(job.progress, text=progress_words(under_way))
    st.button("Stop, and keep what there is", on_click=job.cancel, key="looks_stop", icon=":material/stop:")
    if under_way.snapshot is not None:
        draw(under_way.order, under_way, lossless=False)


def progress_words(under_way: Forming) -> str:
    """How far the run is."""
    place = VISUALIZING.place(under_way.job)
    title = media.plain(under_way.order.title)
    if place:
        return f"Waiting for a free processor: number {place} in line"
    if under_way.snapshot is None:
        return f"{title}: starting …"
    left = under_way.seconds_left
    about = "" if left is None else f", about {_duration(left)} left"
    return f"{title}: step {under_way.snapshot.step} of {under_way.order.run.recipe.steps}{about}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def draw(asked: Order, run: Forming | Made, lossless: bool) -> None:
    """The pictures and the curve; the same component while they form and after, so that it stays in place."""
    snapshot = run.snapshot
    if snapshot is None:
        return
    figures = drawing.figures(asked, snapshot, lossless)
    forming_widget("looks_forming", figures, drawing.chart(asked, snapshot), label=f"Made: {asked.title}")


def pick(results: list[Made], what: Chosen | None) -> Made:
    """The result to show: the one that was picked or made last, else the last one for this channel."""
    picked = state.kept("looks_picked", dict[str, int])
    fitting = [each for each in results if each.order.what == what] or results
    numbers = [each.number for each in results]
    at = picked.get("number", 0)
    number = at if at in numbers else fitting[-1].number
    if len(results) > 1:
        titles = {each.number: each.title for each in results}
        st.selectbox(
            "Made in this session", numbers[::-1], format_func=lambda each: titles.get(each, ""), width=560,
            **state.follow("looks_result", number, lambda value: picked.update(number=value)),
        )  # fmt: skip
    return next(each for each in results if each.number == number)


def show_made(reading: Reading, made: Made) -> None:
    """A result, and how to take it along."""
    run = made.order.run
    stopped = "" if run.stopped is None else f", stopped after {run.stopped} of {run.recipe.steps} steps"
    st.markdown(f"**{media.plain(made.order.title)}**{stopped}")
    draw(made.order, made, lossless=True)
    taking.offer(reading, made)
