"""Build a network: controls, the diagram that follows them, and the program that makes the same network."""

from __future__ import annotations

import streamlit as st

from explorer.lesson.anatomy import anatomy
from explorer.lesson.code import pytorch_code
from pages import media, state
from pages.lesson.networks import controls, drawing
from pages.lesson.networks.controls import Wish
from pages.widgets import laboratory as code_widget
from pages.widgets import networks as widgets

DIAGRAM = "net_diagram"


@st.fragment
def show() -> None:
    """The builder and the code; a control runs only this again."""
    st.header("Build a network", anchor="build")
    st.markdown(
        "Choose how many blocks follow each other and what each of them does: the drawing follows. Then "
        "**click a box** to see its numbers worked out, and what it makes of the current picture."
    )
    asked = controls.show()
    made = possible(asked)
    diagram(made, stale=made is not asked)
    program(made)


def possible(asked: Wish) -> Wish:
    """What was asked for, or the last possible network with the reason on the page."""
    last: dict[str, Wish] = state.kept("net_last", dict)
    if reasons := asked.reasons:
        # Reasons begin with their block, "block 2: ...".
        told = "; ".join(reason[0].upper() + reason[1:] for reason in reasons)
        st.error(media.plain(f"Not possible. {told}."), icon=":material/block:")
        return last.get("wish", controls.FIRST_WISH)
    last["wish"] = asked
    return asked


def diagram(made: Wish, *, stale: bool) -> None:
    """The network as boxes, with the current picture run through it."""
    parts = anatomy(made.spec)
    drawn = drawing.drawn(made, parts, state.current())
    names = [part.name for part in parts]
    widgets.network(
        DIAGRAM,
        list(zip(parts, drawn, strict=True)),
        selected=state.choice("part", names, default="conv1"),
        label=f"The network's {len(parts)} parts; the arrow keys go from one to the next",
        totals=totals(made),
        note="The last network that was possible:" if stale else "",
        on_pick=take_pick,
    )
    st.markdown(
        ":small[A box is as high and wide as its map has rows and columns, and as deep as it has channels, "
        "both drawn weaker than in proportion. Its front is the map that answers most strongly.]"
    )


def totals(made: Wish) -> str:
    """The whole network in a line."""
    parts = anatomy(made.spec)
    weights, macs = sum(part.parameters for part in parts), sum(part.macs for part in parts)
    dense = parts[-1].parameters
    return (
        f"{weights:,} weights, {100 * dense / weights:.0f} % of them in the dense layer · "
        f"{macs:,} multiplications for one picture"
    )


def take_pick() -> None:
    """A box was chosen."""
    picked = state.sent(DIAGRAM, "pick")
    state.choose(part=picked if isinstance(picked, str) and len(picked) < 12 else None)


def program(made: Wish) -> None:
    """The same network as PyTorch code."""
    weights = sum(part.parameters for part in anatomy(made.spec))
    st.subheader("The same network in PyTorch", anchor="code")
    st.markdown(
        f"Copy it into a file and run it: it prints the **{weights} parameters** of the drawing above. Its "
        "weights are PyTorch's own random ones."
    )
    code_widget.code("net_code", pytorch_code(made.spec), label="The network as PyTorch code")
