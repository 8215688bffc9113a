"""Train a small network here, beside its twin with random filters."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
import torch

from explorer.lesson.edges import LEAST_FIT, LEAST_SELECTIVITY
from explorer.lesson.tasks import TASKS
from explorer.lesson.trainer import HELD_OUT, Plan
from explorer.lesson.twins import examples, verdict
from explorer.rendering import Scale, mosaic_png
from pages import cache, media, state
from pages.jobs import TRAINING, Job
from pages.lesson.networks.record import Record, as_data, job
from pages.widgets import networks as widgets

STEPS = {80: "80, a glance", 200: "200", 400: "400, in full"}
START = 200
LARGEST_SEED = 999_999
REPORTS = {80: 8, 200: 10, 400: 20}
"""Steps from one report to the next."""
EVERY = 0.7
KEPT = 6
EXAMPLES = 3
NOISE = 500
PLAIN = {"decay": 0.01, "quiet": 1.0}


@dataclass(eq=False)
class Mine:
    """This session's trainings.

    Attributes:
        records: Those that went to their end, by their plan.
        record: The last one that was begun.
        job: Of the one under way.
        told: What became of the last one, where it did not end well.
    """

    records: dict[Plan, Record]
    record: Record | None = None
    job: Job[bool] | None = None
    told: str = ""

    def of(self, plan: Plan) -> Record | None:
        """The training of a plan, to its end or as far as it came."""
        last = self.record if self.record is not None and self.record.plan == plan else None
        return self.records.get(plan) or last


def mine() -> Mine:
    """What this session has trained."""
    return state.kept("net_trainings", lambda: Mine({}))


def show() -> None:
    """The task, the button, and the training as it goes."""
    st.header("Train one, here", anchor="train")
    st.markdown(
        "Choose a task and press **Train**: a network of two blocks learns it before your eyes, and its "
        "first filters turn from noise into detectors of edges."
    )
    bench()


@st.fragment
def bench() -> None:
    """All below the heading."""
    collect()
    own, plan = mine(), chosen()
    show_task(plan)
    with st.container():  # empty while a training is under way, so that what follows keeps its place
        if own.job is None:
            offer(own, plan)
    # The same place while it runs and after, so that the drawing stays on the page and only follows.
    st.fragment(panel, run_every=EVERY if own.job else None)(plan)
    explain()


def chosen() -> Plan:
    """The controls, and the plan that they ask for."""
    task = state.choice("task", list(TASKS), default="bars")
    steps = state.number("steps", min(STEPS), max(STEPS), START)
    steps = steps if steps in STEPS else START
    seed = state.number("training_seed", 0, LARGEST_SEED, 0)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "Task", list(TASKS), format_func=lambda name: TASKS[name].title, required=True,
            **state.follow("net_task", task, lambda value: state.choose(task=value)),
        )  # fmt: skip
        st.segmented_control(
            "Steps", list(STEPS), format_func=STEPS.__getitem__, required=True,
            **state.follow("net_steps", steps, lambda value: state.choose(steps=value)),
        )  # fmt: skip
        st.number_input(
            "Seed", 0, LARGEST_SEED, width=150,
            **state.follow("net_training_seed", seed, lambda value: state.choose(training_seed=value)),
        )  # fmt: skip
        st.toggle(
            "Leave out our two choices", help="They are explained below.",
            **state.follow(
                "net_plain", state.flag("plain"), lambda value: state.choose(plain=value or None)
            ),
        )  # fmt: skip
    choices = PLAIN if state.flag("plain") else {}
    return Plan(task, seed=seed, steps=steps, every=REPORTS[steps], **choices)


def show_task(plan: Plan) -> None:
    """Some pictures of every class."""
    task = TASKS[plan.task]
    pictures = examples(plan, EXAMPLES)
    with st.container(horizontal=True, gap="small"):
        for name, some in zip(task.classes, pictures, strict=True):
            with st.container(width=155, gap="xsmall"):
                st.image(drawn(some), width=155, alt=f"{EXAMPLES} noisy pictures: {name}")
                st.markdown(media.plain(name))


def drawn(pictures: torch.Tensor) -> bytes:
    """Some pictures of one class side by side, as PNG."""
    return mosaic_png(pictures, scale=Scale(-2.0, 2.0, "diverging"), columns=len(pictures), zoom=2)


def panel(plan: Plan) -> None:
    """Progress and a way out while a training is under way; the drawing of it, or of the last one."""
    own = mine()
    with st.container():
        if own.job is not None:
            watch(own, own.job)
    record = own.record if own.job is not None else own.of(plan)
    if record is None or not record.pairs:
        return
    widgets.training("net_training", as_data(record))
    if own.job is None:
        conclude(record)


def offer(own: Mine, plan: Plan) -> None:
    """The button that starts a training, and what became of the last one."""
    label = "Train again" if plan in own.records else "Train"
    st.button(label, on_click=begin, args=(plan,), icon=":material/play_arrow:", key="net_train")
    if own.told:
        st.markdown(own.told)


def begin(plan: Plan) -> None:
    """Put a training into the queue; a second click on the button changes nothing."""
    own = mine()
    if own.job is not None:
        return
    record = Record(plan)
    made = job(record)
    if TRAINING.start(made):
        own.record, own.job, own.told = record, made, ""
    else:
        own.told = "Many visitors are training just now; please try again in a minute."


def watch(own: Mine, under_way: Job[bool]) -> None:
    """Progress, and a way out; the page runs again when it is over."""
    if under_way.done:
        st.rerun()
    under_way.look()
    st.progress(under_way.progress, text=progress_words(own, under_way))
    st.button("Cancel", on_click=under_way.cancel, disabled=under_way.cancelled(), key="net_cancel")


def progress_words(own: Mine, under_way: Job[bool]) -> str:
    """How far the training under way is."""
    before = TRAINING.before(under_way)
    if under_way.cancelled():
        return "Cancelling …"
    if before and not under_way.running:
        return f"Waiting for {before} other training{'s' if before > 1 else ''}"
    if own.record is None or not own.record.pairs:
        return "Starting …"
    plan = own.record.plan
    return f"{TASKS[plan.task].title}: step {own.record.pairs[-1].step} of {plan.steps}"


def collect() -> None:
    """Take over what a training under way has come to."""
    own = mine()
    if own.job is None or not own.job.done or own.record is None:
        return
    if own.job.result:
        own.records.pop(own.record.plan, None)
        own.records[own.record.plan] = own.record
        while len(own.records) > KEPT:
            own.records.pop(next(iter(own.records)))
    step = own.record.pairs[-1].step if own.record.pairs else 0
    failed = "The training failed; the server's log says why."
    stopped = f"Cancelled after {step} of {own.record.plan.steps} steps."
    own.told = failed if own.job.failed else "" if own.job.result else stopped
    own.job = None


def conclude(record: Record) -> None:
    """What came out, with its uncertainty."""
    task = TASKS[record.plan.task]
    st.markdown(verdict(record.plan, record.pairs[-1], len(task.classes)))
    st.markdown(
        ":small[In brackets: where the share among all possible pictures lies, with 95 % confidence, as far "
        f"as {HELD_OUT} held-out pictures can tell. Neither network was trained on them.]"
    )


def explain() -> None:
    """What to know about this training."""
    usual = Plan()
    st.markdown(
        "**The twin** begins with the same random numbers and sees the same pictures, but its filters stay "
        "as they are: only its dense layer learns. What the trained network does better, it owes to its "
        "filters."
        "\n\n"
        f"**Two choices of ours** make the filters this clear: the first layer begins at {usual.quiet:g} of "
        f"its usual size, and a weight decay of {usual.decay:g} takes away what the task has no use for. "
        "Leave them out with the switch above and compare: the network learns the task all the same, while "
        "noise stays in its filters."
        "\n\n"
        "**Edge detector** means here: one wave under a bell (a Gabor function) explains at least "
        f"{100 * LEAST_FIT:g}\u00a0% of the filter, and the filter clearly prefers one direction "
        f"(selectivity of at least {LEAST_SELECTIVITY:g}). Of {NOISE} filters of pure noise, "
        f"{cache.edges_by_chance(usual.spec.blocks[0].kernel_size, NOISE)} pass."
    )
