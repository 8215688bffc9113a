"""torchvision and timm as sources: the lists, the preparation, the labels, and the real way of loading."""

import hashlib
import random
import re

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save as to_safetensors

import models
from models import timm_models, torchvision_models
from models.building import quietly, state_digest
from models.registry import REGISTRY
from tests.test_models_preprocessing import picture as picture_like

SMALL = "torchvision/squeezenet1_1.IMAGENET1K_V1"
TINY = "timm/test_resnet.r160_in1k"


@pytest.fixture(scope="module")
def tiny():
    with quietly(5):
        return timm_models.build("test_resnet.r160_in1k")


def bytes_of(state, tmp_path):
    torch.save(state, tmp_path / "saved")
    return (tmp_path / "saved").read_bytes()


class TestLists:
    def test_every_weights_entry_of_every_cnn_of_torchvision(self):
        library = torchvision_models._models()
        wanted = {
            f"torchvision/{model}.{entry.name}"
            for model in library.list_models(module=library)
            for entry in library.get_model_weights(model)
            if not re.match(r"vit_|swin_|maxvit", model)
        }
        names = torchvision_models.TorchvisionModels().names()
        assert set(names) == wanted
        assert len(names) == len(wanted) > 90

    def test_every_pretrained_cnn_of_timm(self):
        import timm

        names = timm_models.TimmModels().names()
        assert len(names) == len(set(names)) > 900
        trained = {name.removeprefix("timm/") for name in names if not name.endswith("@untrained")}
        assert trained == {n for n in timm.list_pretrained() if timm_models.is_cnn(n.partition(".")[0])}
        rest = {name.removeprefix("timm/").removesuffix("@untrained") for name in names if "@" in name}
        assert rest == set(timm_models.architectures()) - {name.partition(".")[0] for name in trained}
        assert "densenet264d" in rest

    @pytest.mark.parametrize(
        ("typed", "name"),
        [
            ("resnet50", "torchvision/resnet50.IMAGENET1K_V2"),
            ("resnet50.imagenet1k_v1", "torchvision/resnet50.IMAGENET1K_V1"),
            ("torchvision/ResNet50", "torchvision/resnet50.IMAGENET1K_V2"),
            ("timm/resnet50", "timm/resnet50.a1_in1k"),
            ("resnet50.a1_in1k", "timm/resnet50.a1_in1k"),
            ("convnext_atto", "timm/convnext_atto.d2_in1k"),
            ("timm/densenet264d@untrained", "timm/densenet264d@untrained"),
            ("resnet18@untrained=3", "torchvision/resnet18.IMAGENET1K_V1@untrained=3"),
            ("efficientnet_lite0", "efficientnet_lite0"),
        ],
    )
    def test_short_names(self, typed, name):
        assert models.find(typed).name == name

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("vit_b_16", "transformer"),
            ("timm/vit_base_patch16_224", "no CNN"),
            ("caformer_s18", "no CNN"),
            ("vision_transformer", "no CNN"),
            ("resnet18.no_such_tag", "did you mean 'timm/resnet18"),
            ("timm/resnet", "no model 'timm/resnet'"),
            ("timm/resnet51", "did you mean 'timm/resnet5"),
            ("torchvision/resnet18.a1_in1k", "no model 'torchvision/resnet18.a1_in1k'"),
            ("elsewhere/resnet18", "no model 'elsewhere/resnet18'"),
        ],
    )
    def test_what_there_is_not(self, name, why):
        with pytest.raises(models.UnknownModelError, match=why):
            models.find(name)

    def test_a_search_as_one_types(self):
        found = models.search("ConvNeXt tiny")
        assert found[0] == "torchvision/convnext_tiny.IMAGENET1K_V1"
        assert "timm/convnext_tiny.fb_in1k" in found
        assert all("convnext" in name and "tiny" in name for name in found)
        assert models.search("CONVNEXT-TINY", limit=3) == found[:3]
        assert models.search("no such network") == ()
        assert models.search("") == REGISTRY.all_names()

    def test_the_shown_models_are_few(self):
        assert [spec.name for spec in models.available()] == ["efficientnet_lite0"]
        assert models.default_name() == "efficientnet_lite0"


class TestSpecs:
    def test_a_model_of_torchvision(self):
        spec = models.find("resnet50")
        assert (spec.parameters, spec.input_shape, len(spec.labels)) == (25_557_032, (1, 3, 224, 224), 1000)
        assert spec.labels == models.imagenet_labels()
        assert 102_000_000 < spec.size_in_bytes < 103_000_000
        assert "80.858 %" in spec.description

    def test_weights_that_name_nothing(self):
        assert models.find("vgg16.IMAGENET1K_FEATURES").labels == ()
        assert models.find("timm/resnet50_clip.openai").labels == ()

    def test_a_larger_imagenet(self):
        spec = models.find("timm/convnext_nano.in12k")
        assert len(spec.labels) == 11821
        assert spec.licence == "apache-2.0"

    @pytest.mark.parametrize("seed", range(4))
    def test_torchvisions_own_preparation(self, seed):
        rng = random.Random(seed)
        name = rng.choice(torchvision_models.TorchvisionModels().names())
        picture = picture_like(rng.randint(40, 400), rng.randint(40, 400), seed)
        _, weights = torchvision_models._entries()[name]
        expected = weights.transforms()(Image.fromarray(picture.rgb))[None]
        assert torch.allclose(models.find(name).preprocessing(picture), expected, atol=1e-5), name

    @pytest.mark.parametrize(
        "name",
        [
            "resnet18.a1_in1k",
            "convnext_tiny.fb_in22k_ft_in1k_384",
            "dm_nfnet_f0.dm_in1k",
            "hrnet_w18.ms_in1k",
        ],
    )
    def test_timms_own_preparation(self, name):
        import timm

        picture = picture_like(150, 271, 1)
        data = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
        expected = timm.data.create_transform(**data, is_training=False)(Image.fromarray(picture.rgb))[None]
        assert torch.allclose(models.find(f"timm/{name}").preprocessing(picture), expected, atol=1e-5)

    def test_every_spec_can_be_made(self):
        names = random.Random(1).sample(REGISTRY.all_names(), 100)
        for name in names:
            spec = models.find(name)
            assert spec.name == name
            assert spec.random is not None
            assert spec.available_offline is (name == "efficientnet_lite0" or "@untrained" in name)


class TestLoading:
    @pytest.fixture
    def served(self, server, tmp_path, monkeypatch):
        """Random weights of a model of torchvision, on a server, under a name with their sha256."""
        with quietly(7):
            module = torchvision_models.build("squeezenet1_1")
        data = bytes_of(module.state_dict(), tmp_path)
        path = f"/squeezenet1_1-{hashlib.sha256(data).hexdigest()[:8]}.pth"
        server.content[path] = data
        _, weights = torchvision_models._entries()[SMALL]
        monkeypatch.setattr(weights.value, "url", server.address + path)
        return module, data

    def test_torchvision_from_a_server(self, served):
        module, data = served
        spec, steps = models.find(SMALL), []
        assert not spec.available_offline
        assert SMALL not in models.installed()
        model = models.load(SMALL, lambda done, total: steps.append((done, total)))
        assert steps[-1] == (len(data), len(data))
        assert state_digest(model.module) == state_digest(module)
        assert model.digest == hashlib.sha256(data).hexdigest()
        assert not model.module.training
        assert spec.available_offline
        assert spec.size() == 0
        assert SMALL in models.installed()

    def test_torchvision_from_the_cache_alone(self, served, server, caches):
        module, data = served
        place = models.find(SMALL).weights.place
        place.parent.mkdir(parents=True)
        place.write_bytes(data)
        assert state_digest(models.load(SMALL).module) == state_digest(module)
        assert server.asked == []

    def test_a_pickle_with_code_in_the_cache_is_not_run(self, server, tmp_path, monkeypatch):
        data = bytes_of({"features.0.weight": Malicious(tmp_path / "ran")}, tmp_path)
        path = f"/squeezenet1_1-{hashlib.sha256(data).hexdigest()[:8]}.pth"
        server.content[path] = data
        _, weights = torchvision_models._entries()[SMALL]
        monkeypatch.setattr(weights.value, "url", server.address + path)
        with pytest.raises(models.CheckpointError, match="could run anything"):
            models.load(SMALL)
        assert not (tmp_path / "ran").exists()

    def test_timm_from_a_server(self, server, tiny):
        path = "/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"
        server.content[path] = to_safetensors(tiny.state_dict())
        spec = models.find(TINY)
        assert spec.size() == len(server.content[path])
        model = models.load(TINY)
        assert state_digest(model.module) == state_digest(tiny)
        assert model.digest == hashlib.sha256(server.content[path]).hexdigest()
        assert TINY in models.installed()
        models.load("test_resnet")
        assert server.sent() == [path]

    def test_timm_put_there_by_hand(self, caches, tiny):
        place = models.find(TINY).weights.place
        place.parent.mkdir(parents=True)
        place.write_bytes(to_safetensors(tiny.state_dict()))
        assert state_digest(models.load(TINY).module) == state_digest(tiny)

    def test_the_weights_of_another_network(self, caches, tiny):
        place = models.find(TINY).weights.place
        place.parent.mkdir(parents=True)
        place.write_bytes(to_safetensors({"conv1.weight": torch.zeros(2, 3, 3, 3)}))
        with pytest.raises(models.ModelError, match=r"does not hold the weights of test_resnet.r160_in1k"):
            models.load(TINY)

    def test_no_network(self, server, caches):
        server.shutdown()
        server.server_close()
        with pytest.raises(models.OfflineError) as raised:
            models.load(TINY)
        message = str(raised.value)
        assert "Without a network there is efficientnet_lite0, and any model @untrained." in message
        assert str(models.find(TINY).weights.place) in message

    def test_no_weights_at_all(self, caches):
        with pytest.raises(models.ModelError, match=r"no weights for densenet264d; densenet264d@untrained"):
            models.load("timm/densenet264d")

    def test_random_numbers_stay(self, caches, tiny):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        models.load(f"{TINY}@untrained")
        assert torch.equal(torch.rand(3), expected)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def test_grey_and_squashed_preparation():
    picture = picture_like(60, 90, 2)
    grey = models.Preprocessing(32, 32, (0.5,), (0.25,), "bilinear")
    assert grey(picture).shape == grey.input_shape == (1, 1, 32, 32)
    small = (
        Image.fromarray(picture.rgb)
        .convert("L")
        .resize((48, 32), Image.Resampling.BILINEAR)
        .crop((8, 0, 40, 32))
    )
    assert torch.allclose(
        grey(picture)[0, 0], torch.from_numpy(np.asarray(small) / 255 - 0.5).float() / 0.25, atol=1e-6
    )
    squashed = models.Preprocessing(32, 32, (0.0,) * 3, (1.0,) * 3, squash=True)
    assert squashed.visible_box(60, 90) == (0.0, 0.0, 60.0, 90.0)
    assert "Both sides" in squashed.describe()
    assert "in grey" in grey.describe()
