"""A network of one's own to look into: it runs only as far as the layers that are asked for.

`Probe` works on a private copy of the model that shares its parameters (`explorer.tracing.private_copy`), so
that its hooks and its mode are nobody else's: many visitors may use one model at the same time, and nothing
is left behind on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_iter

from explorer.errors import close_names
from explorer.memory import keep_freed_memory_once
from explorer.recording import is_script
from explorer.tracing.mode import PrivateMode
from explorer.tracing.private_copy import private_copy
from explorer.visualization import quick
from explorer.visualization.errors import VisualizationError

_RECTIFIERS = (nn.ReLU, nn.ReLU6)

FAINT = 0.1
"""Share of the gradient that goes on where a rectifier's own is zero."""


class Probe:
    """Some layers' outputs, with gradients back to the picture.

    The copy runs in evaluation mode. The gradients of a rectifier (ReLU, ReLU6) that is asked for go on where
    its own would stop: weakened (`FAINT`) past an upper bound, which a faint picture of a strong edge reaches
    already, and where it is silent, so that a picture's last silent corner can be won; and, in a channel that
    is silent at every position of a picture, as many are in noise, whole through the position that is nearest
    to answering, without which it would hardly be woken. `waking` extends that to all rectifiers.

    Attributes:
        waking: Whether the gradients of all rectifiers go further, not only of those asked for.
        shapes: The shape of what each layer puts out for a batch of one, by name.
    """

    def __init__(
        self, module: nn.Module, layers: Iterable[str], example: Tensor, device: torch.device | str = "cpu"
    ) -> None:
        """Copy the model and run it once on `example`, (1, 3, H, W) as the model takes it.

        Raises:
            VisualizationError: If there is no such layer, it doesn't run or puts out no tensor, the model
                can't be copied or does not run on this input, or its answer is not finite.
        """
        keep_freed_memory_once()
        self._names = frozenset(layers)
        self.waking = False
        self._kept: dict[str, Tensor] = {}
        self._left = self._calls = 0
        self._quick = False
        device, example = torch.device(device), example.to(device)
        found = self._use(_own(module, device), example)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
        if device.type == "cpu" and not self._use_quick(_own(module, device), _noise_like(example)):
            self._use(_own(module, device), example)

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """What the layers put out for (N, 3, H, W) as the model takes it; what lies deeper is not computed.

        Call it where gradients are switched on to get outputs that lead back to `x`.
        """
        self._left = self._calls
        self._run(quick.channels_last(x) if self._quick else x)
        kept, self._kept = self._kept, {}
        return kept

    def _use(self, twin: nn.Module, example: Tensor) -> dict[str, Tensor]:
        """Take this copy, and run it once; returns what the layers put out."""
        self._twin = twin
        self._targets = _targets(twin, self._names)
        self._watch()
        return self._first_run(example)

    def _use_quick(self, twin: nn.Module, noise: Tensor) -> bool:
        """Take a copy arranged for speed; returns whether it does the same as the one that is not."""
        self._left = self._calls
        with torch.no_grad():
            self._run(noise)
        expected, self._kept = self._kept, {}
        quick.arrange(twin, _targets(twin, self._names).keys())
        try:
            found = self._use(twin, quick.channels_last(noise))
        except VisualizationError:
            return False
        self._quick = all(_alike(found[name], expected[name]) for name in expected)
        return self._quick

    def _watch(self) -> None:
        for module in self._twin.modules():
            if isinstance(module, _RECTIFIERS):
                module.register_forward_hook(self._wake(always=module in self._targets))
        for module, names in self._targets.items():
            module.register_forward_hook(self._keep(names))

    def _wake(self, always: bool) -> Callable[..., Tensor | None]:
        def hook(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Tensor | None:
            if len(inputs) != 1 or not (always or self.waking) or not inputs[0].requires_grad:
                return None
            woken: Tensor = _Woken.apply(inputs[0], output)  # type: ignore[no-untyped-call]
            return woken

        return hook

    def _keep(self, names: tuple[str, ...]) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            tensor = next((leaf for leaf in tree_iter(output) if isinstance(leaf, Tensor)), None)
            self._left -= 1
            if tensor is not None:
                if self._left:
                    tensor = tensor.clone()  # a later operation might work in place
                self._kept.update(dict.fromkeys(names, tensor))
            if self._left == 0:
                raise _Reached

        return hook

    def _run(self, x: Tensor) -> None:
        with _OwnRandomness() if self._draws else nullcontext(), suppress(_Reached):
            self._twin(x)

    def _first_run(self, example: Tensor) -> dict[str, Tensor]:
        """Run to the end once, count the calls, and look at what comes out."""
        self._left = -1  # counts down and never reaches 0
        with _OwnRandomness() as randomness, torch.no_grad():
            try:
                self._twin(example)
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                if not self._names <= self._kept.keys():
                    raise VisualizationError(_does_not_run(example, error)) from error
        self._draws, self._calls = randomness.used, -1 - self._left
        kept, self._kept = self._kept, {}
        for name in sorted(self._names - kept.keys()):
            raise VisualizationError(
                f"layer {name!r} did not run on this input, or puts out no tensor: there is nothing to raise"
            )
        for name, tensor in kept.items():
            if not tensor.isfinite().all():
                raise VisualizationError(
                    f"what layer {name!r} puts out is not finite (NaN or infinity): the weights are damaged, "
                    "or the picture's values are not what this model takes"
                )
        return kept


class _Reached(BaseException):
    """The last layer of interest has run. No `Exception`, so that no model takes it for one of its own."""


class _Woken(torch.autograd.Function):
    """What a rectifier puts out; its gradient goes on, weakened, where it is silent or at its bound.

    In a channel of negative values it goes on whole through the highest: through all positions alike it would
    raise their mean, and seldom bring one of them to answer. The idea of a gradient that goes past a
    rectifier is that of the code of Olah et al. 2017.
    """

    @staticmethod
    def forward(context: Any, given: Tensor, output: Tensor) -> Tensor:
        places = tuple(range(2, given.dim()))
        highest = given.amax(places, keepdim=True) if places else given
        inside = (given > 0) & (given <= output)
        context.save_for_backward(inside | ((highest <= 0) & (given == highest)))
        return output.clone()

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        (passes,) = context.saved_tensors
        return gradients[0].where(passes, FAINT * gradients[0]), None


def _noise_like(example: Tensor) -> Tensor:
    """A picture in which every difference shows, (1, 3, H, W)."""
    noise = torch.randn(example.shape, generator=torch.Generator().manual_seed(0))
    return noise.to(example)


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether values are the same up to rounding, which a network may enlarge a hundred times."""
    if one.shape != other.shape:
        return False
    largest = float(other.abs().max()) if other.numel() else 0.0
    return torch.allclose(one, other, rtol=1e-3, atol=1e-3 * largest)


def _own(module: nn.Module, device: torch.device) -> nn.Module:
    try:
        twin = private_copy(module)
    except (TypeError, ValueError) as error:
        raise VisualizationError(str(error)) from error
    tensors = [*twin.parameters(), *twin.buffers()]
    # What was made inside inference mode can't lead gradients back to the picture.
    if any(tensor.device != device or tensor.is_inference() for tensor in tensors):
        twin = _moved(twin, device)
    for part in twin.modules():
        # In place, a rectifier would overwrite what was kept of the layer before it.
        if vars(part).get("inplace"):
            part.__dict__["inplace"] = False
    return twin


def _moved(twin: nn.Module, device: torch.device) -> nn.Module:
    """The copy on another device, with parameters of its own there; `to` would move the shared ones."""
    moved: dict[int, nn.Parameter] = {}
    for part in twin.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                own = moved.setdefault(id(parameter), nn.Parameter(_placed(parameter, device), False))
                part._parameters[name] = own
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = _placed(buffer, device)
    return twin


def _placed(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.detach().clone() if tensor.device == device else tensor.detach().to(device)


def _targets(twin: nn.Module, names: Iterable[str]) -> dict[nn.Module, tuple[str, ...]]:
    modules: Mapping[str, nn.Module] = dict(twin.named_modules(remove_duplicate=False))
    targets: dict[nn.Module, tuple[str, ...]] = {}
    for name in sorted(names):
        if name not in modules:
            near = close_names(name, filter(None, modules))
            raise VisualizationError(f"the model has no layer {name!r}{near}")
        if is_script(modules[name]):
            raise VisualizationError(f"layer {name!r} is TorchScript, which can't be looked into")
        targets[modules[name]] = (*targets.get(modules[name], ()), name)
    return targets


class _OwnRandomness(PrivateMode):
    """Operations that draw random numbers draw the same ones in each run, and none of the caller's."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.used = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation."""
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **(kwargs or {}))
        devices = sorted({t.device.index for t in tree_iter(args) if isinstance(t, Tensor) and t.is_cuda})
        self.used += 1
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.used)
            return func(*args, **(kwargs or {}))


def _does_not_run(example: Tensor, error: Exception) -> str:
    height, width = example.shape[-2:]
    first = str(error).strip().partition("\n")[0][:200]
    return f"the model does not run on pictures of {height} × {width} pixels: {first or type(error).__name__}"
