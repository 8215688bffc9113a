"""EfficientNet-Lite0: the same network as timm's, from the weights' bytes to every block's output."""

import hashlib
from functools import cache

import pytest
import torch
from torch import nn

import models
from models.bundled import WEIGHTS, build_efficientnet_lite0
from models.efficientnet_lite0 import STAGES, Conv2dSame, EfficientNetLite0, rename_tensors
from models.weights import PackagedWeights


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small forwards gain nothing from more threads, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def module():
    return models.load().module


@cache
def _timm_twin():
    """timm's network carrying the package's tensors, assigned by position: independent of our names."""
    models.import_torchvision()
    import timm

    twin = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    theirs, packaged = twin.state_dict(), WEIGHTS.read()
    twin.load_state_dict(dict(zip(theirs, packaged.values(), strict=True)), strict=True)
    return twin


def _outputs(module, names, x):
    kept = {}
    handles = [
        module.get_submodule(name).register_forward_hook(
            lambda _m, _x, y, name=name: kept.update({name: y.clone()})
        )
        for name in names
    ]
    try:
        with torch.inference_mode():
            logits = module(x)
    finally:
        for handle in handles:
            handle.remove()
    return logits, kept


BLOCKS = [f"blocks.{i}.{j}" for i, stage in enumerate(STAGES) for j in range(stage.blocks)]


class TestWeights:
    def test_the_file_is_the_published_one(self):
        digest = hashlib.sha256(WEIGHTS.path().read_bytes()).hexdigest()
        assert digest.startswith("57934424")
        assert digest == WEIGHTS.sha256 == models.load().digest

    def test_every_tensor_of_the_file_is_in_the_loaded_network(self, module):
        ours, packaged = module.state_dict(), WEIGHTS.read()
        assert (
            len(ours) == len(packaged) == 49 * 6 + 2
        )  # 49 convolutions with 5 tensors of norm, a classifier
        for name, tensor in rename_tensors(packaged).items():
            torch.testing.assert_close(ours[name], tensor, rtol=0, atol=0)

    def test_the_names_are_those_of_timm(self, module):
        assert list(module.state_dict()) == list(_timm_twin().state_dict())

    def test_the_load_is_strict(self, monkeypatch):
        complete = WEIGHTS.read()
        complete.pop("_fc.bias")
        monkeypatch.setattr(PackagedWeights, "read", lambda self: complete)
        with pytest.raises(RuntimeError, match=r"classifier\.bias"):
            build_efficientnet_lite0()

    def test_a_foreign_tensor_is_refused(self):
        with pytest.raises(KeyError, match="_attention"):
            rename_tensors({"_attention.weight": torch.zeros(1)})

    def test_parameters(self, module):
        assert sum(p.numel() for p in module.parameters()) == 4_652_008


class TestEqualsTimm:
    @pytest.mark.parametrize("size", [(224, 224), (97, 130), (64, 33)])
    def test_logits_and_all_block_outputs(self, module, size):
        x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(size[1]))
        names = ["conv_stem", *BLOCKS, "conv_head"]
        logits, ours = _outputs(module, names, x)
        expected, theirs = _outputs(_timm_twin(), names, x)
        for name in names:
            torch.testing.assert_close(
                ours[name], theirs[name], rtol=1e-4, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
            )
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
        assert logits.shape == (2, 1000)
        assert logits.std() > 0.1  # equal, and not because everything is zero

    def test_logits_of_a_real_picture(self, module):
        from explorer.images import decode
        from explorer.samples import sample_bytes

        x = models.load().preprocess(decode(sample_bytes("chelsea")))
        with torch.inference_mode():
            torch.testing.assert_close(module(x), _timm_twin()(x), rtol=1e-4, atol=1e-4)

    def test_the_epsilon_matters(self, module):
        x = torch.randn(1, 3, 96, 65, generator=torch.Generator().manual_seed(3))
        other = models.load().module
        for norm in other.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.eps = 1e-5
        with torch.inference_mode():
            assert (other(x) - module(x)).abs().max() > 1e-2


class TestArchitecture:
    def test_feature_maps_at_224(self, module):
        names = ["act1", *(f"blocks.{i}" for i in range(7)), "conv_head", "global_pool"]
        _, maps = _outputs(module, names, torch.zeros(1, 3, 224, 224))
        assert [tuple(maps[name].shape[1:]) for name in names] == [
            (32, 112, 112),
            (16, 112, 112),
            (24, 56, 56),
            (40, 28, 28),
            (80, 14, 14),
            (112, 14, 14),
            (192, 7, 7),
            (320, 7, 7),
            (1280, 7, 7),
            (1280, 1, 1),
        ]

    def test_a_clone_is_not_needed_to_keep_a_feature_map(self, module):
        """No module writes into its input: maps kept by reference stay what they were."""
        kept = []
        leaves = [m for m in module.modules() if not list(m.children())]
        handles = [m.register_forward_hook(lambda _m, _x, y: kept.append((y, y.clone()))) for m in leaves]
        with torch.no_grad():
            module(torch.randn(1, 3, 64, 48, generator=torch.Generator().manual_seed(0)))
        for handle in handles:
            handle.remove()
        assert len(kept) == len(leaves)
        assert all(torch.equal(now, then) for now, then in kept)

    def test_other_numbers_of_classes(self):
        assert EfficientNetLite0(classes=7).eval()(torch.zeros(2, 3, 40, 33)).shape == (2, 7)

    def test_padding_is_shown_in_the_layer(self, module):
        assert "stride=(2, 2), padding=same" in repr(module.conv_stem)


class TestConv2dSame:
    @pytest.mark.parametrize(
        ("size", "kernel_size", "stride", "zeros"),
        [
            (224, 3, 2, (0, 1)),  # 112 outputs read 2 * 111 + 3 = 225 pixels: one zero, at the end
            (225, 3, 2, (1, 1)),  # 113 outputs read 227
            (7, 5, 2, (2, 2)),  # 4 outputs read 11
            (8, 5, 2, (1, 2)),  # 4 outputs read 11
            (9, 1, 2, (0, 0)),  # 5 outputs read 9
            (5, 1, 3, (0, 0)),  # 2 outputs read 4: fewer than there are, and still no padding
        ],
    )
    def test_zeros_by_hand(self, size, kernel_size, stride, zeros):
        conv = Conv2dSame(2, 3, kernel_size, stride)
        assert conv.zeros(size, 0) == conv.zeros(size, 1) == zeros

    def test_values_by_hand(self):
        conv = Conv2dSame(1, 1, 3, 2)
        nn.init.ones_(conv.weight)
        x = torch.arange(1.0, 7.0).view(1, 1, 2, 3)  # 1 2 3 / 4 5 6
        # Height 2 gets one zero row below, width 3 one zero column on either side.
        assert conv(x).tolist() == [[[[1 + 2 + 4 + 5, 2 + 3 + 5 + 6]]]]

    @pytest.mark.parametrize("size", [(1, 1), (1, 6), (13, 8)])
    def test_output_size(self, size):
        conv = Conv2dSame(3, 5, 5, 2)
        assert conv(torch.zeros(2, 3, *size)).shape == (2, 5, -(-size[0] // 2), -(-size[1] // 2))
