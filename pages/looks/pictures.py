"""Pictures of what channels look for: those of the gallery, and those that this visitor has made."""

from __future__ import annotations

from pages import galleries, media
from pages.looks import made
from pages.reading import Reading
from pages.widgets import Piece


def piece(reading: Reading, layer: str, channel: int) -> Piece | None:
    """The picture of a channel; None where there is none.

    Args:
        reading: The picture and the model.
        layer: The layer's name.
        channel: The channel.
    """
    return galleries.piece(galleries.of(reading.loaded), layer, channel) or own_piece(reading, layer, channel)


def pieces(reading: Reading, layer: str) -> dict[int, Piece]:
    """The pictures of a layer's channels, by channel."""
    found = galleries.pieces(galleries.of(reading.loaded), layer)
    for each in made.mine().of(reading.loaded.key):
        what = each.order.at
        if what is not None and what.layer == layer and what.index not in found:
            own = own_piece(reading, layer, what.index)
            found |= {} if own is None else {what.index: own}
    return found


def silent(reading: Reading, layer: str, channel: int) -> bool:
    """Whether the gallery's picture of a channel does not make it answer at all."""
    found = galleries.of(reading.loaded).find(layer, channel)
    return found is not None and found[1].highest <= 0


def own_piece(reading: Reading, layer: str | None, index: int) -> Piece | None:
    """The latest picture of a channel, or with None of a class, that this visitor has made."""
    picture = made.picture(reading.loaded.key, layer, index)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    return Piece(media.data_url(media.webp(picture), "webp"), (1, 1), (height, width), 0)
