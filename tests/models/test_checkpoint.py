"""Checkpoints of one's own: every usual form is read, everything else is answered, no code ever runs."""

import argparse
import gc
import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as to_safetensors
from torch import nn

from models.checkpoint import Checkpoint, Mismatch, MismatchError, fit, outputs_of, read_checkpoint
from models.errors import CheckpointError, ModelError
from models.labels import parse_labels


def net(classes=5, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, (3, 2)), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, classes)
    )


def saved(thing, **options):
    file = io.BytesIO()
    torch.save(thing, file, **options)
    return file.getvalue()


def prefixed(prefix, state):
    return {prefix + name: value for name, value in state.items()}


class Malicious:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


STATE = net(seed=1).state_dict()


class TestForms:
    @pytest.mark.parametrize(
        "data",
        [
            saved(STATE),
            saved(STATE, _use_new_zipfile_serialization=False),
            to_safetensors(STATE),
            saved({"state_dict": STATE, "epoch": 3, "optimizer": {"param_groups": [{"lr": 0.1}]}}),
            saved({"model": STATE, "best": 0.5}),
            saved({"model_state_dict": {"state_dict": STATE}}),
            saved({"state_dict": prefixed("model.", STATE), "pytorch-lightning_version": "2.1"}),
            saved(prefixed("module.", STATE)),
            saved(prefixed("module._orig_mod.model.", STATE)),
            saved({"state_dict": {**prefixed("net.", STATE), "criterion.weight": torch.ones(2)}}),
            saved({name: value.half().float() for name, value in STATE.items()}),
            saved(dict(STATE) | {"total_ops": torch.zeros(1)}),
            saved({k: v for k, v in STATE.items() if not k.endswith("num_batches_tracked")}),
            saved({"model": net(seed=2).state_dict(), "model_ema": STATE}),
        ],
        ids=range(14),
    )
    def test_read_and_fitted(self, data, tmp_path):
        for source in (data, tmp_path / "weights"):
            if isinstance(source, Path):
                source.write_bytes(data)
            module = net(seed=3)
            fit(read_checkpoint(source), module)
            for name, value in module.state_dict().items():
                assert torch.allclose(value, STATE[name], atol=1e-2), name

    def test_half_precision_becomes_the_networks_own(self):
        module = net()
        fit(Checkpoint({name: v.half() if v.is_floating_point() else v for name, v in STATE.items()}), module)
        assert module[0].weight.dtype == torch.float32
        assert torch.equal(module[0].weight, STATE["0.weight"].half().float())

    def test_what_is_left_aside_is_told(self):
        data = saved(
            {"state_dict": {**prefixed("net.", STATE), "criterion.weight": torch.ones(2)}, "epoch": 3}
        )
        notes = fit(read_checkpoint(data), net())
        assert notes == (
            "Of the file only 'state_dict' was used, not 'epoch'.",
            "1 tensors outside 'net.' were not used: criterion.weight.",
        )

    def test_the_number_of_classes(self):
        checkpoint = Checkpoint(prefixed("module.", net(classes=7).state_dict()))
        assert outputs_of(checkpoint, net(classes=1000)) == 7
        assert outputs_of(Checkpoint({"other": torch.zeros(1)}), net()) is None
        assert outputs_of(checkpoint, nn.Sequential(nn.ReLU())) is None


class TestMismatch:
    def test_each_by_its_name_with_both_shapes(self):
        state = dict(STATE)
        del state["1.bias"]
        state["0.weight"] = torch.zeros(4, 3, 5, 5)
        state["extra.weight"] = torch.zeros(2, 3)
        module = net()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        with pytest.raises(MismatchError) as raised:
            fit(Checkpoint(state), module)
        assert raised.value.mismatches == (
            Mismatch("0.weight", (4, 3, 5, 5), (4, 3, 3, 2)),
            Mismatch("1.bias", None, (4,)),
            Mismatch("extra.weight", (2, 3), None),
        )
        assert str(raised.value).splitlines() == [
            "The checkpoint does not fit the network: 7 tensors fit, 3 don't.",
            "  0.weight: (4, 3, 5, 5) in the file, (4, 3, 3, 2) in the network",
            "  1.bias: missing in the file, the network needs (4,)",
            "  extra.weight: (2, 3) in the file, unknown to the network",
        ]
        assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())

    def test_another_number_of_classes(self):
        with pytest.raises(MismatchError, match=r"4.weight: \(9, 4\) in the file, \(5, 4\) in the network"):
            fit(Checkpoint(net(classes=9).state_dict()), net())

    def test_a_larger_network_of_the_same_family(self):
        deeper = nn.Sequential(*net(), nn.Linear(5, 5))
        with pytest.raises(MismatchError, match="unknown to the network"):
            fit(Checkpoint(deeper.state_dict()), net())

    def test_a_long_list_is_cut(self):
        many = {f"layer{i}.weight": torch.zeros(i + 1) for i in range(40)}
        with pytest.raises(MismatchError, match=r"and 40 more$") as raised:
            fit(Checkpoint(many), nn.Sequential(*(nn.Linear(2, 2) for _ in range(6))))
        assert len(raised.value.mismatches) == 40 + 12
        assert len(str(raised.value).splitlines()) == 1 + 12 + 1


class TestRefused:
    def test_code_in_a_pickle_never_runs(self, tmp_path):
        for thing in (Malicious(tmp_path / "ran"), {"state_dict": STATE, "x": Malicious(tmp_path / "ran")}):
            for data in (
                pickle.dumps(thing),
                saved(thing),
                saved(thing, _use_new_zipfile_serialization=False),
            ):
                (tmp_path / "bad.pth").write_bytes(data)
                for source in (data, tmp_path / "bad.pth"):
                    with pytest.raises(CheckpointError):
                        read_checkpoint(source)
                assert not (tmp_path / "ran").exists()

    def test_the_code_is_named(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"holds (_io|io).open.*could run anything"):
            read_checkpoint(saved(Malicious(tmp_path / "ran")))

    @pytest.mark.parametrize("thing", [net(), {"args": argparse.Namespace(lr=1), "model": STATE}])
    def test_a_whole_network_and_objects_of_programs(self, thing):
        with pytest.raises(CheckpointError, match=r"torch.save\(model.state_dict\(\)"):
            read_checkpoint(saved(thing))

    @pytest.mark.parametrize(
        "data",
        [saved(STATE), saved(STATE, _use_new_zipfile_serialization=False), to_safetensors(STATE)],
        ids=("zip", "pickle", "safetensors"),
    )
    @pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.999])
    def test_truncated(self, data, share, tmp_path):
        (tmp_path / "cut.pth").write_bytes(data[: int(len(data) * share)])
        for source in (data[: int(len(data) * share)], tmp_path / "cut.pth"):
            with pytest.raises(CheckpointError, match=r"damaged|incomplete"):
                read_checkpoint(source)

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"", "is empty"),
            (b"<html>not found</html>", "damaged, incomplete or no checkpoint"),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), "damaged, incomplete or no checkpoint"),
            (saved([1, 2]), "no weights by name but a list"),
            (saved({"epoch": 3, "lr": 0.1}), "no weights by name but a dict with 'epoch', 'lr'"),
            (saved(torch.zeros(3)), "no weights by name but a Tensor"),
            (saved({}), "no weights by name but a dict"),
        ],
        ids=range(7),
    )
    def test_no_checkpoint(self, data, why):
        with pytest.raises(CheckpointError, match=why):
            read_checkpoint(data)

    def test_no_file(self, tmp_path):
        with pytest.raises(CheckpointError, match="can't be read: No such file"):
            read_checkpoint(tmp_path / "missing.pth")
        with pytest.raises(CheckpointError, match="can't be read: Is a directory"):
            read_checkpoint(tmp_path)

    def test_a_compressed_archive_is_not_unpacked(self, tmp_path):
        bomb = tmp_path / "bomb.pth"
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", bytes(10_000_000))
        with pytest.raises(CheckpointError, match="compressed archive"):
            read_checkpoint(bomb)
        with pytest.raises(CheckpointError, match="compressed archive"):
            read_checkpoint(bomb.read_bytes())

    @pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
    def test_two_gigabytes_of_nothing(self, tmp_path, suffix):
        file = tmp_path / f"large{suffix}"
        with file.open("wb") as empty:
            empty.truncate(2 << 30)  # a hole, which takes no room on the disk
        with pytest.raises(CheckpointError, match="damaged, incomplete or no checkpoint"):
            read_checkpoint(file)

    def test_the_limit(self, tmp_path):
        (tmp_path / "weights.pth").write_bytes(saved(STATE))
        for source in (saved(STATE), tmp_path / "weights.pth"):
            with pytest.raises(CheckpointError, match=r"more than the 0.0 MB that are read"):
                read_checkpoint(source, limit=1000)

    @pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells it there")
    def test_a_large_checkpoint_takes_the_memory_of_what_is_used(self, tmp_path):
        def resident():
            return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

        file = tmp_path / "large.ckpt"
        torch.save({"state_dict": STATE, "optimizer": torch.zeros(40_000_000)}, file)
        assert file.stat().st_size > 160_000_000
        gc.collect()
        before = resident()
        fit(read_checkpoint(file), net())
        assert resident() - before < 60_000_000

    def test_a_header_that_lies(self):
        header = json.dumps({"w": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}}).encode()
        with pytest.raises(CheckpointError, match="safetensors file is damaged"):
            read_checkpoint(len(header).to_bytes(8, "little") + header + bytes(4))

    def test_a_tensor_that_claims_to_be_huge(self):
        huge = torch.zeros(1).expand(1 << 40)
        with pytest.raises(MismatchError, match="1099511627776"):
            fit(read_checkpoint(saved({**STATE, "0.bias": huge})), net())


class TestLabels:
    @pytest.mark.parametrize(
        "data",
        [
            b"cat\ndog\nEgyptian cat\n",
            b"\xef\xbb\xbfcat\r\ndog\r\nEgyptian cat",
            b'["cat", "dog", "Egyptian cat"]',
            b'{"0": "cat", "2": "Egyptian cat", "1": "dog"}',
            b'{"0": ["n1", "cat"], "1": ["n2", "dog"], "2": ["n3", "Egyptian cat"]}',
            b' {"dog": 1, "Egyptian cat": 2, "cat": 0}',
            b'{"id2label": {"0": "cat", "1": "dog", "2": "Egyptian cat"}, "depths": [4], "label2id": {}}',
            b'{"licence": "CC0", "classes": ["cat", "dog", "Egyptian cat"]}',
        ],
    )
    def test_every_form(self, data):
        assert parse_labels(data, 3) == ("cat", "dog", "Egyptian cat")

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"", "is empty"),
            (b"[]", "is empty"),
            (b"cat\n\ndog", "Line 2 of the labels is empty"),
            (b"\xff\xfe\x00", "no text in UTF-8"),
            (b'{"cat": ', "begin like JSON and are none"),
            (b"[" * 100_000, "begin like JSON and are none"),
            (b'{"0": "cat", "2": "dog"}', "no name for class 1 of 2"),
            (b"[1, 2]", "must be names"),
            (b"cat\ndog", "2 labels for 3 classes"),
        ],
    )
    def test_what_is_wrong(self, data, why):
        with pytest.raises(ModelError, match=why):
            parse_labels(data, 3)
