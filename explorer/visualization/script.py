"""A run as a Python script: to be read, changed, and run outside the app."""

from __future__ import annotations

import base64
import io
import textwrap

from PIL import Image

from explorer.visualization.recipe import Recipe
from explorer.visualization.runs import Run, Snapshot
from explorer.visualization.store import pixels_digest

_SCRIPT = '''"""{title}: pictures made by optimisation.

Run it in the explorer's folder, where explorer/ and models/ lie: python {name}
On the machine that made the pictures below it makes the same ones, bit by bit.
"""

{imports}

sys.path.insert(0, os.getcwd())  # the explorer's folder, wherever this file lies

import models
from explorer.visualization import optimize
{names}

OBJECTIVES = [
{objectives}
]
RECIPE = {recipe}
SEEDS = {seeds}
LAST_STEP = {last}  # of {steps}
WEIGHTS = {weights!r}
PIXELS = [
{pixels}
]  # sha256 of what this run made before, objective by objective and seed by seed
{start}

torch.set_num_threads({threads})  # another number of threads rounds in another order
{model}
if model.digest != WEIGHTS:
    print(f"Other weights than those of the pictures below: {{model.digest[:12]}}, not {{WEIGHTS[:12]}}.")
run = optimize(model.module, OBJECTIVES, RECIPE, seeds=SEEDS, device={device!r}, start=START)
for progress in run:
    if progress.step == LAST_STEP:
        break
made = progress.pictures()  # uint8 (objectives, seeds, height, width, 3)
digests = iter(PIXELS)
for number, pictures in enumerate(made):
    for seed, picture in zip(SEEDS, pictures):
        file = f"{stem}-{{number}}-seed{{seed}}.png"
        Image.fromarray(picture).save(file)
        same = hashlib.sha256(picture.tobytes()).hexdigest() == next(digests)
        print(f"{{file}}: {{'the same picture, bit by bit' if same else 'another picture than before'}}")
'''

_START = """START = np.array(Image.open(io.BytesIO(base64.b64decode(
{lines}
))))"""


def script(run: Run, snapshot: Snapshot, *, title: str, stem: str, model: str) -> str:
    """A Python script that makes a run's pictures again and compares them.

    Args:
        run: What was made.
        snapshot: What came out of it.
        title: What it is, in a few words.
        stem: Of the names of the files that it writes: letters, digits, dots and hyphens.
        model: Lines of Python that load the model as `model`; see `load_line`.
    """
    made = [each.picture for row in snapshot.made for each in row]
    given = run.start is not None
    standard = ["import hashlib", "import os", "import sys"]
    standard = ["import base64", *standard[:1], "import io", *standard[1:]] if given else standard
    third = [*(["import numpy as np"] if given else []), "import torch", "from PIL import Image"]
    return _SCRIPT.format(
        title=title.replace("\\", "/").replace('"', "'"),
        name=f"{stem}.py",
        stem=stem,
        imports="\n".join([*standard, "", *third]),
        names=_names(run),
        objectives="\n".join(f"    {objective!r}," for objective in run.objectives),
        recipe=_recipe(run.recipe),
        seeds=run.seeds,
        last=run.last,
        steps=run.recipe.steps,
        weights=run.weights,
        pixels="\n".join(f"    {pixels_digest(picture)!r}," for picture in made),
        start=_start(run),
        threads=run.threads,
        model=model,
        device=run.device,
    )


def load_line(name: str) -> str:
    """The line of a script that loads a model by its name."""
    return f"model = models.load({name!r})"


def _names(run: Run) -> str:
    """The import lines of the classes that the script spells out, module by module."""
    made = (*run.objectives, run.recipe, run.recipe.parametrization, *run.recipe.transformations)
    kinds = {type(each) for each in made}
    kinds |= {type(leaf) for objective in run.objectives for _, leaf in objective.terms()}
    names: dict[str, set[str]] = {}
    for kind in kinds:
        names.setdefault(kind.__module__, set()).add(kind.__name__)
    return "\n".join(f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names))


def _recipe(recipe: Recipe) -> str:
    lines = [f"    {name}={getattr(recipe, name)!r}," for name in recipe.__dataclass_fields__]
    return "\n".join(["Recipe(", *lines, ")"])


def _start(run: Run) -> str:
    if run.start is None:
        return "START = None  # from noise"
    file = io.BytesIO()
    Image.fromarray(run.start).save(file, "PNG")
    lines = textwrap.wrap(base64.b64encode(file.getvalue()).decode(), 100)
    return _START.format(lines="\n".join(f'    "{line}"' for line in lines))
