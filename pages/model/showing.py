"""Whether a model can be shown, and what is shown where it can't."""

from __future__ import annotations

import logging

import models
from models.registry import DEFAULT
from pages import cache, state

logger = logging.getLogger(__name__)


def settle() -> models.LoadedModel:
    """The model at work, ready to use; where it can't be, the one before it, and the reason is told.

    Raises:
        ModelError: If not even the bundled one can be.
    """
    candidates = dict.fromkeys((state.model(), state.shown_model(), models.default_name(), DEFAULT))
    problem: models.ModelError | None = None
    for name in filter(None, candidates):
        try:
            loaded = usable(name)
        except models.ModelError as error:
            problem = problem or error
            continue
        if problem is not None:
            state.tell(f"{problem} {loaded.spec.title} is shown instead.")
        state.show_model(name)
        return loaded
    raise problem or models.ModelError("There is no model.")


def usable(name: str) -> models.LoadedModel:
    """A model that every page can show something of.

    Raises:
        ModelError: If it can't be loaded, takes no picture or has no feature maps.
    """
    loaded = cache.model(name)
    shape = " × ".join(map(str, loaded.spec.input_shape))
    try:
        stages = cache.stages(loaded.key, loaded)
    except models.NoMemoryError:
        raise
    except Exception as error:  # somebody else's network can raise anything
        logger.info("no layer table of %s", name, exc_info=error)
        why = next(iter(str(error).splitlines()), "")[:300]
        raise models.ModelError(
            f"{loaded.spec.title} can't be shown: a picture of {shape} does not pass through it "
            f"({type(error).__name__}: {why}). The size and the channels of its input can be given with it; "
            "a network for something else than pictures can be explored from Python."
        ) from error
    if not stages:
        raise models.ModelError(
            f"{loaded.spec.title} can't be shown: no layer has feature maps, which is what is shown here."
        )
    return loaded
