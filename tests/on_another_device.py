"""What runs a network, on a device that is not the CPU: `python -m tests.on_another_device` prints JSON.

Each check says what it found: "as on the CPU", or what went wrong. It needs a process of its own, since the
device (`tests.elsewhere`) concerns the whole process.
"""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import torch
from streamlit.testing.v1 import AppTest
from torch import nn

import explorer
import models
from explorer.activations import capture
from explorer.laboratory.layer_input import of_layer
from explorer.lesson.equivariance import measure
from explorer.lesson.locality import probe
from explorer.lesson.position import position_curve, positions_along
from explorer.lesson.sharing import weights_of
from explorer.side_by_side import first_filters
from explorer.visualization.selection import measure_responses
from tests import elsewhere

PAGES = Path(__file__).parents[1] / "pages"
SHOWN = ("layer.py", "laboratory.py", "lesson/why/page.py", "lesson/networks/page.py", "looks/page.py")
SAME = "as on the CPU"
BUILD = """
import torch
from torch import nn

def build():
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
        nn.Conv2d(6, 7, 3, padding=1, padding_mode="reflect"), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(7, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    ).eval()
"""


def network() -> nn.Module:
    names: dict[str, Any] = {}
    exec(BUILD, names)  # the same text that the app is started on
    return names["build"]()


def picture() -> torch.Tensor:
    return torch.rand(1, 3, 40, 36, generator=torch.Generator().manual_seed(1))


def captured(net: nn.Module) -> Any:
    activations = capture(net, picture())
    assert all(tensor.is_cpu for tensor in activations.values())
    return [*activations.values(), activations.output]


def asked(net: nn.Module) -> Any:
    places = positions_along((40, 36), (20, 20), step=4)
    curve = position_curve(net, torch.zeros(1, 3, 40, 36), picture()[:, :, :20, :20], [1, 3], places)
    return torch.tensor(curve.probabilities)


CHECKS: dict[str, Callable[[nn.Module], Any]] = {
    "capture": captured,
    "layer table": lambda net: explorer.layer_table(net, picture()),
    "weights": lambda net: weights_of(net, picture()),
    "noise": lambda net: probe(net, picture(), "3", 4, 5),
    "shifts": lambda net: measure(net, picture(), ["3", ""], (0, 1, 4), batch=2),
    "positions": asked,
    "a layer by hand": lambda net: of_layer(net, picture(), "6"),
    "responses": lambda net: measure_responses(net, ["3", "6"], [picture(), 1 - picture()]),
    "first filters": lambda net: first_filters(net, explorer.layer_table(net, picture())),
}


def main() -> None:
    device = elsewhere.register()
    here = network()
    there = network().to(device)
    found = {}
    for name, check in CHECKS.items():
        found[name] = told(lambda check=check: same(check(here), check(there)))
    found["without the move"] = told(lambda: there(picture()))
    found["pages"] = told(lambda: pages(str(device)))
    print(json.dumps(found))


def told(check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return f"{error}\n{traceback.format_exc()[-1500:]}"
    return SAME


def same(one: Any, other: Any) -> None:
    """Compare results of any structure; everything must lie on the CPU."""
    if isinstance(one, torch.Tensor):
        assert other.is_cpu, other.device
        torch.testing.assert_close(other, one)
    elif is_dataclass(one):
        same(shallow(one), shallow(other))
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            same(first, second)
    elif isinstance(one, float):
        assert abs(one - other) < 1e-5, (one, other)
    elif hasattr(one, "dtype"):
        torch.testing.assert_close(torch.as_tensor(other), torch.as_tensor(one))
    else:
        assert one == other, (one, other)


def shallow(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def pages(name: str) -> None:
    """Every page that runs the model at work, with the device chosen in the link."""
    fake = models.Device(name, "Fake accelerator", 2**30, mixed_precision=False)
    models.devices.available_devices.__globals__["available_devices"] = lambda: (fake, models.devices.CPU)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "net_elsewhere.py").write_text(BUILD)
        prepared = models.Preprocessing(44, 40, (0.5,) * 3, (0.25,) * 3)
        own = models.OwnModel("net_elsewhere.py:build", preprocessing=prepared, folder=Path(folder))
        os.environ[models.STARTED_ON] = own.to_json()
        answers = []
        for where in (name, "cpu"):
            test = AppTest.from_file(str(PAGES / "frame.py"), default_timeout=60)
            test.query_params["device"] = where
            answers.append(visited(test.run()))
    assert answers[0] == answers[1], answers
    assert answers[0]
    from pages import cache

    assert set(cache.store(fake).names) == {"own", "own@untrained"}
    parameters = cache.store(fake).get("own").module.parameters()
    assert {str(parameter.device) for parameter in parameters} == {name}


def visited(test: AppTest) -> list[str]:
    check(test, "hierarchy")
    answers = [bar.proto.text for bar in test.get("progress")]
    test.query_params["against"] = "own@untrained"
    check(test.run(), "comparison")
    for page in SHOWN:
        check(test.switch_page(str(PAGES / page)).run(), page)
    return answers


def check(test: AppTest, page: str) -> None:
    problems = [each.value for each in (*test.exception, *test.error)]
    assert not problems, (page, problems)


if __name__ == "__main__":
    main()
