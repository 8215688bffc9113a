"""Fit the prices of the cost model to this machine: `python -m explorer.convolution.calibration`.

Random convolutions are timed by every algorithm that fits them, and for each kind of algorithm the prices
are sought that predict the logarithms of its times best, with none negative, and no multiplication cheaper
than in a large matrix product. The table that it prints replaces `NANOSECONDS` in `cost.py`. None of the
shapes is taken from a network or a benchmark.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from math import exp, log
from time import thread_time
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from explorer.convolution.algorithms import ALGORITHMS, fitting
from explorer.convolution.cost import WORK, kind_of, work
from explorer.convolution.dispatch import LEFT_OUT
from explorer.convolution.geometry import Geometry, sizes_of
from explorer.convolution.kept import fresh_weights

MOST = 2e9
"""Multiplications of the largest convolution that is timed."""


class Sample(NamedTuple):
    """One convolution by one algorithm: its kind, its work as `WORK` sorts it, its time in nanoseconds."""

    kind: str
    work: tuple[float, ...]
    time: float


def random_sizes(generator: random.Random) -> Geometry:
    """A random convolution: dense, grouped, depthwise or of one channel, sizes uniform in the logarithm."""

    def spread(least: float, most: float) -> int:
        return int(least * (most / least) ** generator.random() + 0.5)

    kind = generator.choice(["dense", "dense", "dense", "depthwise", "picture"])
    kernel = generator.choice([1, 3, 3, 3, spread(2, 12)] if kind != "picture" else [3, spread(2, 48)])
    size = (spread(6, 256), spread(6, 256)) if kind != "picture" else (spread(16, 640), spread(16, 640))
    channels = 1 if kind == "picture" else spread(3, 640)
    groups, outputs = (channels, channels) if kind == "depthwise" else (1, spread(1, 8))
    if kind == "dense":
        outputs = spread(4, 640)
    stride = generator.choice([1, 1, 1, 2, 3])
    padding = generator.choice([0, kernel // 2])
    sizes = (1, channels, *size), (outputs, channels // groups, kernel, kernel)
    try:
        found = sizes_of(*sizes, stride, padding, groups=groups)
    except ValueError:  # a kernel larger than the picture
        return random_sizes(generator)
    return found if 1e4 < found.multiplications < MOST else random_sizes(generator)


def tensors(sizes: Geometry, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random input and weight of a convolution."""
    generator = torch.Generator().manual_seed(seed)
    height, width = sizes.size
    return (
        torch.randn(sizes.batch, sizes.in_channels, height, width, generator=generator),
        torch.randn(sizes.out_channels, sizes.channels_per_group[0], *sizes.kernel_size, generator=generator),
    )


def samples(count: int, seed: int = 0) -> list[dict[str, Sample]]:
    """Time `count` random convolutions, each by all algorithms that fit but the loops.

    Where an algorithm keeps a form of the weights, all are put together twice: with kept and with fresh ones.
    """
    generator, found = random.Random(seed), []
    for _ in range(count):
        sizes = random_sizes(generator)
        input, weight = tensors(sizes)
        timed: dict[str, Sample] = {}
        for kept in (True, False):
            # Fresh weights change the time of those alone that take another form of them.
            kinds = {name: kind_of(sizes, name) for name in fitting(sizes) if ALGORITHMS[name].differentiable}
            changed = {n: k for n, k in kinds.items() if kept or work(sizes, k, False) != work(sizes, k)}
            with nullcontext() if kept else fresh_weights():
                timed = timed | {
                    name: Sample(kind, work(sizes, kind, kept), _time(name, input, weight, sizes))
                    for name, kind in changed.items()
                }
            found += [timed] if changed else []
    return found


def fit(of_kind: Sequence[Sample], floors: Sequence[float] = ()) -> tuple[float, ...]:
    """Prices in nanoseconds that minimize the squared errors of the logarithms, large ones counting less.

    A time of half and one of double the true one are then equally wrong.

    Args:
        of_kind: Samples of one kind.
        floors: The least price of each sort of work; by default 0.
    """
    from scipy.optimize import least_squares, lsq_linear  # type: ignore[import-untyped]  # needed here only

    rows = np.array([[w / s.time for w in s.work] for s in of_kind])
    scale = np.maximum(rows.max(axis=0), 1e-300)  # columns of like size solve better
    rows, least = rows / scale, np.array(floors or [0.0] * len(scale)) * scale
    start = lsq_linear(rows, np.ones(len(rows)), (least, np.inf)).x + 1e-6
    solved = least_squares(
        lambda prices: np.log(rows @ prices),
        start,
        jac=lambda prices: rows / (rows @ prices)[:, None],
        bounds=(least, np.inf),
        x_scale=np.maximum(start, 1e-3),
        loss="soft_l1",
        f_scale=0.3,
    )
    return tuple(float(f"{price:.3g}" if price > 1e-6 else 0) for price in solved.x / scale)


def fit_all(found: Sequence[dict[str, Sample]], product: float) -> dict[str, tuple[float, ...]]:
    """Prices of every kind; no multiplication is cheaper than `product`, in a large matrix product."""
    prices = {}
    for kind, sorts in WORK.items():
        of_kind = [sample for timed in found for sample in timed.values() if sample.kind == kind]
        prices[kind] = fit(of_kind, [product if sort == "multiplications" else 0.0 for sort in sorts])
    return prices


def predict(sample: Sample, prices: dict[str, tuple[float, ...]]) -> float:
    """The time in nanoseconds that the prices say."""
    return sum(p * w for p, w in zip(prices[sample.kind], sample.work, strict=True))


def regret(found: Sequence[dict[str, Sample]], prices: dict[str, tuple[float, ...]]) -> float:
    """Geometric mean of the chosen time over the fastest one's that can be chosen; 1 is a perfect choice."""
    lost = 0.0
    for timed in found:
        weighed = [sample for name, sample in timed.items() if name not in LEFT_OUT]
        chosen = min(weighed, key=lambda sample: predict(sample, prices))
        lost += log(chosen.time / min(sample.time for sample in weighed))
    return exp(lost / len(found))


def product_price(size: int = 768) -> float:
    """Nanoseconds of one multiplication in a large matrix product."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return _typical(lambda: a @ b) / size**3


def _time(name: str, input: Tensor, weight: Tensor, sizes: Geometry) -> float:
    return _typical(lambda: ALGORITHMS[name].run(input, weight, sizes))


def _typical(run: Callable[[], object], budget: float = 0.03) -> float:
    """Processor time of a run in nanoseconds: the lower quartile, since disturbances only add."""
    times: list[float] = []
    run()
    while len(times) < 3 or (sum(times) < budget and len(times) < 50):
        begin = thread_time()
        run()
        times.append(thread_time() - begin)
    return sorted(times)[len(times) // 4] * 1e9


def main() -> None:
    """Print the fitted table, the median error of each kind, and what a choice by it loses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="random convolutions to time")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # the processor time of one thread is what is measured
    with torch.no_grad():
        found, price = samples(options.count, options.seed), product_price()
    half = len(found) // 2
    prices = fit_all(found, price)
    for kind in WORK:
        of_kind = [sample for timed in found for sample in timed.values() if sample.kind == kind]
        errors = sorted(abs(predict(sample, prices) / sample.time - 1) for sample in of_kind)
        fitted = f"{len(errors)} timed, median error {errors[len(errors) // 2]:.0%}"
        print(f'    "{kind}": {prices[kind]},  # {fitted}')
    print(f"a choice by these loses {regret(found, prices) - 1:.1%} of the time of the best")
    print(f"fitted on one half, {regret(found[half:], fit_all(found[:half], price)) - 1:.1%} on the other")


if __name__ == "__main__":
    main()
