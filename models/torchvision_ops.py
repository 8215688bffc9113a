"""The one way to import torchvision, also where its compiled operators don't fit PyTorch.

torchvision's wheel for CUDA does not load its operators beside a PyTorch built for the CPU only. While it is
imported, torchvision then registers a fake kernel for `torchvision::nms`, and fails with "operator
torchvision::nms does not exist". Nothing in this program needs the operators themselves, so declaring their
schemas is enough. Only what is missing is declared, and only after torchvision's own library has had its
chance: an operator that is declared twice is an error as well.
"""

from __future__ import annotations

import threading
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_lock = threading.Lock()
_declared: list[torch.library.Library] = []  # an operator lives as long as the library that declared it


def import_torchvision() -> ModuleType:
    """Import torchvision and return it; use this before importing timm, too, which imports torchvision.

    With a torchvision that fits the installed PyTorch this is a plain import.

    Raises:
        ImportError: If torchvision is not installed.
    """
    with _lock:
        declare_missing_operators()
        return import_module("torchvision")


def declare_missing_operators() -> tuple[str, ...]:
    """Declare the operators that torchvision refers to and PyTorch does not have.

    Returns:
        The names declared by this call: none where torchvision's library loads, or where they exist already.
    """
    if _missing():
        _load_compiled_operators()
    missing = _missing()
    if missing:
        # A fragment, so that whoever owns the namespace can still define it.
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in missing:
            library.define(_SCHEMAS[name])  # type: ignore[no-untyped-call]
        _declared.append(library)
    return missing


def _missing() -> tuple[str, ...]:
    return tuple(name for name in _SCHEMAS if not hasattr(torch.ops.torchvision, name))


def _load_compiled_operators() -> None:
    """Load torchvision's library as torchvision itself does first; loading it once more does nothing."""
    spec = find_spec("torchvision")
    for folder in (spec and spec.submodule_search_locations) or ():
        for suffix in EXTENSION_SUFFIXES:
            library = Path(folder, f"_C{suffix}")
            if library.is_file():
                _try_to_load(library)
                return


def _try_to_load(library: Path) -> None:
    try:
        torch.ops.load_library(library)  # type: ignore[no-untyped-call]
    except OSError:
        # It was built for another PyTorch, which is the case that the declarations are for.
        return
