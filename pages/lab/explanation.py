"""Why the library wins, and where it loses."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.laboratory.reasons import Reason, loses, wins
from explorer.laboratory.speed import Measurement
from pages.lab import stored


def show(measured: Measurement | None) -> None:
    """The reasons, each with what was measured here or stands in the stored benchmark."""
    st.header("Why the library usually wins, and where it loses")
    rows = stored.rows()
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True, height="stretch"):
        st.markdown("### Why it wins\n" + listed(wins(rows, measured)))
    with right, st.container(border=True, height="stretch"):
        st.markdown("### Where it loses\n" + listed(loses(rows, measured)))
        live = "“here” is the measurement above" if measured else "what is measured above joins them"
        st.markdown(
            f":small[Figures of the stored benchmark, on one thread where nothing else is said; {live}.]"
        )


def listed(reasons: Sequence[Reason]) -> str:
    """A list in Markdown."""
    return "\n".join(
        f"- **{reason.title}.** {reason.why}" + (f" *{reason.here}*" if reason.here else "")
        for reason in reasons
    )
