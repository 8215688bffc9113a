"""Files of activations, layer tables and predictions: what is read back is what was written."""

import io
import json
import zipfile
from fractions import Fraction

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from torch import nn

from explorer.exports import (
    ExportError,
    activation_metadata,
    activations_npz,
    activations_safetensors,
    layer_table_json,
    layer_table_text,
    prediction_entry,
    predictions_json,
)
from explorer.layers import Layer, LayerTable, layer_table
from explorer.receptive_field import ReceptiveField
from models import Prediction

ODD_NAMES = ["features/0", "blocks.2.0", "Ünïcode ✓", "two words", "file", "allow_pickle", "a" * 120, ""]


def maps(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def read_npz(data):
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def read_metadata(data, tmp_path):
    path = tmp_path / "read.safetensors"
    path.write_bytes(data)
    with safetensors.safe_open(path, "pt") as file:
        return file.metadata()


def test_npz_keeps_names_order_shapes_and_values():
    given = {name: maps(at, 1, 2 + at, 5, 3) for at, name in enumerate(ODD_NAMES)}
    read = read_npz(activations_npz(given))
    assert list(read) == ODD_NAMES
    for name, tensor in given.items():
        assert read[name].dtype == np.float32
        np.testing.assert_array_equal(read[name], tensor.numpy())


def test_safetensors_keeps_names_shapes_and_values():
    given = {name: maps(at, 1, 2 + at, 5, 3) for at, name in enumerate(ODD_NAMES)}
    read = safetensors.torch.load(activations_safetensors(given, {"model": "tiny"}))
    assert read.keys() == given.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in given.items())


@pytest.mark.parametrize(
    ("dtype", "in_npz"),
    [
        (torch.float16, np.float16),
        (torch.float64, np.float64),
        (torch.bfloat16, np.float32),
        (torch.float8_e4m3fn, np.float32),
        (torch.int64, np.int64),
        (torch.bool, np.bool_),
    ],
)
def test_dtypes(dtype, in_npz):
    given = {"layer": (3 * maps(0, 1, 4, 3, 2)).to(dtype)}
    array = read_npz(activations_npz(given))["layer"]
    assert array.dtype == in_npz
    np.testing.assert_array_equal(array.astype(np.float64), given["layer"].double().numpy())
    tensor = safetensors.torch.load(activations_safetensors(given, {}))["layer"]
    assert tensor.dtype == dtype
    assert torch.equal(tensor.double(), given["layer"].double())


def other_layouts():
    plain = maps(1, 2, 6, 5, 4)
    return {
        "channels_last": plain.contiguous(memory_format=torch.channels_last),
        "transposed": plain.transpose(1, 3),
        "every second": plain[:, ::2],
        "expanded": maps(2, 1, 3, 1, 1).expand(1, 3, 4, 2),
        "a part of a larger one": plain[1:, 2:3],
        "number": torch.tensor(2.5),
        "empty": torch.empty(1, 0, 3, 2),
        "wants a gradient": maps(3, 1, 1).requires_grad_(),
    }


def test_memory_layouts_make_no_difference():
    given = other_layouts()
    arrays = read_npz(activations_npz(given))
    tensors = safetensors.torch.load(activations_safetensors(given, {}))
    for name, tensor in given.items():
        np.testing.assert_array_equal(arrays[name], tensor.detach().numpy(), err_msg=name)
        assert torch.equal(tensors[name], tensor.detach()), name


def test_a_part_of_a_large_tensor_does_not_drag_the_rest_along():
    part = torch.zeros(1, 500, 40, 30)[:, :1]
    assert len(activations_safetensors({"part": part}, {})) < 4 * part.numel() + 1000
    assert len(activations_npz({"part": part})) < 4 * part.numel() + 1000


def test_layers_that_share_memory_are_both_written():
    block = maps(0, 1, 4, 5, 3)
    activations = {"0": block, "0.1": block, "flat": block.flatten(1)}
    tensors = safetensors.torch.load(activations_safetensors(activations, {}))
    arrays = read_npz(activations_npz(activations))
    assert tensors.keys() == arrays.keys() == set(activations)
    assert all(torch.equal(tensors[name], activations[name]) for name in activations)
    assert all(np.array_equal(arrays[name], activations[name]) for name in activations)


def test_values_that_are_not_finite_survive():
    given = {"layer": torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0])}
    np.testing.assert_array_equal(read_npz(activations_npz(given))["layer"], given["layer"].numpy())
    read = safetensors.torch.load(activations_safetensors(given, {}))["layer"]
    assert torch.equal(read.view(torch.int32), given["layer"].view(torch.int32))


def test_metadata_says_where_the_values_are_from(tmp_path):
    activations = {"b.1": maps(0, 1, 3, 5, 4), "a/ü": maps(1, 1, 7).half()}
    metadata = activation_metadata(
        activations, model="tiny", weights_sha256="ab" * 32, picture_sha256="cd" * 32
    )
    read = read_metadata(activations_safetensors(activations, metadata), tmp_path)
    assert read == metadata
    assert (read["model"], read["weights_sha256"], read["picture_sha256"]) == ("tiny", "ab" * 32, "cd" * 32)
    assert read["torch"] == torch.__version__
    assert json.loads(read["layers"]) == [
        {"name": "b.1", "shape": [1, 3, 5, 4], "dtype": "float32"},
        {"name": "a/ü", "shape": [1, 7], "dtype": "float16"},
    ]


def test_the_same_activations_give_the_same_bytes():
    given = {name: maps(0, 1, 3, 5, 4) for name in ("c", "a", "b")}
    metadata = {key: key for key in "qwertyuiop"}
    assert len({activations_npz(given) for _ in range(3)}) == 1
    # Without sorting, ten keys come in another order nearly every time.
    assert len({activations_safetensors(given, metadata) for _ in range(5)}) == 1
    assert {entry.date_time for entry in zipfile.ZipFile(io.BytesIO(activations_npz(given))).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }


def test_the_numbers_of_a_safetensors_file_are_aligned():
    for length in range(1, 9):
        data = activations_safetensors({"x" * length: maps(0, 2, 3)}, {"ü": "é"})
        assert int.from_bytes(data[:8], "little") % 8 == 0


@pytest.mark.parametrize("save", [activations_npz, lambda given: activations_safetensors(given, {})])
def test_sparse_tensors_are_refused(save):
    with pytest.raises(ExportError, match="'layer' put out a sparse tensor"):
        save({"layer": torch.eye(3).to_sparse()})


def test_what_safetensors_cannot_hold():
    with pytest.raises(ExportError, match="'__metadata__'; choose npz"):
        activations_safetensors({"__metadata__": maps(0, 1)}, {})
    with pytest.raises(ExportError, match="'epoch' is int"):
        activations_safetensors({"a": maps(0, 1)}, {"model": "tiny", "epoch": 3})


def test_the_callers_tensors_stay_as_they_are():
    given = other_layouts()
    before = {name: (tensor.clone(), tensor.stride()) for name, tensor in given.items()}
    activations_npz(given)
    activations_safetensors(given, {})
    for name, (values, strides) in before.items():
        assert torch.equal(given[name], values)
        assert given[name].stride() == strides


def tiny_table():
    net = nn.Sequential(nn.Conv2d(3, 8, (5, 3), stride=2, padding=(2, 1), groups=1), nn.AdaptiveAvgPool2d(1))
    return layer_table(net, torch.zeros(1, 3, 40, 32))


def test_layer_table_as_json():
    report = json.loads(layer_table_json(tiny_table(), "tiny", "ab" * 32))
    assert report["model"] == {"name": "tiny", "weights_sha256": "ab" * 32}
    assert (report["input_shape"], report["parameters"]) == ([1, 3, 40, 32], 3 * 8 * 15 + 8)
    convolution, pooling = report["layers"]
    assert convolution == {
        "name": "0",
        "kind": "Conv2d",
        "output_shape": [1, 8, 20, 16],
        "is_leaf": True,
        "is_map": True,
        "stride": [2, 2],
        "receptive_field": {"size": [5, 3], "offset": [-2, -1], "stride": [2, 2], "whole": False},
        "window": {
            "kernel_size": [5, 3],
            "stride": [2, 2],
            "padding": [2, 1],
            "dilation": [1, 1],
            "groups": 1,
        },
        "parameters": 368,
        "macs": 8 * 20 * 16 * 45,
        "depth": 1.0,
        "calls": 1,
    }
    assert pooling["receptive_field"]["whole"] is True


def test_what_is_unknown_is_null_and_fractions_are_numbers():
    field = ReceptiveField(size=(3, 3), offset=(0, 0), stride=(Fraction(1, 2), 1))
    known = Layer(
        "up", "Upsample", (1, 2, 8, 6), field, None, (Fraction(1, 2), 1), None, 0, 0, 0.0, True, True
    )
    unknown = Layer("head", "Head", (1, 10), None, None, None, None, 0, 0, 1.0, True, False)
    table = LayerTable((known, unknown), (1, 3, 4, 6), 0, 0)
    first, second = json.loads(layer_table_json(table, "tiny", ""))["layers"]
    assert first["stride"] == first["receptive_field"]["stride"] == [0.5, 1]
    assert second["stride"] is second["receptive_field"] is second["window"] is None
    assert layer_table_text(table).splitlines()[2].split()[3:5] == ["-", "-"]


def test_layer_table_as_aligned_text():
    lines = layer_table_text(tiny_table()).splitlines()
    assert [line.split("  ")[0].strip() for line in lines[:3]] == ["name", "0", "1"]
    assert len({len(line) for line in lines[:3]}) == 1
    assert "5x3" in lines[1]
    assert "115,200" in lines[1]
    assert "whole image" in lines[2]
    assert lines[-1] == "2 layers, 368 parameters, 115,200 multiply-accumulates (MACs)"


def test_predictions_as_json():
    best = (Prediction(281, "tabby", 0.75), Prediction(7, "cock", 0.125))
    entries = [
        prediction_entry("Zoë/cat\udcff.jpg", "cd" * 32, (300, 451), best),
        {"picture": "b", "error": "It is empty."},
    ]
    text = predictions_json("tiny", "ab" * 32, entries)
    assert text.isascii()
    assert json.loads(text) == {
        "model": {"name": "tiny", "weights_sha256": "ab" * 32},
        "pictures": [
            {
                "picture": "Zoë/cat\udcff.jpg",
                "sha256": "cd" * 32,
                "height": 300,
                "width": 451,
                "predictions": [
                    {"index": 281, "label": "tabby", "probability": 0.75},
                    {"index": 7, "label": "cock", "probability": 0.125},
                ],
            },
            {"picture": "b", "error": "It is empty."},
        ],
    }
