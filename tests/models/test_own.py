"""Models of one's own: architectures by name and from one's own code, checkpoints, labels, the twin."""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import models
from models import torchvision_models
from models.building import quietly, state_digest
from models.bundled import BundledModels
from models.own import OwnModels, load_own, own_model, own_spec
from models.registry import Registry
from tests.test_models_preprocessing import picture

CODE = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self, channels=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 3)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.conv(x).relu().mean((2, 3)))

def build():
    torch.manual_seed(1)
    return Small()

ready = Small(3)
number = 3

def fails():
    raise KeyError("weights")

def text():
    return "no network"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with somebody's package, which leaves no trace in this process."""
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "mypkg/__init__.py").touch()
    (tmp_path / "mypkg/mymodule.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mypkg", "mymodule")]:
        del sys.modules[name]


def squeezenet(classes, path, prefix=""):
    with quietly(3):
        module = torchvision_models.build("squeezenet1_1", classes)
    torch.save({prefix + name: value for name, value in module.state_dict().items()}, path)
    return module


class TestCheckpointOfALibrarysArchitecture:
    @pytest.mark.parametrize(
        "name", ["squeezenet1_1", "torchvision/squeezenet1_1", "squeezenet1_1.IMAGENET1K_V1"]
    )
    def test_the_number_of_classes_is_that_of_the_file(self, name, tmp_path):
        module = squeezenet(7, tmp_path / "w.pth", prefix="module.")
        model = load_own(own_model(name, weights=tmp_path / "w.pth"))
        assert state_digest(model.module) == state_digest(module)
        assert model.spec.source == "own"
        assert model.spec.title == f"{name.rpartition('/')[2]} (w.pth)"
        assert model.preprocess == models.find("squeezenet1_1").preprocessing
        assert not model.module.training
        assert not any(p.requires_grad for p in model.module.parameters())

    def test_timm_labels_and_preparation(self, tmp_path):
        from models import timm_models

        with quietly(4):
            module = timm_models.build("test_resnet", 2)
        torch.save({"state_dict": module.state_dict()}, tmp_path / "w.ckpt")
        (tmp_path / "labels.txt").write_text("cat\ndog\n")
        model = load_own(
            own_model(
                "timm/test_resnet",
                weights=tmp_path / "w.ckpt",
                classes=2,
                labels=tmp_path / "labels.txt",
                size=48,
                mean=(0.1, 0.2, 0.3),
                std=(1.0, 1.0, 1.0),
            )
        )
        assert model.labels == ("cat", "dog")
        x = model.preprocess(picture(60, 80))
        assert x.shape == model.spec.input_shape == (1, 3, 48, 48)
        best = models.top_predictions(model.module(x), model.labels)
        assert {p.label for p in best} == {"cat", "dog"}

    @pytest.mark.parametrize("name", ["torchvision/squeezenet1_1", "timm/test_resnet", "efficientnet_lite0"])
    def test_pictures_in_grey(self, name, tmp_path):
        grey = models.Preprocessing(40, 40, (0.4,), (0.2,))
        untrained = load_own(models.OwnModel(name, classes=4, preprocessing=grey))
        torch.save(untrained.module.state_dict(), tmp_path / "w.pth")
        model = load_own(models.OwnModel(name, tmp_path / "w.pth", preprocessing=grey))
        x = model.preprocess(picture(60, 80))
        assert x.shape == (1, 1, 40, 40)
        assert model.module(x).shape == (1, 4)
        assert torch.equal(model.module(x), untrained.module(x))
        colours = models.OwnModel(name, tmp_path / "w.pth")
        with pytest.raises(models.MismatchError, match="in the file"):
            load_own(colours)

    def test_the_bundled_architecture(self, tmp_path):
        torch.save(models.load().module.state_dict(), tmp_path / "w.pth")
        model = load_own(own_model("efficientnet_lite0", weights=tmp_path / "w.pth"))
        assert state_digest(model.module) == state_digest(models.load().module)

    def test_uploaded_bytes(self, tmp_path):
        module = squeezenet(3, tmp_path / "w.pth")
        own = models.OwnModel("squeezenet1_1", (tmp_path / "w.pth").read_bytes())
        model = load_own(own)
        assert state_digest(model.module) == state_digest(module)
        assert model.digest == load_own(own_model("squeezenet1_1", weights=tmp_path / "w.pth")).digest
        with pytest.raises(models.ModelError, match="no file"):
            own.to_json()

    def test_classes_without_names_have_numbers(self, tmp_path):
        squeezenet(3, tmp_path / "w.pth")
        model = load_own(own_model("squeezenet1_1", weights=tmp_path / "w.pth"))
        best = models.top_predictions(model.module(torch.rand(1, 3, 64, 64)), model.labels)
        assert {p.label for p in best} == {"class 0", "class 1", "class 2"}

    def test_a_mismatch_names_the_file_and_both_shapes(self, tmp_path):
        squeezenet(3, tmp_path / "w.pth")
        with pytest.raises(models.MismatchError) as raised:
            load_own(own_model("squeezenet1_1", weights=tmp_path / "w.pth", classes=4))
        assert str(raised.value).startswith(f"{tmp_path}/w.pth: The checkpoint does not fit the network")
        assert "classifier.1.weight: (3, 512, 1, 1) in the file, (4, 512, 1, 1) in the network" in str(
            raised.value
        )
        with pytest.raises(models.MismatchError, match=r"features.0.weight"):
            load_own(own_model("squeezenet1_0", weights=tmp_path / "w.pth"))

    def test_what_cannot_be(self, tmp_path):
        gone = own_model("squeezenet1_1", weights=tmp_path / "missing.pth")
        assert own_spec(gone).size_in_bytes is None
        with pytest.raises(models.ModelError, match=r"missing.pth: The file can't be read: No such file"):
            load_own(gone)
        with pytest.raises(
            models.UnknownModelError, match=r"no architecture 'squeeze'.*mypkg.mymodule:build"
        ):
            own_spec(own_model("squeeze", weights=Path(__file__)))
        (tmp_path / "labels.txt").write_text("cat\ndog\n")
        squeezenet(5, tmp_path / "w.pth")
        with pytest.raises(models.ModelError, match="It has 5 classes, and there are 2 labels"):
            load_own(own_model("squeezenet1_1", weights=tmp_path / "w.pth", labels=tmp_path / "labels.txt"))
        with pytest.raises(models.ModelError, match="2 labels for 3 classes"):
            own_model("squeezenet1_1", classes=3, labels=tmp_path / "labels.txt")
        with pytest.raises(models.ModelError, match=r"labels.json can't be read: No such file"):
            own_model("squeezenet1_1", labels=tmp_path / "labels.json")
        with pytest.raises(models.ModelError, match="one number per channel"):
            own_model("squeezenet1_1", mean=(0.5, 0.5))


class TestOnesOwnCode:
    @pytest.mark.parametrize(
        "name", ["mypkg.mymodule:build", "mypkg/mymodule.py:build", "mypkg.mymodule:Small"]
    )
    def test_a_module_or_a_file(self, folder, name):
        model = load_own(own_model(name, size=20, mean=(0.5,)))
        assert type(model.module).__name__ == "Small"
        x = model.preprocess(picture(30, 40))
        assert x.shape == (1, 1, 20, 20)
        assert model.module(x).shape == (1, 3)
        assert model.digest == state_digest(model.module)

    def test_a_network_itself(self, folder):
        assert load_own(own_model("mypkg.mymodule:ready")).module.conv.in_channels == 3

    def test_with_weights(self, folder):
        first = load_own(own_model("mypkg.mymodule:build", mean=(0.5,)))
        torch.save({"model": first.module.state_dict()}, folder / "w.pt")
        with torch.no_grad():
            again = load_own(own_model("mypkg.mymodule:Small", weights=folder / "w.pt", mean=(0.5,)))
        assert state_digest(again.module) == first.digest
        assert again.digest != first.digest  # that of the file

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("mypkg.mymodule:nothing", r"has no 'nothing'; it has .*build"),
            ("mypkg.mymodule:number", "is a int, neither a network nor a function"),
            ("mypkg.mymodule:text", "made a str, and a torch.nn.Module is needed"),
            ("mypkg.mymodule:fails", r"fails\(\) failed: KeyError"),
            ("mypkg.other:build", "can't be imported: ModuleNotFoundError"),
            ("mypkg/other.py:build", "can't be imported: FileNotFoundError"),
        ],
    )
    def test_what_is_wrong(self, folder, name, why):
        with pytest.raises(models.ModelError, match=why):
            load_own(own_model(name))


class TestTheAppLearnsOfIt:
    def test_through_its_environment(self, folder):
        own = own_model("mypkg.mymodule:build", size=20, mean=(0.5,))
        registry = Registry([OwnModels({models.STARTED_ON: own.to_json()})])
        assert registry.names() == ("own",)
        assert registry.load("own").module.conv.weight.shape == (4, 1, 3, 3)
        assert registry.load("own").preprocess == own.preprocessing
        assert json.loads(own.to_json())["folder"] == str(folder)

    def test_paths_hold_elsewhere(self, folder, monkeypatch):
        squeezenet(2, folder / "w.pth")
        text = own_model("squeezenet1_1", weights=Path("w.pth")).to_json()
        monkeypatch.chdir("/")
        registry = Registry([OwnModels({models.STARTED_ON: text})])
        assert registry.spec("own").size_in_bytes == (folder / "w.pth").stat().st_size

    def test_a_librarys_model(self):
        registry = Registry([OwnModels({models.STARTED_ON: "torchvision/resnet18.IMAGENET1K_V1"})])
        assert [spec.title for spec in registry.available()] == ["resnet18 (IMAGENET1K_V1)"]

    @pytest.mark.parametrize("mark", ["", "@untrained"])
    def test_the_bundled_model(self, mark):
        name = "efficientnet_lite0" + mark
        registry = Registry([OwnModels({models.STARTED_ON: name}), BundledModels()])
        assert registry.names()[0] == name
        found = registry.spec(name)
        assert (found.source, found.available_offline) == (models.find(name).source, True)
        assert found.build()[1] == models.find(name).build()[1]

    def test_nothing_and_nonsense(self):
        assert OwnModels({}).names() == ()
        with pytest.raises(models.ModelError, match="not what `python -m explorer run` writes"):
            OwnModels({models.STARTED_ON: "{}"}).spec("own")


class TestUntrainedTwin:
    def test_of_the_bundled_model(self):
        trained, twin = models.load(), models.load("efficientnet_lite0@untrained")
        assert twin.spec.title == "Untrained EfficientNet-Lite0"
        assert twin.spec.available_offline
        assert {k: v.shape for k, v in twin.module.state_dict().items()} == {
            k: v.shape for k, v in trained.module.state_dict().items()
        }
        assert twin.digest not in (trained.digest, models.load("efficientnet_lite0@untrained=1").digest)
        assert (
            twin.digest
            == models.load("efficientnet_lite0@untrained=0").digest
            == models.untrained_twin(trained).digest
        )
        assert twin.labels == trained.labels

    @pytest.mark.parametrize(
        "name", ["torchvision/squeezenet1_1.IMAGENET1K_V1", "timm/test_resnet.r160_in1k"]
    )
    def test_of_a_librarys_model_needs_no_weights(self, name, caches):
        twin = models.load(models.untrained_name(name, 3))
        assert twin.spec.name == f"{name}@untrained=3"
        assert twin.module(torch.rand(1, 3, 96, 96)).shape == (1, 1000)

    def test_of_ones_own(self, folder):
        trained = load_own(own_model("mypkg.mymodule:build", mean=(0.5,)))
        twin = models.untrained_twin(trained, seed=2)
        assert twin.digest == models.untrained_twin(trained, seed=2).digest != trained.digest
        weights, others = trained.module.conv.weight, twin.module.conv.weight
        assert weights.shape == others.shape
        assert not torch.equal(weights, others)

    def test_of_ones_own_checkpoint(self, tmp_path):
        squeezenet(6, tmp_path / "w.pth")
        twin = models.untrained_twin(load_own(own_model("squeezenet1_1", weights=tmp_path / "w.pth")))
        assert twin.module(torch.rand(1, 3, 64, 64)).shape == (1, 6)

    def test_nothing_of_the_training_remains(self):
        from models.untrained import reinitialized

        class Scaled(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm = nn.BatchNorm2d(3)
                self.gamma = nn.Parameter(torch.arange(50.0))

        trained = Scaled()
        trained.norm.running_mean += 5
        before = trained.gamma.detach().clone()
        twin = reinitialized(trained)
        assert twin.norm.running_mean.eq(0).all()
        assert not torch.equal(twin.gamma, before)
        assert torch.equal(twin.gamma.sort().values, before)
        assert torch.equal(trained.gamma, before)
        assert trained.norm.running_mean.eq(5).all()

    def test_names_that_are_none(self):
        with pytest.raises(models.UnknownModelError):
            models.find("efficientnet_lite0@untrained=x")
