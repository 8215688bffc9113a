"""The atlas: the whole gallery, one row for each depth of the network, then the classes."""

from __future__ import annotations

from explorer.visualization.feeding import LinearHead, feeders
from explorer.visualization.manifest import CHANNELS
from explorer.visualization.shelf import Shelved
from pages import galleries, state
from pages.looks import chosen, words
from pages.looks.head import head_of
from pages.reading import Reading
from pages.widgets.atlas import Row, atlas

KEY = "atlas"
BESIDE = 2  # channels beside a class
LONGEST = 40


def show(reading: Reading, shelved: Shelved) -> None:
    """All pictures of the gallery of the model at work.

    Args:
        reading: The picture and the model.
        shelved: The model's gallery.
    """
    feeding = head_of(reading, shelved)
    rows = [*layer_rows(reading, shelved), *class_rows(reading, shelved, feeding)]
    if not rows:
        return
    what = chosen.chosen(reading)
    pictured = set(galleries.pieces(shelved, None))
    labels = reading.loaded.labels
    possible = ["", "classes", *(stage.title for stage in reading.stages), *(row.layer or "" for row in rows)]
    atlas(
        KEY,
        rows,
        stages=[stage.title for stage in reading.stages],
        feeding=None if feeding is None else feeding[0],
        others={index: label for index, label in enumerate(labels) if index not in pictured},
        selected=None if what is None else (what.layer, what.index),
        shown=state.choice("shown", possible, ""),
        find=(state.text("find") or "")[:LONGEST],
        on_pick=take_pick,
        on_view=take_view,
    )


def layer_rows(reading: Reading, shelved: Shelved) -> list[Row]:
    """A row for each layer of the gallery that the model has, in network order."""
    if shelved.gallery is None:
        return []
    stage_of = {name: title for title, names in reading.by_stage().items() for name in names}
    input_size = reading.spec.input_size
    rows = []
    for section in shelved.gallery.sections:
        pieces = galleries.pieces(shelved, section.layer)
        if section.kind != CHANNELS or section.layer not in stage_of or not pieces:
            continue
        layer = reading.table[section.layer]
        rows.append(
            Row(
                section.layer,
                section.layer,
                stage_of[section.layer],
                layer.depth,
                words.facts(layer, len(pieces), input_size),
                words.hint(layer, input_size),
                pieces,
            )
        )
    return rows


def class_rows(reading: Reading, shelved: Shelved, feeding: tuple[str, LinearHead] | None) -> list[Row]:
    """The row of the classes, each with the channels that feed it most, if that can be said."""
    pieces = galleries.pieces(shelved, None)
    if not pieces:
        return []
    labels = dict(enumerate(reading.loaded.labels))
    beside, hint = {}, words.CLASSES
    if feeding is not None:
        layer, head = feeding
        among = list(galleries.pieces(shelved, layer))
        beside = {index: feeders(head, index, among, BESIDE) for index in pieces}
        hint += (
            f" Beside each, of the {len(among)} channels of {layer} shown here, the {BESIDE} with the "
            "largest weights for it."
        )
    facts = f"{len(pieces)} of {chosen.classes(reading)} classes"
    return [Row(None, "Classes", "classes", None, facts, hint, pieces, labels, beside)]


def take_pick() -> None:
    """A picture was chosen, or is to be made."""
    sent = state.sent(KEY, "pick")
    make = bool(sent.get("make")) or None
    if sent["layer"] is None:
        chosen.choose_class(int(sent["index"]), make=make)
    else:
        chosen.choose(str(sent["layer"]), int(sent["index"]), make=make)


def take_view() -> None:
    """A filter has settled."""
    sent = state.sent(KEY, "view")
    state.choose(shown=str(sent["shown"]) or None, find=str(sent["find"])[:LONGEST] or None)
