"""What the picture and the model at work are compared with: another model, or another picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import explorer
import models
from pages import state
from pages.model.showing import usable
from pages.reading import Reading, read_of

MODEL, PICTURE, SAME = "against", "against_picture", "same"
OWN = "own"
_BESIDES = "picture_besides"


@dataclass(frozen=True, eq=False)
class Second:
    """What stands on the right.

    Attributes:
        reading: The other model's reading of the picture, or the model's of the other picture.
        other_model: Whether it is the model that differs, not the picture.
        title: What it is called on the page.
        first: What stands on the left is called.
    """

    reading: Reading
    other_model: bool
    title: str
    first: str

    def opening(self) -> Mapping[str, str | None]:
        """Make what stands on the right the current one; the choices for that, sides exchanged."""
        if self.other_model:
            name, before = self.reading.spec.name, state.model()
            return {"model": None if name == models.default_name() else name, MODEL: before}
        before_picture = state.current()
        if self.reading.current.sample is None:
            state.show_own(self.reading.current)
        if before_picture.sample is None:
            besides()[OWN] = before_picture
        return {"picture": self.reading.current.sample, PICTURE: before_picture.sample or OWN}


class NothingToCompareError(ValueError):
    """The comparison that a link asks for can't be made; the message says why."""


def chosen() -> bool:
    """Whether a comparison is asked for."""
    return state.text(MODEL) is not None or state.text(PICTURE) is not None


def second(first: Reading) -> Second | None:
    """What to compare with; None where nothing is asked for.

    Raises:
        NothingToCompareError: If what the link names is not to be had, or is what stands on the left already.
    """
    name, picture = state.text(MODEL), state.text(PICTURE)
    if name is not None:  # one thing at a time: of two differences nobody knows which one did it
        return _with_model(first, name)
    return None if picture is None else _with_picture(first, picture)


def choose(model: str | None = None, picture: str | None = None) -> None:
    """Compare with a model, or with a picture; with neither the comparison ends."""
    state.choose(**{MODEL: model, PICTURE: picture, SAME: None})


def besides() -> dict[str, state.Current]:
    """The pictures beside the current one: the visitor's own under `OWN`, and the sample read last."""
    return state.kept(_BESIDES, dict[str, state.Current])


def own() -> state.Current | None:
    """The visitor's picture to compare with: one given for that, or the own one while a sample is shown."""
    given = besides().get(OWN)
    return given or (state.own() if state.current().sample is not None else None)


def take_own(data: bytes, title: str) -> None:
    """Compare with a picture that the visitor gave; what can't be read is told and changes nothing."""
    if (picture := state.from_file(data, title)) is not None:
        besides()[OWN] = picture
        choose(picture=OWN)


def _with_model(first: Reading, name: str) -> Second:
    try:
        spec, key = state.spec(name[: state.LONGEST_NAME])
        if not spec.available_offline:
            raise NothingToCompareError(
                f"{spec.title} is not on this computer. Change model downloads it; then it can be compared."
            )
        usable(spec.name)
    except models.ModelError as error:
        raise NothingToCompareError(str(error)) from error
    if spec.name == first.spec.name:
        raise NothingToCompareError(f"{spec.title} is the model that you are looking at already.")
    return Second(read_of(first.current, spec, key), True, spec.title, first.spec.title)


def _with_picture(first: Reading, name: str) -> Second:
    if name == OWN:
        picture = own()
        if picture is None:
            raise NothingToCompareError(
                "A picture of one's own does not travel in a link; give it here to compare it."
            )
    elif name in explorer.SAMPLES:
        kept = besides()
        picture = kept.get(name) or state.from_sample(name)
        besides().update({name: picture})
        for other in kept.keys() - {OWN, name}:
            del kept[other]
    else:
        known = ", ".join(explorer.SAMPLES)
        raise NothingToCompareError(
            f"There is no sample picture {name[: state.LONGEST_TITLE]!r} to compare with. There are: {known}."
        )
    if picture.picture.sha256 == first.current.picture.sha256:
        raise NothingToCompareError(f"{picture.title} is the picture that you are looking at already.")
    reading = read_of(picture, first.spec, first.model_key)
    return Second(reading, False, picture.title, first.current.title)
