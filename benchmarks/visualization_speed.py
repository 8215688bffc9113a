"""Optimisation steps per second, ours and Lucent's: the same layer, batch, size and transformations.

Both loops run as they are, one thread, by turns: ours with Fourier, a grey frame, jitter, scale, rotation,
jitter; Lucent's with its standard transforms, which are the same. Lucent is timed twice: on a model whose
weights ask for gradients, as any model does that was just loaded by torchvision or timm, and on one whose
weights are frozen, which its documentation does not ask for.
"""

from __future__ import annotations

import copy
from functools import partial

from torch import nn

from benchmarks import visualization_peers as peers
from benchmarks.timing import interleaved
from explorer.visualization import Channel, Fourier, Jitter, Pad, Recipe, Rotate, Scale, optimize

LAYERS = {"early": "blocks.1", "middle": "blocks.3", "deep": "blocks.6"}
STEPS, BATCH, ROUNDS = 16, 4, 5
SEEN = peers.LUCENT_SIDE + 2 * peers.LUCENT_FRAME
LIMIT = 1.5

_TRANSFORMATIONS = (Pad(peers.LUCENT_FRAME), Jitter(4), Scale(0.9, 1.1), Rotate(10.0), Jitter(2))
_HALF = (0.5, 0.5, 0.5)

Row = dict[str, str | float]


def measure(module: nn.Module) -> list[Row]:
    """A row for each layer: our steps per second, and how many times Lucent's that is.

    Args:
        module: A model that takes pictures scaled to -1..1; torch should use one thread.
    """
    asking = copy.deepcopy(module).requires_grad_(True)
    frozen = copy.deepcopy(module).requires_grad_(False)
    rows = []
    for depth, layer in LAYERS.items():
        contestants = {
            "ours": partial(_ours, module, layer),
            "asking": partial(peers.lucent_loop, asking, layer, 0, STEPS, batch=BATCH, seen=SEEN),
            "frozen": partial(peers.lucent_loop, frozen, layer, 0, STEPS, batch=BATCH, seen=SEEN),
        }
        times = interleaved(contestants, "ours", ROUNDS)
        row: Row = {"layer": f"{layer} ({depth})", "steps_per_second": 1000 * STEPS / times["ours"].median}
        for name in ("asking", "frozen"):
            row |= {name: times[name].ratio}
            row |= dict(zip((f"{name}_low", f"{name}_high"), times[name].ratio_spread, strict=True))
        rows.append(row)
    return rows


def _ours(module: nn.Module, layer: str) -> None:
    side = peers.LUCENT_SIDE
    recipe = Recipe((side, side), STEPS, 0.05, Fourier(), _TRANSFORMATIONS, mean=_HALF, std=_HALF)
    for _ in optimize(module, [Channel(layer, 0)], recipe, seeds=range(BATCH)):
        pass


def table(rows: list[Row]) -> str:
    """Rows of `measure` as a Markdown table; in brackets the quartiles of the rounds."""
    lines = [
        f"| layer | our steps per second, {BATCH} pictures | times Lucent's | with its weights frozen |",
        "|---|--:|--:|--:|",
    ]
    for row in rows:
        ratios = (
            f"{row[name]:.2f} ({row[f'{name}_low']:.2f}–{row[f'{name}_high']:.2f})"
            for name in ("asking", "frozen")
        )
        lines.append(f"| {row['layer']} | {row['steps_per_second']:.1f} | {' | '.join(ratios)} |")
    return "\n".join(lines)
