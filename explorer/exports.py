"""Files that leave the program: activations for NumPy and PyTorch, tables and predictions as JSON.

Everything returns bytes or text, so that a page can offer a download and the terminal can write a file. The
same input gives the same bytes: no time stamp, no order that changes from run to run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from explorer.layers import Layer, LayerTable
    from explorer.receptive_field import Step

# The date that every member of an archive gets, the earliest one that ZIP knows.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
# NumPy's own; every value of PyTorch's other floats (bfloat16 and those of 8 bits) is a float32 as well.
_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)


class ExportError(ValueError):
    """Something that the file format can't hold; the message says what, and which format can."""


class HasProbability(Protocol):
    """One class that a model considers, as `models.Prediction`."""

    @property
    def index(self) -> int:
        """The class, as a position in the model's output."""

    @property
    def label(self) -> str:
        """Its readable name."""

    @property
    def probability(self) -> float:
        """Its share of the softmax, 0..1."""


def activations_npz(activations: Mapping[str, Tensor]) -> bytes:
    """The bytes of an uncompressed `.npz`: an array for each layer, in network order, under the layer's name.

    Shapes stay, and so do dtypes, except for bfloat16 and 8-bit floats: NumPy has none, and they become
    float32, which holds all their values exactly.

    Args:
        activations: Layer names and their outputs of any shape, memory layout and device.

    Raises:
        ExportError: For a tensor without plain numbers (sparse or quantized).

    Example:
        >>> data = activations_npz({"features/0": torch.ones(1, 2, 4, 3)})
        >>> np.load(io.BytesIO(data), allow_pickle=False)["features/0"].shape
        (1, 2, 4, 3)
    """
    file = io.BytesIO()
    # numpy.savez takes the names as keywords and so refuses a layer called "file".
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, tensor in activations.items():
            member = zipfile.ZipInfo(f"{name}.npy", _NO_DATE)
            with archive.open(member, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, _as_array(name, tensor), allow_pickle=False)
    return file.getvalue()


def activations_safetensors(activations: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a `.safetensors` file: one tensor for each layer under its name, with all PyTorch dtypes.

    The format has no order of its own; the metadata's `layers`, as `activation_metadata` writes it, has the
    network's.

    Args:
        activations: Layer names and their outputs of any shape, memory layout and device.
        metadata: Text under text, see `activation_metadata`.

    Raises:
        ExportError: For a tensor without plain numbers, a layer called "__metadata__", or metadata that isn't
            text.

    Example:
        >>> import safetensors.torch
        >>> data = activations_safetensors({"blocks.0": torch.ones(1, 2, 4, 3)}, {"model": "tiny"})
        >>> safetensors.torch.load(data)["blocks.0"].shape
        torch.Size([1, 2, 4, 3])
    """
    from safetensors.torch import save

    if "__metadata__" in activations:
        raise ExportError(
            "a safetensors file can't have a layer called '__metadata__'; choose npz for this model"
        )
    if wrong := [key for key, value in metadata.items() if not isinstance(value, str)]:
        raise ExportError(
            f"safetensors metadata is text, and {wrong[0]!r} is {type(metadata[wrong[0]]).__name__}"
        )
    seen: set[int] = set()
    tensors = {name: _standalone(_plain(name, tensor), seen) for name, tensor in activations.items()}
    return _sorted_metadata(save(tensors, dict(metadata)))


def activation_metadata(
    activations: Mapping[str, Tensor], *, model: str, weights_sha256: str, picture_sha256: str
) -> dict[str, str]:
    """What a file of activations says about where they come from; all values are text.

    Args:
        activations: Layer names and their outputs.
        model: The model's name, as it is loaded.
        weights_sha256: Digest of its weights, hexadecimal.
        picture_sha256: Digest of the picture file, hexadecimal.

    Returns:
        The keys `model`, `weights_sha256`, `picture_sha256`, `layers` (JSON: a list of objects with `name`,
        `shape` and `dtype`, in network order), `torch` (its version) and `format` (of these keys, "1").
    """
    layers = [
        {"name": name, "shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
        for name, tensor in activations.items()
    ]
    return {
        "format": "1",
        "model": model,
        "weights_sha256": weights_sha256,
        "picture_sha256": picture_sha256,
        "torch": str(torch.__version__),
        "layers": json.dumps(layers, ensure_ascii=False),
    }


def prediction_entry(
    picture: str, sha256: str, size: tuple[int, int], predictions: Iterable[HasProbability]
) -> dict[str, Any]:
    """One picture in `predictions_json`.

    Args:
        picture: What to call it: the path as it was given, or a sample's name.
        sha256: Digest of the picture file, hexadecimal.
        size: Its (height, width) in pixels.
        predictions: The most probable classes, the most probable first.
    """
    return {
        "picture": picture,
        "sha256": sha256,
        "height": size[0],
        "width": size[1],
        "predictions": [
            {"index": each.index, "label": each.label, "probability": each.probability}
            for each in predictions
        ],
    }


def predictions_json(model: str, weights_sha256: str, pictures: Sequence[Mapping[str, Any]]) -> str:
    """The predictions for some pictures as JSON text.

    The keys: `model` (`name`, `weights_sha256`) and `pictures`, a list with one object for each picture:
    `picture`, `sha256`, `height`, `width` and `predictions` (a list of `index`, `label`, `probability` 0..1,
    the most probable first); or `picture` and `error`, one sentence, for a picture that could not be read.

    Args:
        model: The model's name, as it is loaded.
        weights_sha256: Digest of its weights, hexadecimal.
        pictures: What `prediction_entry` returned for each, or a mapping with `picture` and `error`.
    """
    report = {"model": {"name": model, "weights_sha256": weights_sha256}, "pictures": [*map(dict, pictures)]}
    return _json(report)


def layer_table_json(table: LayerTable, model: str, weights_sha256: str) -> str:
    """The layer table as JSON text.

    The keys: `model` (`name`, `weights_sha256`), `input_shape`, `parameters`, `macs` and `layers`, in network
    order, each with

    * `name`, `kind`, `output_shape` (a list), `is_leaf`, `is_map`, `parameters`, `macs`, `depth` (0..1) and
      `calls`;
    * `stride`: input pixels between positions, [vertical, horizontal], or null;
    * `receptive_field`: `size`, `offset` and `stride` in input pixels, each [vertical, horizontal], and
      `whole`, or null where it is unknown;
    * `window`: `kernel_size`, `stride`, `padding` (or "same"), `dilation`, all lists, and `groups`, or null.

    Args:
        table: What `explorer.layer_table` returned.
        model: The model's name, as it is loaded.
        weights_sha256: Digest of its weights, hexadecimal.
    """
    report = {
        "model": {"name": model, "weights_sha256": weights_sha256},
        "input_shape": list(table.input_shape),
        "parameters": table.parameters,
        "macs": table.macs,
        "layers": [_layer_entry(layer) for layer in table],
    }
    return _json(report)


def layer_table_text(table: LayerTable) -> str:
    """The layer table as aligned lines for a terminal, numbers to the right, with the totals below."""
    heads = ("name", "kind", "output shape", "receptive field", "stride", "parameters", "MACs", "depth")
    rows = [heads, *map(_cells, table)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        texts = (cell.ljust(width) for cell, width in zip(row[:5], widths[:5], strict=True))
        numbers = (cell.rjust(width) for cell, width in zip(row[5:], widths[5:], strict=True))
        lines.append("  ".join((*texts, *numbers)))
    total = (
        f"{len(table)} layers, {table.parameters:,} parameters, {table.macs:,} multiply-accumulates (MACs)"
    )
    return "\n".join((*lines, "", total))


def _cells(layer: Layer) -> tuple[str, ...]:
    field = layer.receptive_field
    seen = "-" if field is None else "whole image" if field.whole else _joined(field.size)
    return (
        *(layer.name, layer.kind, _joined(layer.output_shape), seen),
        "-" if layer.stride is None else _joined(layer.stride),
        *(f"{layer.parameters:,}", f"{layer.macs:,}", f"{layer.depth:.2f}"),
    )


def _joined(sizes: Iterable[object]) -> str:
    return "x".join(map(str, sizes))


def _layer_entry(layer: Layer) -> dict[str, Any]:
    field, window = layer.receptive_field, layer.window
    return {
        "name": layer.name,
        "kind": layer.kind,
        "output_shape": list(layer.output_shape),
        "is_leaf": layer.is_leaf,
        "is_map": layer.is_map,
        "stride": None if layer.stride is None else _numbers(layer.stride),
        "receptive_field": field
        and {
            "size": list(field.size),
            "offset": list(field.offset),
            "stride": _numbers(field.stride),
            "whole": field.whole,
        },
        "window": window
        and {
            "kernel_size": list(window.kernel_size),
            "stride": list(window.stride),
            "padding": window.padding if isinstance(window.padding, str) else list(window.padding),
            "dilation": list(window.dilation),
            "groups": window.groups,
        },
        "parameters": layer.parameters,
        "macs": layer.macs,
        "depth": layer.depth,
        "calls": layer.calls,
    }


def _numbers(steps: Iterable[Step]) -> list[int | float]:
    # JSON has no fractions.
    return [step if isinstance(step, int) else float(step) for step in steps]


def _json(report: Mapping[str, Any]) -> str:
    # With escapes the text is the same in every encoding of a terminal, and file names that are no valid
    # Unicode can be written at all.
    return json.dumps(report, ensure_ascii=True, indent=2, allow_nan=False) + "\n"


def _plain(name: str, tensor: Tensor) -> Tensor:
    """The tensor on the CPU in the usual memory order.

    Raises:
        ExportError: If it is sparse or quantized.
    """
    if tensor.layout != torch.strided or tensor.is_quantized:
        kind = "quantized" if tensor.is_quantized else "sparse"
        raise ExportError(
            f"layer {name!r} put out a {kind} tensor, and files hold dense ones of plain numbers"
        )
    return tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()


def _as_array(name: str, tensor: Tensor) -> NDArray[Any]:
    plain = _plain(name, tensor)
    if plain.is_floating_point() and plain.dtype not in _NUMPY_FLOATS:
        plain = plain.float()
    array: NDArray[Any] = plain.numpy()
    return array


def _standalone(tensor: Tensor, seen: set[int]) -> Tensor:
    """The tensor with memory of its own, as the format wants; a block and its last layer often share one."""
    storage = tensor.untyped_storage()
    if storage.data_ptr() in seen or storage.nbytes() != tensor.nbytes:
        return tensor.clone()
    seen.add(storage.data_ptr())
    return tensor


def _sorted_metadata(data: bytes) -> bytes:
    """The same file with its metadata in order: safetensors writes it in another one at every run."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers behind it start at a multiple of 8 bytes
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(data)[8 + length :]))
