"""What can be typed after `python -m explorer visualize` and `gallery`.

Nothing heavy is imported here; names known elsewhere are repeated, and a test compares them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

PARAMETRIZATIONS = ("pixels", "fourier", "maco")

_TARGET = (
    "what to raise: a channel LAYER:NUMBER, a unit LAYER:NUMBER@ROW,COLUMN, a class class:NAME or "
    "class:NUMBER, a whole layer dream:LAYER; with numbers and signs '2*LAYER:3 - class:hen'"
)

Command = Callable[[str, str], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Add the commands `visualize` and `gallery`; `command(name, what)` makes one."""
    _add_visualize(command("visualize", "Make pictures of what channels, units and classes look for"))
    _add_gallery(command("gallery", "Make visualizations of a whole network, or check those made before"))


def _add_visualize(command: argparse.ArgumentParser) -> None:
    command.add_argument("targets", metavar="TARGET", nargs="*", help=_TARGET)
    command.add_argument(
        "--again",
        metavar="FILE",
        nargs="+",
        type=Path,
        default=[],
        help="make pictures again from a recipe (JSON), or from the record inside a picture (PNG)",
    )
    command.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="folder for the pictures (default: here)"
    )
    command.add_argument(
        "--negative", action="store_true", help="what they answer to least, or most negatively"
    )
    command.add_argument(
        "--seeds", metavar="N", nargs="+", type=_whole(0), default=[0], help="a picture for each (default: 0)"
    )
    command.add_argument("--steps", metavar="N", type=_whole(1), help="how often the picture is changed")
    command.add_argument(
        "--side", metavar="N", type=_whole(1), help="of the picture in pixels, as high as wide"
    )
    command.add_argument("--rate", metavar="X", type=_positive, help="length of a step")
    command.add_argument("--parametrization", choices=PARAMETRIZATIONS, help="what is changed")
    command.add_argument(
        "--from",
        dest="start",
        metavar="PICTURE",
        help="a picture to start from, or sample:NAME; otherwise noise",
    )
    _add_device(command)


def _add_gallery(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out", metavar="DIR", type=Path, help="the gallery's folder (default: models/galleries/MODEL)"
    )
    command.add_argument("--check", action="store_true", help="only compare its files with its manifest")
    command.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        help="for finished pictures, with which a stopped run goes on (default: build/galleries/MODEL)",
    )
    command.add_argument(
        "--layers", metavar="LAYER", nargs="+", help="names, as `layers` lists them (default: 15 of them)"
    )
    command.add_argument(
        "--channels", metavar="N", type=_whole(1), default=48, help="of each layer (default: %(default)s)"
    )
    command.add_argument(
        "--strongest",
        metavar="N",
        type=_whole(0),
        default=8,
        help="also the N strongest channels of each sample picture (default: %(default)s)",
    )
    command.add_argument(
        "--class-count", metavar="N", type=_whole(0), default=200, help="classes (default: %(default)s)"
    )
    command.add_argument(
        "--pictures",
        metavar="PICTURE",
        nargs="+",
        default=[],
        help="files or folders of natural pictures to choose channels by, besides the samples",
    )
    command.add_argument("--seed", metavar="N", type=_whole(0), default=0, help="default: %(default)s")
    command.add_argument(
        "--processes", metavar="N", type=_whole(1), default=1, help="at the same time (default: %(default)s)"
    )
    command.add_argument(
        "--batch",
        metavar="N",
        type=_whole(1),
        default=8,
        help="pictures made together (default: %(default)s)",
    )
    command.add_argument(
        "--quality", metavar="N", type=_whole(1), default=80, help="of the WebP sheets (default: %(default)s)"
    )
    command.add_argument("--steps", metavar="N", type=_whole(1), help="for all layers, for a quick look")
    command.add_argument("--side", metavar="N", type=_whole(1), help="likewise, of the pictures in pixels")
    _add_device(command)


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        metavar="NAME",
        default="cpu",
        help="where to compute, such as cuda (default: %(default)s)",
    )


def _whole(least: int) -> Callable[[str], int]:
    def checked(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return number

    return checked


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number
