"""Feature visualization: faithfulness and speed against Lucent and Horama, and the gallery's promises.

    python -m benchmarks.visualization --pictures FOLDER --json FILE

It takes half an hour on two cores, most of it the peers', so it is no part of `python -m benchmarks`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import models
from benchmarks import visualization_faithfulness as faithfulness
from benchmarks import visualization_peers as peers
from benchmarks import visualization_speed as speed
from benchmarks import visualization_stability as stability
from benchmarks.__main__ import machine
from explorer.visualization.manifest import CLASSES, GalleryError, read_gallery
from explorer.visualization.objectives import OUTPUT

PARTS = ("faithfulness", "gallery", "speed", "stability")
GALLERY = Path("models", "galleries", "efficientnet_lite0")


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.visualization",
        description="Feature visualization, measured against peers.",
    )
    result.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; else all")
    result.add_argument("--pictures", nargs="*", default=[], metavar="PATH", help="more natural pictures")
    result.add_argument("--layers", nargs="+", default=list(faithfulness.LAYERS), metavar="LAYER")
    result.add_argument("--channels", type=int, default=3, help="of each layer (default 3)")
    result.add_argument("--classes", type=int, default=6, help="how many (default 6)")
    result.add_argument("--gallery", type=Path, default=GALLERY, metavar="FOLDER")
    result.add_argument("--seed", type=int, default=0)
    result.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep pictures, and use those there already"
    )
    result.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names, print it, and write it to a file if asked to."""
    given = parser().parse_args(arguments)
    if unknown := [part for part in given.parts if part not in PARTS]:
        return _refuse(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine(), "date": datetime.now(UTC).date().isoformat()}
    print(report["machine"], flush=True)
    loaded = models.load()
    try:
        for part in given.parts or PARTS:
            print(f"\n## {part}\n", flush=True)
            report[part] = _PARTS[part](loaded, given, report)
    except (peers.PeersError, GalleryError) as error:
        return _refuse(str(error))
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return 0


def _refuse(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


def _faithfulness(
    loaded: models.LoadedModel, given: argparse.Namespace, report: dict[str, Any]
) -> dict[str, Any]:
    report["peers"] = peers.check()
    natural = faithfulness.natural_answers(loaded, [*given.layers, OUTPUT], given.pictures)
    wanted = faithfulness.cases(loaded, natural, given.layers, given.channels, given.classes)
    judged = faithfulness.run(loaded, natural, wanted, seed=given.seed, keep=given.keep, report=_say)
    return _summed_up(judged, len(natural[OUTPUT].mean))


def _gallery(
    loaded: models.LoadedModel, given: argparse.Namespace, _report: dict[str, Any]
) -> dict[str, Any]:
    gallery = read_gallery(given.gallery)
    if gallery.weights != loaded.digest:
        raise GalleryError(f"{given.gallery} was made of other weights than {loaded.spec.name} has")
    layers = [OUTPUT if section.kind == CLASSES else section.layer for section in gallery.sections]
    natural = faithfulness.natural_answers(loaded, layers, given.pictures)
    judged = faithfulness.judge_gallery(loaded, natural, gallery)
    return _summed_up(judged, len(next(iter(natural.values())).mean))


def _summed_up(judged: Sequence[faithfulness.Judged], pictures: int) -> dict[str, Any]:
    """Print the tables; returns all figures."""
    by_view = {"as shown by its method": False, "at its own size": True}
    result: dict[str, Any] = {"natural_pictures": pictures}
    print(f"\nCompared with {pictures} natural pictures.")
    for view, own_size in by_view.items():
        result[view] = faithfulness.summary(judged, own_size=own_size)
        if own_size and len({one.method for one in judged}) == 1:
            break  # a gallery's pictures are shown at their own size anyway
        print(f"\nEach picture {view}:\n\n{faithfulness.table(result[view])}", flush=True)
    return result | {"pictures": [faithfulness.plain(one) for one in judged]}


def _say(one: faithfulness.Judged) -> None:
    what = f"channel {one.index} of {one.layer}" if one.layer else f"class {one.index}"
    print(f"{one.method}: {what}, {one.seconds:.0f} s", file=sys.stderr, flush=True)


def _speed(loaded: models.LoadedModel, _given: argparse.Namespace, report: dict[str, Any]) -> list[Any]:
    report["peers"] = peers.check()
    rows = speed.measure(loaded.module)
    print(speed.table(rows), flush=True)
    return rows


def _stability(_loaded: models.LoadedModel, _given: argparse.Namespace, _report: dict[str, Any]) -> list[Any]:
    rows = stability.measure()
    print(stability.table(rows), flush=True)
    return rows


_PARTS = {"faithfulness": _faithfulness, "gallery": _gallery, "speed": _speed, "stability": _stability}


if __name__ == "__main__":
    sys.exit(main())
