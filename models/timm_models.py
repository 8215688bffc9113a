"""The source "timm": every model of timm that is a CNN, with every set of weights that timm knows.

The lists come from timm (`list_models`, `list_pretrained`), and so do the preprocessing (`pretrained_cfg`),
the labels and the code that builds a network. A network's name is `timm/` with timm's own name behind it,
`timm/convnext_tiny.fb_in1k`. Architectures without weights are listed as their untrained twins.

What counts as a CNN: positions of the picture are mixed by convolutions and poolings only, up to the last
feature map. Left out is what multiplies two matrices that both come from the picture, which is attention in
all its forms and state-space models, and what mixes positions by fully connected or recurrent layers. Gates
that see the whole picture and give one number per channel (squeeze-and-excitation, global context) don't
count. timm has no field that says so; what is left out is listed in `OTHER_FAMILIES` and `OTHER_MODELS`, and
a test holds the lists against the operations that the networks run.
"""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from functools import cache, partial
from operator import ne
from typing import Any

from torch import nn

from models.building import quietly
from models.checkpoint import read_checkpoint
from models.download import RemoteFile, WebFile
from models.errors import ModelError, UnknownModelError
from models.hub import NAMES, HubFile, present
from models.labels import imagenet_labels
from models.preprocessing import Preprocessing
from models.spec import BuiltModel, ModelSource, ModelSpec
from models.torchvision_ops import import_torchvision

PREFIX = "timm/"
UNTRAINED = "@untrained"

OTHER_FAMILIES = frozenset(
    [
        "beit",
        "byoanet",
        "cait",
        "coat",
        "convit",
        "cpubone",
        "crossvit",
        "csatv2",
        "davit",
        "deepseek_vit",
        "deit",
        "edgenext",
        "efficientformer",
        "efficientformer_v2",
        "efficientvim",
        "efficientvit_mit",
        "efficientvit_msra",
        "eva",
        "gcvit",
        "gemma4_vit",
        "hiera",
        "hieradet_sam2",
        "iformer",
        "levit",
        "maxxvit",
        "mlp_mixer",
        "mobilenetv5",
        "mvitv2",
        "naflexvit",
        "nest",
        "nextvit",
        "pit",
        "pvt_v2",
        "qwen3_vit",
        "sequencer",
        "shvit",
        "swin_transformer",
        "swin_transformer_v2",
        "swin_transformer_v2_cr",
        "tiny_vit",
        "tnt",
        "twins",
        "vision_transformer",
        "vision_transformer_hybrid",
        "vision_transformer_relpos",
        "vision_transformer_sam",
        "visformer",
        "vitamin",
        "volo",
        "xcit",
    ]
)
"""timm's modules in which every network mixes positions by something else than convolution and pooling."""

OTHER_MODELS = (
    *("bat_resnext26ts", "caformer_*", "fastvit_ma*", "fastvit_mci*", "fastvit_sa*"),
    *("lowformer_b*", "lowformer_e3", "mobilenetv4_hybrid_*", "mobilevit_*"),
)
"""Networks that do so in modules that have CNNs as well."""


class TimmModels(ModelSource):
    """All CNNs of timm, which is imported at the first question (it takes seconds)."""

    def names(self) -> tuple[str, ...]:
        """`timm/MODEL.WEIGHTS` for each set of weights, and `timm/MODEL@untrained` where there is none."""
        return _names()

    def resolve(self, name: str) -> str | None:
        """`convnext_tiny` means its default weights; `timm/` may be left out; case makes no difference.

        Raises:
            UnknownModelError: For a model that timm has and that is no CNN.
        """
        plain = name.removeprefix(PREFIX).lower()
        if "/" in plain:
            return None
        if (found := _by_short_name().get(plain)) is not None:
            return found
        model = plain.partition(".")[0]
        if model in OTHER_FAMILIES or (model in _timm().list_models() and not is_cnn(model)):
            raise UnknownModelError(
                f"timm's {model} is no CNN (it mixes positions by attention or the like), and only CNNs can "
                "be explored."
            )
        return None

    def spec(self, name: str) -> ModelSpec:
        """The model `name`, one of `names()` or of what `resolve` returns."""
        model = name.removeprefix(PREFIX)
        cfg = _timm().get_pretrained_cfg(model)
        file = _file(cfg)
        return ModelSpec(
            name=name,
            title=f"{cfg.architecture} ({cfg.tag})" if file else model,
            source="timm",
            description=_description(model, cfg, file),
            licence=cfg.license or "not stated",
            parameters=None,
            size_in_bytes=None,
            preprocessing=_preprocessing(cfg),
            labels=_labels(cfg.num_classes),
            builder=partial(_build, model, file),
            offline=lambda: file is not None and file.path() is not None,
            random=partial(build, model),
            weights=file,
        )

    def installed(self) -> tuple[str, ...]:
        """Those whose weights lie in the Hub's or torch.hub's cache."""
        return present(_files())


def architectures() -> tuple[str, ...]:
    """The names of timm's CNNs, without weights."""
    return tuple(model for model in _timm().list_models() if is_cnn(model))


def is_cnn(model: str) -> bool:
    """Whether an architecture of timm counts as a CNN, by the rule above."""
    return family(model) not in OTHER_FAMILIES and not any(fnmatchcase(model, one) for one in OTHER_MODELS)


def family(model: str) -> str:
    """The module of timm that an architecture is written in, such as "resnet"."""
    return str(_timm().model_entrypoint(model).__module__.rpartition(".")[2])


def build(model: str, classes: int | None = None) -> nn.Module:
    """An architecture with random weights, drawn from PyTorch's generator.

    Args:
        model: One of `architectures()`, with or without the name of weights behind it.
        classes: Number of outputs; None for what the weights of that name have.
    """
    given = {} if classes is None else {"num_classes": classes}
    module: nn.Module = _timm().create_model(model, pretrained=False, **given)
    return module


def _build(model: str, file: RemoteFile | None) -> BuiltModel:
    if file is None:
        raise ModelError(
            f"timm has no weights for {model}; {model}{UNTRAINED} is the network without training."
        )
    digest, path = file.digest(), file.path()
    read_checkpoint(
        path or file.place
    )  # says in plain words what is wrong with a file that timm would refuse
    try:
        with quietly():
            # timm takes the file as it takes a downloaded one: renames tensors, checks every shape.
            overlay = {"file": str(path), "custom_load": False}
            module = _timm().create_model(model, pretrained=True, pretrained_cfg_overlay=overlay)
    except (RuntimeError, KeyError, ValueError) as error:
        raise ModelError(f"The file {path} does not hold the weights of {model}: {error}") from error
    return BuiltModel(module, digest)


def _file(cfg: Any) -> RemoteFile | None:
    """Where timm itself would get the weights from."""
    if cfg.hf_hub_id:
        return HubFile(cfg.hf_hub_id, (cfg.hf_hub_filename,) if cfg.hf_hub_filename else NAMES)
    return WebFile(cfg.url) if cfg.url else None


def _preprocessing(cfg: Any) -> Preprocessing:
    """As `timm.data.create_transform` evaluates."""
    _, height, width = cfg.input_size
    return Preprocessing(
        resize=math.floor(min(height, width) / cfg.crop_pct),
        crop=min(height, width),
        mean=tuple(cfg.mean),
        std=tuple(cfg.std),
        interpolation=cfg.interpolation,
        squash=cfg.crop_mode == "squash",
    )


@cache
def _labels(classes: int) -> tuple[str, ...]:
    """Names of the classes by their number, which tells the part of ImageNet, as timm itself concludes."""
    if classes == 1000:
        return imagenet_labels()
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": classes})
    return tuple(ImageNetInfo(subset).label_descriptions()) if subset else ()


def _description(model: str, cfg: Any, file: RemoteFile | None) -> str:
    if file is None:
        return f"timm's {model}, for which there are no weights: it can be explored untrained."
    known = _labels(cfg.num_classes)
    does = f"tells {cfg.num_classes} classes apart" if known else "makes features and names nothing"
    return f"timm's {model}; it {does}."


def _timm() -> Any:
    import_torchvision()
    import timm

    return timm


@cache
def _names() -> tuple[str, ...]:
    timm = _timm()
    trained: dict[str, list[str]] = {}
    for name in timm.list_pretrained():
        trained.setdefault(name.partition(".")[0], []).append(name)
    names = []
    for model in architectures():
        best = timm.get_pretrained_cfg(model)
        # The default weights first; timm lists them by name.
        tags = sorted(trained.get(model, []), key=partial(ne, f"{model}.{best.tag}"))
        names += [PREFIX + name for name in tags] or [f"{PREFIX}{model}{UNTRAINED}"]
    return tuple(names)


@cache
def _files() -> dict[str, RemoteFile]:
    cfgs = {
        name: _timm().get_pretrained_cfg(name.removeprefix(PREFIX))
        for name in _names()
        if UNTRAINED not in name
    }
    return {name: file for name, cfg in cfgs.items() if (file := _file(cfg)) is not None}


@cache
def _by_short_name() -> dict[str, str]:
    short: dict[str, str] = {}
    for name in _names():
        full = name.removesuffix(UNTRAINED)
        plain = full.removeprefix(PREFIX).lower()
        short.setdefault(plain.partition(".")[0], full)
        short[plain] = full
    return short
