"""What a visitor asks to be made: from the choices on the page to a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.activations import CaptureError
from explorer.visualization import (
    Channel,
    Diversity,
    Dream,
    Logit,
    Objective,
    Recipe,
    Unit,
    VisualizationError,
)
from explorer.visualization.defaults import default_recipe, starting_picture
from explorer.visualization.notation import parse_objective
from explorer.visualization.objectives import OUTPUT
from explorer.visualization.runs import Run
from pages.looks import settings
from pages.looks.chosen import Chosen
from pages.reading import Reading

CHANNEL, UNIT, DREAM, CLASS, FORMULA = "channel", "unit", "dream", "class", "formula"
HIGHEST, LOWEST, BOTH = "highest", "lowest", "both"
SIGNS = {HIGHEST: (1,), LOWEST: (-1,), BOTH: (1, -1)}
MOST_VARIANTS = 4
MOST_PIXELS = 1 << 19
"""Of all pictures of a run together: what a network keeps of them for its gradients grows with them."""
THREADS = 1
"""Of a run: as many runs as there are processors may be under way, and a page must find one free."""
DREAM_SIDE, DREAM_STEPS, DREAM_RATE = 192, 64, 0.03
"""A dream keeps the picture that it starts from in sight."""


@dataclass(frozen=True)
class Wish:
    """What is asked for, apart from the recipe.

    Attributes:
        kind: `CHANNEL`, `UNIT`, `DREAM`, `CLASS` or `FORMULA`.
        what: The channel or class that the page shows, if any.
        place: Row and column for `UNIT`; None for the middle.
        formula: For `FORMULA`, in the notation of `explorer.visualization.notation`.
        sign: `HIGHEST`, `LOWEST` or `BOTH`.
        variants: How many pictures, with seeds one after the other.
        first_seed: Of them.
        diversity: Weight of the term that keeps variants apart; 0 for none.
        from_picture: Whether to start from the current picture rather than from noise.
    """

    kind: str
    what: Chosen | None = None
    place: tuple[int, int] | None = None
    formula: str = ""
    sign: str = HIGHEST
    variants: int = 1
    first_seed: int = 0
    diversity: float = 0.0
    from_picture: bool = False

    def objective(self, labels: tuple[str, ...]) -> Objective:
        """What is raised.

        Args:
            labels: The model's names of its classes.

        Raises:
            VisualizationError: If the formula means nothing.
        """
        if self.kind == FORMULA or self.what is None:
            return parse_objective(self.formula, labels)
        if self.what.layer is None:
            return Logit(self.what.index)
        if self.kind == DREAM:
            return Dream(self.what.layer)
        if self.kind == UNIT:
            return Unit(self.what.layer, self.what.index, *(self.place or (None, None)))
        return Channel(self.what.layer, self.what.index)

    def title(self, labels: tuple[str, ...]) -> str:
        """What to call the pictures."""
        if self.kind == FORMULA or self.what is None:
            return " ".join(self.formula.split())
        if self.kind == DREAM:
            return f"Everything in {self.what.layer}"
        place = "the middle" if self.place is None else f"row {self.place[0]}, column {self.place[1]}"
        return self.what.title(labels) + (f" at {place}" if self.kind == UNIT else "")


@dataclass(frozen=True, eq=False)
class Order:
    """What is being made, or was made.

    Attributes:
        model_key: The digest that tells the model from all others.
        title: What to call the pictures.
        at: The channel or class beside which it was asked for; None where there was none.
        plain: Whether it is of that channel or class itself, rather than of a dream or a combination.
        signs: Of the run's objectives: 1 for the highest answer, -1 for the lowest.
        run: What is made, and how.
        level: What the strongest natural picture reaches; None where nothing can be compared.
    """

    model_key: str
    title: str
    at: Chosen | None
    plain: bool
    signs: tuple[int, ...]
    run: Run
    level: float | None = None

    def belongs(self, model_key: str, place: Chosen | None) -> bool:
        """Whether it was asked for beside this channel or class of this model."""
        return (self.model_key, self.at) == (model_key, place)


def usual_recipe(reading: Reading, wish: Wish) -> Recipe:
    """The recipe that nobody has changed.

    Raises:
        VisualizationError: If the formula means nothing, or the model has no such layer.
    """
    prepared, size = reading.spec.preprocessing, reading.spec.input_size
    try:
        objective = wish.objective(reading.spec.labels)
        recipe = default_recipe(objective, reading.table, size, prepared.mean, prepared.std)
    except CaptureError as error:
        raise VisualizationError(str(error)) from error
    if wish.from_picture:
        side = min(DREAM_SIDE, *size)
        return replace(recipe, size=(side, side), steps=DREAM_STEPS, learning_rate=DREAM_RATE, margin=0)
    return recipe


def order(reading: Reading, wish: Wish, changes: Mapping[str, Any]) -> Order:
    """All that is needed to make what is wished for.

    Args:
        reading: The picture and the model.
        wish: What.
        changes: What differs from the usual recipe, see `settings.changed`.

    Raises:
        VisualizationError: If that can't be made; the message says why.
    """
    loaded = reading.loaded
    objective = wish.objective(loaded.labels)
    recipe = settings.changed(usual_recipe(reading, wish), changes)
    signs = SIGNS[wish.sign]
    seeds = tuple(range(wish.first_seed, wish.first_seed + wish.variants))
    objectives = tuple(_apart(objective * sign, wish, reading) for sign in signs)
    _check_size(recipe, len(signs) * len(seeds))
    start = _start(reading, recipe) if wish.from_picture else None
    device = next((str(each.device) for each in loaded.module.parameters()), "cpu")
    run = Run(objectives, recipe, seeds, start, loaded.spec.name, loaded.digest, device, THREADS)
    plain = wish.kind in (CHANNEL, CLASS)
    return Order(loaded.key, wish.title(loaded.labels), wish.what, plain, signs, run)


def _apart(objective: Objective, wish: Wish, reading: Reading) -> Objective:
    """With a term that keeps variants apart, in the deepest layer with maps that the objective reads."""
    if not wish.diversity or wish.variants == 1:
        return objective
    maps = [layer.name for layer in reading.layers]
    deepest = next(
        (name for name in reversed(maps) if name in objective.layers), maps[-1] if maps else OUTPUT
    )
    return objective + wish.diversity * Diversity(deepest)


def _check_size(recipe: Recipe, pictures: int) -> None:
    height, width = recipe.canvas
    if pictures * height * width > MOST_PIXELS:
        most = int((MOST_PIXELS / pictures) ** 0.5) - 2 * recipe.margin
        raise VisualizationError(
            f"{pictures} picture{'s' if pictures > 1 else ''} of {recipe.size[0]} × {recipe.size[1]} pixels "
            f"take more memory than one visitor may use here: up to {most} × {most} are possible"
        )


def _start(reading: Reading, recipe: Recipe) -> NDArray[np.uint8]:
    """The part of the current picture that the network sees."""
    top, left, bottom, right = (round(edge) for edge in reading.seen)
    seen = reading.current.picture.rgb[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    return starting_picture(seen, recipe.canvas)
