"""Lucent and Horama as they come: what they make, and what they show a network.

Everything is left at their own defaults but what any user sets: the model's own normalisation, and the number
of steps. How each shows its picture to the network decides how it is judged, so that stands here, too.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import models

Rgb = NDArray[np.uint8]

NEEDED = {"torch-lucent": "0.1.8", "horama": "0.3.0"}
HOW_TO_GET = (
    "The peers of this benchmark are missing or of other versions ({problems}). Get them into a folder of "
    "their own with `pip install --no-deps --target build/peers -r requirements-bench.txt` and begin again "
    "with `PYTHONPATH=build/peers`."
)
LUCENT_SIDE, LUCENT_FRAME, LUCENT_SEEN = 128, 12, 224
"""`lucent.optvis.param.image(128)`; the grey frame of its standard transforms; what it enlarges that to."""
HORAMA_CROPS, HORAMA_SHARE, HORAMA_SEEN = 6, 0.275, 224
"""Pieces that Horama shows in a step, the mean share of the picture's side that they have, their size."""


class PeersError(RuntimeError):
    """The peers can't be used; the message says how to get them."""


def check() -> dict[str, str]:
    """The versions of the peers, by name.

    Raises:
        PeersError: If one is missing or another version than was measured.
    """
    found = {name: _version(name) for name in NEEDED}
    problems = [
        f"{name} {found[name]}, not {needed}" for name, needed in NEEDED.items() if found[name] != needed
    ]
    if problems:
        raise PeersError(HOW_TO_GET.format(problems="; ".join(problems)))
    models.import_torchvision()
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def lucent_loop(
    module: nn.Module, layer: str, index: int, steps: int, *, batch: int = 1, seen: int | None = None
) -> Any:
    """`lucent.optvis.render.render_vis` on a channel; returns its picture, float32 (batch, H, W, 3).

    Args:
        module: The model, scaled to -1..1 at its input as the bundled one is.
        layer: The layer's name; "" for the classes.
        index: The channel or class.
        steps: Of the optimisation.
        batch: Pictures at once.
        seen: Side of what the network sees; None for Lucent's own 224.
    """
    render, objectives, transform, param = (
        import_module(f"lucent.optvis.{name}") for name in ("render", "objectives", "transform", "param")
    )
    (picture,) = render.render_vis(
        module,
        objectives.channel(layer.replace(".", "_") or "labels", index),
        param_f=lambda: param.image(LUCENT_SIDE, batch=batch),
        thresholds=(steps,),
        transforms=[*transform.standard_transforms, lambda x: (x - 0.5) / 0.5],
        preprocess=False,  # which would be ImageNet's mean and deviation
        progress=False,
        show_image=False,
        fixed_image_size=seen,
    )
    return picture


def lucent(module: nn.Module, layer: str, index: int, evaluations: int, seed: int) -> Rgb:
    """A picture of Lucent's: Fourier, 128 pixels, Adam 0.05, its standard transforms; uint8 (128, 128, 3)."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # where Lucent draws its transforms from
    picture = lucent_loop(module, layer, index, evaluations)[0]
    rounded: Rgb = np.round(picture * 255).astype(np.uint8)
    return rounded


def lucent_shown(picture: Rgb) -> Rgb:
    """As its network sees it on average: 128 pixels and a frame of 12 on each side are enlarged to 224."""
    side = round(LUCENT_SEEN * LUCENT_SIDE / (LUCENT_SIDE + 2 * LUCENT_FRAME))
    return _resized(picture, side)


def horama(module: nn.Module, layer: str, index: int, evaluations: int, seed: int) -> Rgb:
    """A picture of Horama's `fourier`: 1280 pixels, NAdam 1.0, six pieces a step; uint8 (1280, 1280, 3).

    Its `maco` fetches a spectrum from the internet, so it can't be part of a benchmark that runs offline.
    """
    package = import_module("horama")
    _prepare_horama()
    target = dict(module.named_modules())[layer]
    kept: list[Tensor] = []

    def score(x: Tensor) -> Tensor:
        module(x)
        return kept.pop()[:, index].mean()

    handle = target.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    torch.manual_seed(seed)
    try:
        steps = max(round(evaluations / HORAMA_CROPS), 1)
        picture, _ = package.fourier(score, total_steps=steps, values_range=(-1.0, 1.0), device="cpu")
    finally:
        handle.remove()
    levels: Rgb = ((picture.detach() + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return levels


def horama_shown(picture: Rgb) -> Rgb:
    """As its network sees it on average: a piece of the middle, 0.275 of the side, at 224 pixels."""
    side = round(picture.shape[0] * HORAMA_SHARE)
    start = (picture.shape[0] - side) // 2
    return _resized(picture[start : start + side, start : start + side], HORAMA_SEEN)


def _prepare_horama() -> None:
    """No progress bars; and pieces cut out also where torchvision's compiled `roi_align` isn't there."""
    import_module("horama.fourier_fv").tqdm = iter
    if not hasattr(torch.ops.torchvision, "roi_align"):
        import_module("horama.common").roi_align = roi_align


def roi_align(picture: Tensor, boxes: Tensor, output_size: tuple[int, int]) -> Tensor:
    """Pieces of a picture, each resampled at the middles of its bins, as `torchvision.ops.roi_align` does.

    That is what it computes for pieces with less pixels than bins, zero outside the picture, `aligned=False`.

    Args:
        picture: (1, C, H, W).
        boxes: (N, 5): 0, then left, top, right, bottom in pixels.
        output_size: (height, width).
    """
    height, width = picture.shape[-2:]
    x = _middles(boxes[:, 1], boxes[:, 3], output_size[1]) / width  # (N, columns)
    y = _middles(boxes[:, 2], boxes[:, 4], output_size[0]) / height  # (N, rows)
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1) * 2 - 1
    many = picture.expand(len(boxes), -1, -1, -1)
    return F.grid_sample(many, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _middles(low: Tensor, high: Tensor, count: int) -> Tensor:
    """Where bins are sampled, counted so that the first pixel's middle is at 0.5."""
    return low[:, None] + (torch.arange(count) + 0.5) / count * (high - low)[:, None] + 0.5


def _resized(picture: Rgb, side: int) -> Rgb:
    return np.array(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC), dtype=np.uint8)
