"""Networks by the name of their architecture, to be filled with a checkpoint of one's own."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from torch import nn

from models import timm_models, torchvision_models
from models.bundled import BundledModels
from models.efficientnet_lite0 import EfficientNetLite0
from models.errors import ModelError, UnknownModelError
from models.preprocessing import Preprocessing
from models.timm_models import TimmModels
from models.torchvision_models import TorchvisionModels

IMAGENET = Preprocessing(256, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear")
"""How networks are usually trained, where nothing else is known."""


@dataclass(frozen=True)
class Architecture:
    """A kind of network, without weights.

    Attributes:
        name: As it was asked for.
        build: Makes the network with so many classes and random weights; None for its usual number.
        preprocessing: How pictures are prepared for it, where nobody says otherwise.
    """

    name: str
    build: Callable[[int | None], nn.Module]
    preprocessing: Preprocessing


def architecture(name: str, folder: Path | None = None) -> Architecture:
    """The architecture of that name.

    Args:
        name: A model of torchvision or timm, such as `resnet18` or `timm/resnet18` (weights in the name are
            left out), the bundled one, or `mypkg.mymodule:build` and `path/to/file.py:build` for what makes a
            network of one's own: a class or function without arguments, or the network itself. Importing
            runs that module's code.
        folder: Where `mypkg` and `path` begin; None for the folder at work.

    Raises:
        UnknownModelError: If no library has it; the message lists the close names.
        ModelError: If one's own module can't be imported, or makes no network.
    """
    if ":" in name:
        return Architecture(name, lambda _classes: _own(name, folder or Path.cwd()), IMAGENET)
    if (found := BundledModels().resolve(name)) is not None:
        return Architecture(name, _efficientnet_lite0, BundledModels().spec(found).preprocessing)
    if (found := TorchvisionModels().resolve(name)) is not None:
        model = found.removeprefix(torchvision_models.PREFIX).partition(".")[0]
        return Architecture(
            name, partial(torchvision_models.build, model), TorchvisionModels().spec(found).preprocessing
        )
    if (found := TimmModels().resolve(name)) is not None:
        model = found.removeprefix(timm_models.PREFIX)
        return Architecture(name, partial(timm_models.build, model), TimmModels().spec(found).preprocessing)
    raise UnknownModelError(
        f"There is no architecture {name!r} in torchvision or timm. A network of your own is given as "
        "mypkg.mymodule:build."
    )


def _efficientnet_lite0(classes: int | None) -> nn.Module:
    return EfficientNetLite0(1000 if classes is None else classes)


def _own(name: str, folder: Path) -> nn.Module:
    module_name, _, attribute = name.rpartition(":")
    module = _imported(module_name, folder)
    made = getattr(module, attribute, None)
    if made is None:
        known = ", ".join(key for key in vars(module) if not key.startswith("_"))
        raise ModelError(f"{module_name} has no {attribute!r}; it has {known or 'nothing'}.")
    if not isinstance(made, nn.Module):
        if not callable(made):
            raise ModelError(
                f"{name} is a {type(made).__name__}, neither a network nor a function that makes one."
            )
        made = _called(name, made)
    if not isinstance(made, nn.Module):
        raise ModelError(f"{name} made a {type(made).__name__}, and a torch.nn.Module is needed.")
    return made


def _called(name: str, make: Callable[[], object]) -> object:
    try:
        return make()
    except (Exception, SystemExit) as error:  # somebody else's code, which may end as a program does
        raise ModelError(f"{name}() failed: {type(error).__name__}: {error}") from error


def _imported(name: str, folder: Path) -> ModuleType:
    try:
        if name.endswith(".py"):
            return _from_file(folder / name)
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # somebody else's code
        raise ModelError(f"{name} can't be imported: {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses and pickles look a class's module up there
    spec.loader.exec_module(module)
    return module
