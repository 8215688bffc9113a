"""All Conv2d outputs of a network captured: ours against peers, relative to the plain forward, in one run.

Run it with `python -m benchmarks.capture [networks]`. Batch 1 of 224 x 224 pixels, one thread. The plain
forward is the one under `inference_mode` with contiguous input. Setting hooks, removing them and freeing the
result count for everybody; building torchvision's extractor does not, since it can be used again. Every
contestant's maps are held against each convolution computed again on its own input, bit for bit: who keeps
references without further care is quick and wrong.

Times are of the processor, so that other programs' turns don't count. Freed memory stays with the process, as
in the app (`explorer.memory`), for everybody; `--default-heap` leaves the C library as it starts, which makes
everyone who keeps many maps slower.
"""

from __future__ import annotations

import argparse
import copy
import gc
import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import Timing, interleaved, milliseconds, spread
from explorer.activations import capture
from explorer.memory import DEFAULT_HEAP, keep_freed_memory
from models.torchvision_ops import import_torchvision

Row = dict[str, str | float | int]
Maps = list[Tensor]

NETWORKS = ("resnet18", "resnet50", "vgg16", "efficientnet_lite0", "efficientnet_lite0, timm")
ROUNDS = {"resnet18": 60, "resnet50": 40, "vgg16": 16}
LIMITS = {"resnet18": 1.10, "resnet50": 1.10, "vgg16": 1.10, "efficientnet_lite0": 1.15}
OURS = "capture"
NHWC = "capture, model and input channels_last"
PLAIN = "plain forward"
TORCHLENS = "torchlens, convolutions only"


def build(name: str) -> nn.Module:
    """The network, in eval mode; random weights do, since the time does not depend on them."""
    torch.manual_seed(0)
    if name == "efficientnet_lite0":
        import models

        return models.load(name).module.eval()
    torchvision = import_torchvision()
    if name.endswith(", timm"):
        import timm

        return timm.create_model("tf_" + name.removesuffix(", timm")).eval()
    return getattr(torchvision.models, name)(weights=None).eval()


def contestants(net: nn.Module, x: Tensor) -> dict[str, Callable[[], Any]]:
    """What is timed: each call gives the maps of all convolutions in network order, the plain forward logits.

    A peer that cannot handle the network is left out.
    """
    names = list(capture(net, x, nn.Conv2d))
    nhwc_net = copy.deepcopy(net).to(memory_format=torch.channels_last)
    nhwc = x.contiguous(memory_format=torch.channels_last)
    found = {
        PLAIN: torch.inference_mode()(lambda: net(x)),
        OURS: lambda: list(capture(net, x, nn.Conv2d).values()),
        NHWC: lambda: list(capture(nhwc_net, nhwc, nn.Conv2d).values()),
        "hooks, by reference": lambda: with_hooks(net, x, lambda output: output),
        "hooks, cloned": lambda: with_hooks(net, x, Tensor.clone),
        "torchvision create_feature_extractor": torchvision_extractor(net, x, names),
        "Captum LayerActivation": captum_activation(net, x, names),
    }
    return {name: call for name, call in found.items() if call is not None}


def with_hooks(net: nn.Module, x: Tensor, keep: Callable[[Tensor], Tensor]) -> Maps:
    """The recipe of most tutorials."""
    maps: Maps = []
    handles = [
        part.register_forward_hook(lambda _module, _inputs, output: maps.append(keep(output)))
        for part in net.modules()
        if isinstance(part, nn.Conv2d)
    ]
    with torch.inference_mode():
        net(x)
    for handle in handles:
        handle.remove()
    return maps


def torchvision_extractor(net: nn.Module, x: Tensor, names: list[str]) -> Callable[[], Maps] | None:
    """torchvision's extractor, built beforehand; None where torch.fx cannot trace the network."""
    from torch.fx.proxy import TraceError

    import_torchvision()
    from torchvision.models.feature_extraction import create_feature_extractor

    try:
        extractor = create_feature_extractor(net, names)
    except (TraceError, ValueError):
        return None
    finally:
        net.eval()  # its failure leaves the network in training mode
    return torch.inference_mode()(lambda: list(extractor(x).values()))


def captum_activation(net: nn.Module, x: Tensor, names: list[str]) -> Callable[[], Maps]:
    """Captum's layer activation for all convolutions in one call."""
    from captum.attr import LayerActivation

    activation = LayerActivation(net, [net.get_submodule(name) for name in names])
    return torch.inference_mode()(lambda: list(activation.attribute(x)))


def with_torchlens(net: nn.Module, x: Tensor) -> Maps:
    """torchlens, told to save nothing but convolutions.

    It wraps all of PyTorch's functions at its first call, and they stay wrapped, which slows everybody down.
    """
    import torchlens

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = torchlens.trace(net, x, save=torchlens.func("conv2d"))
    return [layer.out for layer in trace.layers if layer.layer_label.startswith("conv2d")]


def wrong_maps(net: nn.Module, x: Tensor, maps: Iterable[Tensor]) -> int:
    """How many of the maps differ from their convolution computed again on its own input.

    Args:
        net: The network.
        x: The input from which `maps` came, in the same memory format.
        maps: One for each convolution, in network order.
    """
    expected: Maps = []

    def again(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        expected.append(type(part).forward(part, inputs[0].clone()))

    parts = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    handles = [part.register_forward_pre_hook(again) for part in parts]
    with torch.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return sum(not torch.equal(one, other) for one, other in zip(maps, expected, strict=True))


def measure(
    networks: Iterable[str] = NETWORKS, rounds: int | None = None, keep_memory: bool = True
) -> list[Row]:
    """Time all contestants on the networks, one thread, interleaved.

    Args:
        networks: Some of `NETWORKS`.
        rounds: How often each runs; by default more often the quicker the network. torchlens runs three times
            after all others, beside a plain forward that it does not slow down.
        keep_memory: Whether freed memory stays with the process, from now on.

    Returns:
        One row for each network and contestant: `network`, `contestant`, `ms` with its quartiles `lower_ms`
        and `upper_ms`, `ratio` to the plain forward with the quartiles over single rounds `lower_ratio` and
        `upper_ratio`, `wrong` of `maps` maps that differ from the oracle, and for ours the `limit` of the
        ratio.

    Raises:
        RuntimeError: If ours returned a wrong map.
    """
    if keep_memory:
        keep_freed_memory()
    else:
        os.environ[DEFAULT_HEAP] = "1"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [row for name in networks for row in _measure_network(name, rounds or ROUNDS.get(name, 80))]
    finally:
        torch.set_num_threads(threads)


def _measure_network(name: str, rounds: int) -> list[Row]:
    net, x = build(name), torch.randn(1, 3, 224, 224)
    calls = contestants(net, x)
    checks = {contestant: _check(net, x, contestant, call) for contestant, call in calls.items()}
    gc.collect()
    gc.freeze()  # so that the collection before each run has little to do
    try:
        timings = interleaved(calls, PLAIN, rounds)
        timings[TORCHLENS], checks[TORCHLENS] = _torchlens(net, x, timings[PLAIN].median)
    finally:
        gc.unfreeze()
    return [_row(name, contestant, timing, checks[contestant]) for contestant, timing in timings.items()]


def _torchlens(net: nn.Module, x: Tensor, plain_ms: float) -> tuple[Timing, tuple[int, int]]:
    from torchlens.backends.torch.wrappers import unwrap_torch

    maps = with_torchlens(net, x)
    timing = spread([milliseconds(lambda: with_torchlens(net, x)) for _ in range(3)], plain_ms)
    unwrap_torch()
    return timing, (wrong_maps(net, x, maps), len(maps))


def _check(net: nn.Module, x: Tensor, contestant: str, call: Callable[[], Any]) -> tuple[int, int]:
    """How many maps are wrong, of how many."""
    if contestant == PLAIN:
        return 0, 0
    maps = call()
    if contestant == NHWC:
        net = copy.deepcopy(net).to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    wrong = wrong_maps(net, x, maps)
    if wrong and contestant in (OURS, NHWC):
        raise RuntimeError(f"{contestant}: {wrong} of {len(maps)} maps are not what their layer returned")
    return wrong, len(maps)


def _row(network: str, contestant: str, timing: Timing, check: tuple[int, int]) -> Row:
    row: Row = {
        "network": network,
        "contestant": contestant,
        "ms": timing.median,
        "lower_ms": timing.lower,
        "upper_ms": timing.upper,
        "ratio": timing.ratio,
        "lower_ratio": timing.ratio_spread[0],
        "upper_ratio": timing.ratio_spread[1],
        "wrong": check[0],
        "maps": check[1],
    }
    return row | {"limit": LIMITS[network]} if contestant == OURS and network in LIMITS else row


def table(rows: list[Row]) -> str:
    """Rows of `measure` as a Markdown table."""
    lines = [
        "| network | contestant | ms (quartiles) | ratio (quartiles) | at most | wrong maps |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['network']} | {row['contestant']} "
        f"| {row['ms']:.1f} ({row['lower_ms']:.1f}-{row['upper_ms']:.1f}) "
        f"| {row['ratio']:.2f} ({row['lower_ratio']:.2f}-{row['upper_ratio']:.2f}) "
        f"| {row.get('limit', '')} | {row['wrong']} of {row['maps']} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure the networks named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capture", description=__doc__)
    parser.add_argument("networks", nargs="*", metavar="network", help=f"some of: {'; '.join(NETWORKS)}")
    parser.add_argument("--rounds", type=int, help="how often each contestant runs")
    parser.add_argument("--default-heap", action="store_true", help="let freed memory go to the system")
    given = parser.parse_args()
    if unknown := set(given.networks) - set(NETWORKS):
        parser.error(f"there is no network {', '.join(unknown)}; there are {'; '.join(NETWORKS)}")
    for name in given.networks or NETWORKS:
        print(table(measure([name], given.rounds, keep_memory=not given.default_heap)), flush=True)


if __name__ == "__main__":
    main()
