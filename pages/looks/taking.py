"""What a visitor can take along of the pictures made: with all that is needed to make them again."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from functools import partial

import streamlit as st

import models
from explorer.visualization.runs import run_json
from explorer.visualization.script import load_line, script
from explorer.visualization.store import to_png
from models.untrained import without_mark
from pages import state
from pages.looks.made import Made
from pages.reading import Reading

_GIVEN = """from dataclasses import replace
from pathlib import Path

# The weights were a file of a visitor's own: python {stem}.py FILE
own = models.OwnModel.from_json({own!r})
if len(sys.argv) > 1:
    own = replace(own, weights=Path(sys.argv[1]))
model = models.load_own(own)"""


def offer(reading: Reading, made: Made) -> None:
    """Buttons for the pictures, the recipe and the script."""
    run = made.order.run
    several = len(run.objectives) * len(run.seeds) > 1
    name = stem(made)
    lines = load_lines(reading.spec, name)
    with st.container(horizontal=True, key="looks_taking"):
        _button("Pictures (ZIP of PNG)" if several else "Picture (PNG)", partial(pictures, made), name,
                "zip" if several else "png")  # fmt: skip
        _button("Recipe (JSON)", partial(recipe, made), name, "json")
        _button("Script (Python)", partial(python, made, lines), name, "py")
    st.markdown(
        f":small[The picture holds its recipe. `python -m explorer visualize --again {name}.json` makes it "
        "again, and so does the script; on the same machine, bit by bit.]"
    )


def stem(made: Made) -> str:
    """The name of its files, without what follows the last dot."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", made.order.title).strip("-.")[:60].rstrip("-.")
    return plain.lower() or "visualization"


def pictures(made: Made) -> bytes:
    """The PNG file of the only picture, or all of them in a ZIP file."""
    run = made.order.run
    files = [
        (f"{stem(made)}-{number}-seed{each.origin.seed}.png", to_png(each, run))
        for number, row in enumerate(made.snapshot.made)
        for each in row
    ]
    if len(files) == 1:
        return files[0][1]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def recipe(made: Made) -> bytes:
    """The recipe, with the curves and numbers that came of it."""
    return run_json(made.order.run, made.snapshot).encode()


def python(made: Made, lines: str) -> bytes:
    """The script that makes it again; the lines load the model."""
    order = made.order
    text = script(order.run, made.snapshot, title=order.title, stem=stem(made), model=lines)
    return text.encode()


def load_lines(spec: models.ModelSpec, name: str) -> str:
    """The lines of a script that load the model, also one that a visitor gave from a file.

    Args:
        spec: The model.
        name: Of the script, without `.py`.
    """
    plain, seed = without_mark(spec.name)
    own = next((each for each in _arguments(plain) if isinstance(each, models.OwnModel)), None)
    if own is None:
        return load_line(spec.name)
    lines = _GIVEN.format(stem=name, own=replace(own, weights=None).to_json())
    return lines if seed is None else f"{lines}\nmodel = models.untrained_twin(model, {seed})"


def _arguments(name: str) -> tuple[object, ...]:
    """What the builder of a model was given."""
    arguments: tuple[object, ...] = getattr(state.spec(name)[0].builder, "args", ())
    return arguments


def _button(label: str, make: partial[bytes], name: str, kind: str) -> None:
    st.download_button(label, make, f"{name}.{kind}", on_click="ignore", key=f"looks_download_{kind}")
