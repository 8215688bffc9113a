"""One network of every family of CNNs in torchvision and timm, looked at with the explorer.

    python -m tests.families            looks at all of them and writes docs/families.md
    python -m tests.families --rule     holds timm's list of what is no CNN against what the networks compute

A family is a module of the library, such as `resnet`. Its smallest network is built with random weights; all
layers are captured, the layer table is made with receptive fields, and mosaics are drawn. Nothing here knows
any family.
"""

from __future__ import annotations

import sys
from dataclasses import astuple, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

import explorer
from models import timm_models, torchvision_models
from models.building import quietly

TABLE = Path(__file__).resolve().parents[1] / "docs/families.md"
LIBRARIES = {"timm": timm_models, "torchvision": torchvision_models}
SIDES = (64, 96, 128, 192, 256)
"""Sides of the input, in pixels; a network is looked at with the smallest one on which it runs."""

_HEAD = """# Every family of CNNs

The smallest network of each family (a module of torchvision or timm), with random weights: all layers
captured, the layer table made, mosaics drawn, by one and the same code. `python -m tests.families` makes this
table again.

- *layers*: submodules that run and have a row in the layer table; each was captured, with the shape that the
  table says.
- *maps*: those of them whose output is a feature map (N, C, H, W), which a mosaic shows. The others are gates
  with one number per channel, heads, and layers that keep channels last.
- *receptive fields*: layers whose receptive field is known.

"""
_COLUMNS = ("library", "family", "network", "parameters", "input", "layers", "maps", "receptive fields")


@dataclass(frozen=True)
class Row:
    """What was found in one network; `fields` is how many receptive fields are known."""

    library: str
    family: str
    network: str
    parameters: int
    side: int
    layers: int
    maps: int
    fields: int

    def __str__(self) -> str:
        *texts, parameters, side, layers, maps, fields = astuple(self)
        values = (*texts, f"{parameters:,}", f"{side} × {side}", layers, maps, f"{fields} of {layers}")
        return f"| {' | '.join(map(str, values))} |"


def families() -> dict[tuple[str, str], list[str]]:
    """The architectures of every (library, family), by the libraries' own lists."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, library in LIBRARIES.items():
        for model in library.architectures():
            found.setdefault((name, library.family(model)), []).append(model)
    return dict(sorted(found.items()))


def smallest(library: str, networks: list[str]) -> str:
    """The network with the fewest parameters, the first of several."""
    return min(networks, key=lambda network: parameters(build(library, network, "meta")))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def build(library: str, network: str, device: str = "cpu") -> nn.Module:
    """A network with seeded random weights; on the device "meta" it has none, where it allows that."""
    with quietly(0):
        try:
            with torch.device(device):
                return LIBRARIES[library].build(network).eval()
        except NotImplementedError:  # it computes with numbers while it is built
            return LIBRARIES[library].build(network).eval()


def look_at(library: str, family: str, network: str) -> Row:
    """Capture every layer, make the layer table, draw mosaics, and compare what they say.

    Raises:
        AssertionError: If the table and the capture disagree, or a mosaic does not have its maps' size.
    """
    module = build(library, network)
    side, x, activations = _captured(module)
    table = explorer.layer_table(module, x)
    for layer in table:
        values = activations[layer.name]
        if layer.is_leaf and tuple(values.shape) != layer.output_shape:
            raise AssertionError(f"{network} {layer.name}: {tuple(values.shape)} and {layer.output_shape}")
        if not values.isfinite().all():
            raise AssertionError(f"{network} {layer.name}: values that are no numbers")
    maps = [layer for layer in table if layer.is_map]
    for layer in (maps[0], maps[len(maps) // 2], maps[-1]):
        _check_mosaic(activations[layer.name])
    known = [layer for layer in table if layer.receptive_field is not None]
    count = parameters(module)
    return Row(library, family, network, count, side, len(table), len(maps), len(known))


def _captured(module: nn.Module) -> tuple[int, torch.Tensor, explorer.Activations]:
    generator = torch.Generator().manual_seed(1)
    for side in SIDES:
        x = torch.randn(1, 3, side, side, generator=generator)
        try:
            return side, x, explorer.capture(module, x)
        except RuntimeError:
            if side == SIDES[-1]:
                raise
    raise AssertionError("SIDES is empty")


def _check_mosaic(maps: torch.Tensor) -> None:
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(explorer.mosaic_png(maps)))
    if image.width * image.height < maps[0].numel():
        raise AssertionError(f"{maps.shape[1]} maps of {tuple(maps.shape[2:])} in {image.size} pixels")


def written(rows: list[Row]) -> str:
    """The table as Markdown."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---|---|---|--:|--:|--:|--:|--:|", *map(str, rows)]
    return _HEAD + "\n".join(lines) + "\n"


def read(text: str) -> list[Row]:
    """The rows of what `written` wrote."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(_COLUMNS) and cells[0] in LIBRARIES:
            numbers = (cells[3].replace(",", ""), cells[4].split()[0], *cells[5:7], cells[7].split()[0])
            rows.append(Row(*cells[:3], *map(int, numbers)))
    return rows


class _Products(TorchDispatchMode):
    """Notices products of two matrices that both depend on the picture, and recurrent layers."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.found = False
        self._depends = WeakIdKeyDictionary()
        self._depends[x] = True

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        if any(tensor in self._depends for tensor in tensors):
            for output in outputs:
                self._depends[output] = True
            name = func._schema.name
            product = "mm" in name.partition("::")[2].split("_")[0] or "scaled_dot_product" in name
            factors = tensors[-2:] if "add" in name else tensors[:2]
            if product and all(factor in self._depends for factor in factors):
                # One row or column is a gate or a mean for the whole picture, and no mixture of positions.
                self.found |= all(min(tensor.shape[-2:]) > 1 for tensor in (*factors, outputs[0]))
        return result


def computes_as_a_cnn(network: str) -> bool:
    """Whether a network of timm mixes positions by convolutions and poolings only, by what it computes.

    It must take pictures of another size than it was made for (a fully connected layer over positions can't),
    have no recurrent layer, and multiply no two matrices that both come from the picture.
    """
    module = build("timm", network, "meta")
    if any(isinstance(part, nn.RNNBase) for part in module.modules()):
        return False
    _, height, width = module.pretrained_cfg["input_size"]
    for shape in ((height, width), (height // 32 * 32 + 32, width // 32 * 32 + 64)):
        x = torch.empty(1, 3, *shape, device=next(module.parameters()).device)
        try:
            with torch.no_grad(), _Products(x) as products:
                module.forward_features(x)
        except (RuntimeError, AssertionError, ValueError):
            return False
        if products.found:
            return False
    return True


def check_rule() -> list[str]:
    """The networks of timm for which the list and the computation disagree."""
    import timm

    wrong = []
    for network in timm.list_models():
        if timm_models.is_cnn(network) != computes_as_a_cnn(network):
            wrong.append(network)
            print(network, flush=True)
    return wrong


def main() -> int:
    """Look at every family and write the table, or check the rule."""
    torch.set_num_threads(1)
    if "--rule" in sys.argv[1:]:
        return 1 if check_rule() else 0
    rows = []
    for (library, family), networks in families().items():
        rows.append(look_at(library, family, smallest(library, networks)))
        print(rows[-1], flush=True)
    TABLE.write_text(written(rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
