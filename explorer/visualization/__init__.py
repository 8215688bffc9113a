"""Feature visualization: pictures of what channels, units, directions and classes look for.

    from explorer.visualization import Channel, Recipe, visualize

    ((result,),) = visualize(model, [Channel("blocks.3.2", 17)], Recipe(steps=128))
    result.picture  # uint8 (128, 128, 3)

What is raised (`objectives`), what is changed (`parametrizations`), what happens to the picture before each
look (`transformations`) and the loop (`optimize`) are separate and go together in any way.
"""

from __future__ import annotations

from explorer.visualization.algebra import Objective
from explorer.visualization.errors import Cancelled, VisualizationError
from explorer.visualization.objectives import (
    Channel,
    Direction,
    Diversity,
    Dream,
    Logit,
    Unit,
)
from explorer.visualization.optimize import Progress, optimize, visualize
from explorer.visualization.parametrizations import Fourier, Maco, Parametrization, Pixels
from explorer.visualization.recipe import Origin, Recipe, Visualization
from explorer.visualization.transformations import Jitter, Pad, Rotate, Scale, Transformation

__all__ = [
    "Cancelled",
    "Channel",
    "Direction",
    "Diversity",
    "Dream",
    "Fourier",
    "Jitter",
    "Logit",
    "Maco",
    "Objective",
    "Origin",
    "Pad",
    "Parametrization",
    "Pixels",
    "Progress",
    "Recipe",
    "Rotate",
    "Scale",
    "Transformation",
    "Unit",
    "Visualization",
    "VisualizationError",
    "optimize",
    "visualize",
]
