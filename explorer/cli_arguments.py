"""What can be typed after `python -m explorer`.

Nothing heavy is imported here, so that `--help` answers at once. Names that are known elsewhere (the model,
the rankings of channels) are therefore repeated; a test compares them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from explorer.cli_visualization_arguments import add_commands

DEFAULT_MODEL = "efficientnet_lite0"
RANKINGS = ("index", "mean", "max", "min", "std", "active", "magnitude")
FORMATS = ("npz", "safetensors", "png")
FIGURE_SUFFIXES = (".pdf", ".svg", ".png")
STDOUT = "-"

_PICTURES = (
    "picture files (PNG, JPEG, WebP, GIF, BMP, TIFF), folders of them, or sample:NAME for a sample picture, "
    "such as sample:chelsea; a name that begins with a dash is written ./-name"
)
_EXIT_CODES = (
    "Exit codes: 0 all went well; 1 a picture could not be read or a file not written; 2 wrong arguments; "
    "130 stopped with Ctrl-C; 141 the reader of the output went away."
)


def parser() -> argparse.ArgumentParser:
    """The parser for the whole command line; `command` in its result is the subcommand's name."""
    top = argparse.ArgumentParser(
        prog="python -m explorer",
        description="See what every layer of a convolutional network makes of a picture, without a browser.",
        epilog=f"`python -m explorer COMMAND --help` tells more about one command. {_EXIT_CODES}",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_layers(commands)
    _add_predict(commands)
    _add_activations(commands)
    _add_figure(commands)
    add_commands(lambda name, what: _command(commands, name, what))
    _add_run(commands)
    return top


_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def _command(commands: _Commands[argparse.ArgumentParser], name: str, what: str) -> argparse.ArgumentParser:
    # Abbreviated options are refused: a later option may make them ambiguous in somebody's script.
    command = commands.add_parser(
        name, help=what, description=f"{what}.", epilog=_EXIT_CODES, allow_abbrev=False
    )
    _add_model(command)
    return command


def _add_model(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("the network")
    group.add_argument(
        "--model",
        metavar="NAME",
        default=DEFAULT_MODEL,
        help="a model of torchvision or timm, such as resnet50, torchvision/resnet50.IMAGENET1K_V1 or "
        "timm/convnext_atto.d2_in1k, with @untrained behind it for its untrained twin; or a network of your "
        "own, "
        "mypkg.mymodule:build or folder/file.py:build (default: %(default)s)",
    )
    group.add_argument(
        "--weights",
        metavar="FILE",
        type=Path,
        help="your own weights for it: a .pth, .pt, .ckpt or .safetensors file; code in it is never run",
    )
    group.add_argument("--classes", metavar="N", type=_positive, help="how many classes your weights have")
    group.add_argument(
        "--labels", metavar="FILE", type=Path, help="their names: a text with one per line, or JSON"
    )
    group.add_argument("--size", metavar="PIXELS", type=_positive, help="side of your network's input")
    for name in ("mean", "std"):
        group.add_argument(
            f"--{name}",
            metavar="X",
            nargs="+",
            type=float,
            help=f"your {name} per channel on a scale of 0 to 1; one number for a network that takes grey",
        )


def _add_device(command: argparse.ArgumentParser, precision: bool = True) -> None:
    group = command.add_argument_group("where it runs")
    group.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda, cuda:1, mps ... (default: $EXPLORER_DEVICE, else the fastest that is here)",
    )
    if precision:
        group.add_argument(
            "--mixed-precision",
            action="store_true",
            help="convolutions in bfloat16 on GPUs made for it: faster, and each rounds its values to 8 "
            "bits, an error of up to 0.4 %%; elsewhere this changes nothing",
        )


def _add_layers(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "layers", "List the layers of a network: shapes, receptive fields, parameters"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument(
        "--csv",
        metavar="FILE",
        nargs="?",
        const=STDOUT,
        type=_file_of(".csv"),
        help="the table as CSV, to the terminal where no FILE is given",
    )
    form.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const=STDOUT,
        type=_file_of(".json"),
        help="the table as JSON, to the terminal where no FILE is given",
    )
    _add_device(command, precision=False)


def _add_predict(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "predict", "Name what is in pictures, with probabilities")
    _add_pictures(command)
    command.add_argument(
        "--top", metavar="K", type=_positive, default=5, help="how many classes (default: %(default)s)"
    )
    command.add_argument(
        "--json", metavar="FILE", type=_file_of(".json"), help="also write them as JSON; - is the terminal"
    )
    _add_device(command)


def _add_activations(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "activations", "Save what layers put out for pictures")
    _add_pictures(command)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--layers", metavar="LAYER", nargs="+", help="names, as `layers` lists them")
    which.add_argument("--all", action="store_true", help="every layer")
    command.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="folder for the files; it is made (default: here)",
    )
    command.add_argument(
        "--format",
        choices=FORMATS,
        default="npz",
        help="npz or safetensors: one file for each picture; png: a folder for each picture, with a mosaic "
        "of the maps for each layer (default: %(default)s)",
    )
    command.add_argument(
        "--sort",
        choices=RANKINGS,
        help="png only: which channel comes first, the largest value first (default: index)",
    )
    command.add_argument(
        "--per-channel",
        action="store_true",
        help="png only: every map uses all colours, not one scale for the layer",
    )
    _add_device(command)


def _add_figure(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "figure", "Draw the hierarchy of a picture for a paper or a slide")
    command.add_argument(
        "picture", metavar="PICTURE", help=_PICTURES.replace("picture files", "a picture file", 1)
    )
    command.add_argument(
        "--out",
        metavar="FILE",
        type=_file_of(*FIGURE_SUFFIXES, stdout=False),
        help="a .pdf, .svg or .png file (default: the picture's name and -hierarchy.pdf, here)",
    )
    _add_device(command)


def _add_run(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "run", "Open the app in a browser, on a network of your own")
    command.add_argument(
        "--port", metavar="PORT", type=_positive, default=8501, help="where it listens (default: %(default)s)"
    )
    command.add_argument(
        "--checkpoints",
        metavar="FOLDER",
        type=Path,
        help="let visitors open the files of weights in FOLDER (default: only what they upload)",
    )
    command.add_argument(
        "--no-browser", dest="browser", action="store_false", help="only say where the app is"
    )
    _add_device(command, precision=False)


def _add_pictures(command: argparse.ArgumentParser) -> None:
    command.add_argument("pictures", metavar="PICTURE", nargs="+", help=_PICTURES)
    command.add_argument("--recursive", action="store_true", help="look into the folders' own folders too")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def _file_of(*suffixes: str, stdout: bool = True) -> Callable[[str], str]:
    """A check that a name ends as the format does: `--json cat.jpg dog.jpg` must not replace a picture."""

    def checked(text: str) -> str:
        if (stdout and text == STDOUT) or Path(text).suffix.lower() in suffixes:
            return text
        dash = f", or {STDOUT} for the terminal" if stdout else ""
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {' or '.join(suffixes)}{dash}")

    return checked
