"""The loop: change pictures step by step so that objectives rise.

    for progress in optimize(model, [Channel("blocks.3.2", 17)], Recipe(), seeds=(0, 1)):
        show(progress.pictures())

Several objectives and seeds are one batch. The model is only read: the loop has a private copy of its
structure, keeps no gradients for its weights, draws from generators of its own, and so neither disturbs nor
notices others who use the same model meanwhile.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer.visualization.algebra import Objective
from explorer.visualization.errors import Cancelled, VisualizationError
from explorer.visualization.objectives import Diversity
from explorer.visualization.probe import Probe
from explorer.visualization.recipe import Origin, Recipe, Visualization, versions
from explorer.visualization.transformations import transform

MAX_BATCH = 256
_WAKING_STEPS = 16
_BETAS, _EPSILON = (0.9, 0.999), 1e-8  # Adam's own


@dataclass(frozen=True, eq=False)
class Progress:
    """Where an optimisation stands.

    Attributes:
        step: Steps done, 0 before the first.
        steps: How many there will be.
        values: float32 (objectives, seeds): what the last step found, on the transformed pictures.
    """

    step: int
    steps: int
    values: NDArray[np.float32]
    _pictures: Callable[[], NDArray[np.uint8]]

    def pictures(self) -> NDArray[np.uint8]:
        """The pictures as they are now, uint8 (objectives, seeds, H, W, 3); made when asked for."""
        return self._pictures()


def optimize(
    module: nn.Module,
    objectives: Sequence[Objective],
    recipe: Recipe,
    *,
    seeds: Sequence[int] = (0,),
    device: torch.device | str = "cpu",
    start: NDArray[np.uint8] | None = None,
) -> Iterator[Progress]:
    """Change pictures so that objectives rise; an iterator over the steps, to be stopped at any of them.

    The same seed gives the same picture, bit by bit, on the same machine with the same number of threads.
    Between two steps nothing of PyTorch's state is changed.

    Args:
        module: The model; it may be in use by others, on another device and in any mode.
        objectives: What to raise, each for all seeds.
        recipe: How.
        seeds: One picture for each, different from each other.
        device: Where to compute.
        start: A picture to start from, uint8 (H, W, 3) of the recipe's canvas; None for noise.

    Yields:
        The progress before the first step and after each.

    Raises:
        VisualizationError: If the objectives don't fit the model, or the values stop being finite.
    """
    return iter(Ascent(module, objectives, recipe, seeds=seeds, device=device, start=start))


def visualize(
    module: nn.Module,
    objectives: Sequence[Objective],
    recipe: Recipe,
    *,
    seeds: Sequence[int] = (0,),
    device: torch.device | str = "cpu",
    start: NDArray[np.uint8] | None = None,
    model: str = "",
    weights: str = "",
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[list[Visualization]]:
    """Make pictures of what objectives look for.

    Args:
        module: The model.
        objectives: What to raise, each for all seeds.
        recipe: How.
        seeds: One picture for each.
        device: Where to compute.
        start: A picture to start from, uint8 (H, W, 3) of the recipe's canvas; None for noise.
        model: The model's name, for the record.
        weights: sha256 of its weights, for the record.
        progress: Is told after each step.
        cancelled: Is asked after each step whether to stop.

    Returns:
        For each objective one visualization per seed.

    Raises:
        VisualizationError: As in `optimize`.
        Cancelled: If `cancelled` said so.
    """
    ascent = Ascent(module, objectives, recipe, seeds=seeds, device=device, start=start)
    curve = []
    for state in ascent:
        if progress:
            progress(state)
        if state.step:
            curve.append(state.values)
        if cancelled and cancelled():
            raise Cancelled(f"stopped after {state.step} of {state.steps} steps")
    return ascent.results(np.stack(curve), model, weights)


class Ascent:
    """One optimisation, ready to run; each `iter` begins it anew."""

    def __init__(
        self,
        module: nn.Module,
        objectives: Sequence[Objective],
        recipe: Recipe,
        *,
        seeds: Sequence[int],
        device: torch.device | str,
        start: NDArray[np.uint8] | None,
    ) -> None:
        _check(objectives, seeds)
        self._objectives, self._recipe, self._seeds = tuple(objectives), recipe, tuple(map(int, seeds))
        self._device = torch.device(device)
        self._start = _as_start(start, recipe.canvas)
        self._start_digest = start_digest(start)
        layers = frozenset().union(*(objective.layers for objective in objectives))
        with torch.inference_mode(False), torch.no_grad():
            example = self._seen(torch.full((1, 3, *recipe.canvas), 0.5), _generators((0,)))
            self._probe = Probe(module, layers, self._recipe.normalised(example), self._device)
        for objective in objectives:
            objective.check(self._probe.shapes, len(self._seeds))
        self._parameters = torch.empty(0)

    def __iter__(self) -> Iterator[Progress]:
        generators = _generators(self._seeds)
        self._parameters = self._first(generators)
        adam = _Adam(self._parameters, self._recipe)
        values = np.full((len(self._objectives), len(self._seeds)), np.nan, dtype=np.float32)
        yield self._progress(0, values)
        for step in range(1, self._recipe.steps + 1):
            found, gradient = self._gradient(generators, step <= _WAKING_STEPS)
            values = found.cpu().numpy()
            if not np.isfinite(values).all():
                raise VisualizationError(
                    f"the values stopped being finite at step {step} of {self._recipe.steps}: "
                    "a smaller learning rate may help"
                )
            adam.climb(gradient)
            yield self._progress(step, values)

    def results(self, curve: NDArray[np.float32], model: str, weights: str) -> list[list[Visualization]]:
        """What has come out, after a whole iteration.

        Args:
            curve: The values of all steps, (steps, objectives, seeds).
            model: The model's name.
            weights: sha256 of its weights.
        """
        pictures = self.pictures()
        values = self._values_of(pictures)
        made: list[list[Visualization]] = []
        for k, objective in enumerate(self._objectives):
            made.append([])
            for s, seed in enumerate(self._seeds):
                origin = origin_of(
                    objective, self._recipe, seed, self._seeds, model, weights, self._start_digest
                )
                picture = pictures[k, s]
                picture.flags.writeable = False
                made[k].append(Visualization(picture, origin, float(values[k, s]), curve[:, k, s]))
        return made

    def pictures(self) -> NDArray[np.uint8]:
        """The pictures as they are now, uint8 (objectives, seeds, H, W, 3)."""
        with torch.inference_mode(False), torch.no_grad():
            pictures = self._pictures(self._parameters)
            levels = pictures.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1)
        height, width = self._recipe.size
        margin = self._recipe.margin
        levels = levels[:, margin : margin + height, margin : margin + width]
        return levels.cpu().numpy().reshape(len(self._objectives), len(self._seeds), height, width, 3)

    def _progress(self, step: int, values: NDArray[np.float32]) -> Progress:
        return Progress(step, self._recipe.steps, values, self.pictures)

    def _first(self, generators: Sequence[torch.Generator]) -> Tensor:
        """What is changed, (objectives * seeds, ...): every objective begins with the same noise."""
        height, width = self._recipe.canvas
        make = self._recipe.parametrization
        with torch.inference_mode(False), torch.no_grad():
            drawn = [make.start(height, width, generator) for generator in generators]
            if self._start is not None:
                drawn = [make.encode(self._start)] * len(generators)
            return torch.stack(drawn * len(self._objectives)).to(self._device)

    def _gradient(self, generators: Sequence[torch.Generator], waking: bool) -> tuple[Tensor, Tensor]:
        """The values (objectives, seeds) and the direction in which their sum rises."""
        with torch.inference_mode(False), torch.enable_grad():
            parameters = self._parameters.detach().requires_grad_()
            seen = self._seen(self._pictures(parameters), tuple(generators) * len(self._objectives))
            x = self._recipe.normalised(seen)
            values = self._values(x)
            # Not `backward`: that would leave gradients on the weights, which others share.
            (gradient,) = torch.autograd.grad(values.sum(), parameters, retain_graph=waking)
            if waking:
                gradient = self._woken(x, parameters, gradient)
        return values.detach(), gradient

    def _woken(self, x: Tensor, parameters: Tensor, gradient: Tensor) -> Tensor:
        """Where silence on the way lets no gradient through to a picture, one that goes past it."""
        still = (gradient == 0).flatten(1).all(1)
        if not still.any():
            return gradient
        self._probe.waking = True
        (past,) = torch.autograd.grad(self._values(x).sum(), parameters)
        self._probe.waking = False
        # Only there: to all others it would be a worse direction than their own.
        return past.where(still.view(-1, *[1] * (gradient.dim() - 1)), gradient)

    def _pictures(self, parameters: Tensor) -> Tensor:
        pictures = self._recipe.parametrization.pictures(parameters, self._recipe.canvas[1])
        return pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1) if self._recipe.grey else pictures

    def _seen(self, pictures: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        return transform(pictures, self._recipe.transformations, generators)

    def _values(self, x: Tensor) -> Tensor:
        """The objectives' values (objectives, seeds) on a batch of all pictures as the model takes them."""
        outputs = self._probe(x)
        groups = {name: torch.split(tensor, len(self._seeds)) for name, tensor in outputs.items()}
        return torch.stack(
            [
                objective({name: groups[name][k] for name in objective.layers})
                for k, objective in enumerate(self._objectives)
            ]
        )

    def _values_of(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode(False), torch.no_grad():
            flat = torch.from_numpy(pictures.reshape(-1, *pictures.shape[2:])).permute(0, 3, 1, 2)
            x = self._recipe.normalised(flat.to(self._device, torch.float32) / 255)
            return self._values(x).cpu().numpy()


class _Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980) uphill, its step falling to zero along half a cosine."""

    def __init__(self, parameters: Tensor, recipe: Recipe) -> None:
        self._parameters, self._recipe = parameters, recipe
        self._step = 0
        with torch.inference_mode(False):
            self._mean, self._square = torch.zeros_like(parameters), torch.zeros_like(parameters)

    def climb(self, gradient: Tensor) -> None:
        """Change the parameters in place."""
        rate = self._recipe.learning_rate * (1 + math.cos(math.pi * self._step / self._recipe.steps)) / 2
        self._step += 1
        with torch.inference_mode(False), torch.no_grad():
            self._mean.lerp_(gradient, 1 - _BETAS[0])
            self._square.lerp_(gradient.square(), 1 - _BETAS[1])
            mean = self._mean / (1 - _BETAS[0] ** self._step)
            deviation = (self._square / (1 - _BETAS[1] ** self._step)).sqrt_()
            self._parameters.addcdiv_(mean, deviation.add_(_EPSILON), value=rate)


def origin_of(
    objective: Objective,
    recipe: Recipe,
    seed: int,
    seeds: Sequence[int],
    model: str,
    weights: str,
    start: str | None = None,
) -> Origin:
    """Where a picture is from that is about to be made, and with its digest the key to look it up.

    Args:
        objective: What is raised.
        recipe: How.
        seed: The picture's own.
        seeds: All that are made together; they count only where the objective compares them.
        model: The model's name.
        weights: sha256 of its weights.
        start: What `start_digest` says of the picture it starts from.
    """
    together = any(isinstance(leaf, Diversity) for _, leaf in objective.terms())
    own = tuple(seeds) if together else (seed,)
    return Origin(objective, recipe, seed, own, model, weights, start, versions())


def start_digest(start: NDArray[np.uint8] | None) -> str | None:
    """sha256 of a picture's pixels in hexadecimal, None for None."""
    return None if start is None else hashlib.sha256(np.ascontiguousarray(start).tobytes()).hexdigest()


def _check(objectives: Sequence[Objective], seeds: Sequence[int]) -> None:
    if not objectives or not seeds:
        raise VisualizationError("at least one objective and one seed are needed")
    if len(set(seeds)) < len(seeds):
        raise VisualizationError("the seeds must differ: the same seed gives the same picture")
    if not all(0 <= seed < 2**63 for seed in seeds):
        raise VisualizationError(f"a seed is a whole number from 0 to 2^63 - 1, not {min(seeds)}")
    if len(objectives) * len(seeds) > MAX_BATCH:
        raise VisualizationError(
            f"{len(objectives)} objectives with {len(seeds)} seeds make {len(objectives) * len(seeds)} "
            f"pictures, and {MAX_BATCH} are possible at once"
        )


def _generators(seeds: Sequence[int]) -> tuple[torch.Generator, ...]:
    # On the CPU wherever the network runs, so that a seed means the same everywhere.
    return tuple(torch.Generator().manual_seed(seed) for seed in seeds)


def _as_start(start: NDArray[np.uint8] | None, size: tuple[int, int]) -> Tensor | None:
    if start is None:
        return None
    if start.dtype != np.uint8 or start.shape != (*size, 3):
        raise VisualizationError(
            f"the picture to start from must be uint8 {(*size, 3)}, not {start.dtype} {start.shape}"
        )
    return torch.from_numpy(start.copy()).permute(2, 0, 1).float() / 255
