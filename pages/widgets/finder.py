"""A list of many names that is searched as one types."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pages.widgets import register

_FINDER = register("finder")


def finder(
    key: str,
    names: Sequence[str],
    *,
    marked: frozenset[str],
    mark: str,
    label: str,
    kind: str,
    selected: str | None,
    on_pick: Callable[[], None],
) -> None:
    """A field to type into and the names that contain every word of it; a choice is the trigger `pick`.

    The names are searched in the browser, so that an answer never waits for the server. Which ones are found,
    and in which order, is as in `models.searching`.

    Args:
        key: Streamlit's key of this instance.
        names: All names, the best first.
        marked: Those that come first before anything is typed, and bear a mark.
        mark: What the mark says, such as "on this computer".
        label: What the field asks for.
        kind: What one of the names is, in the plural, such as "models".
        selected: The name that is chosen, or None.
        on_pick: Called before the page runs again.
    """
    rows = [[name, int(name in marked)] for name in names]
    data = {"rows": rows, "mark": mark, "label": label, "kind": kind, "selected": selected}
    _FINDER(key=key, data=data, on_pick_change=on_pick)
