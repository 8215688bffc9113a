"""The explorer in a terminal: layers, predictions, activations and figures without a browser.

    python -m explorer layers
    python -m explorer predict photos/ --json -
    python -m explorer activations cat.jpg --layers blocks.2 blocks.4 --out maps
    python -m explorer figure sample:chelsea --out chelsea.pdf
    python -m explorer visualize blocks.3.2:17 class:goldfish
    python -m explorer gallery --processes 2
    python -m explorer run --model mypkg.mymodule:build --weights w.pth

Pictures are handled one by one, so that any number of them needs the memory of one. A picture that can't be
read is reported, and the others go on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from explorer.cli_arguments import STDOUT, parser
from explorer.cli_models import (
    FAILED,
    INTERRUPTED,
    OK,
    PIPE_CLOSED,
    USAGE,
    Stop,
    app_environment,
    brought,
    load,
    running,
    telling_what_is_wrong,
)
from explorer.cli_output import OutputError, abandon_output, complain, put, say, write
from explorer.cli_pictures import InputError, Source, distinct, file_name, gather, shown

if TYPE_CHECKING:
    from explorer.activations import Activations
    from explorer.channels import Ranking
    from explorer.figure import Format
    from explorer.images import Picture
    from explorer.layers import LayerTable
    from models import LoadedModel

_SMALLEST_TILE = 48  # pixels; smaller maps are enlarged in a mosaic


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: What stands behind `python -m explorer`; None for this process's own arguments.

    Returns:
        The exit code: 0 all went well, 1 a picture could not be read or a file not written, 2 wrong
        arguments, 130 interrupted with Ctrl-C, 141 the reader of the output went away (as with `| head`).
    """
    try:
        arguments = parser().parse_args(argv)
        code = _COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse has said what is wrong, or has printed the help
        return stop.code if isinstance(stop.code, int) else USAGE
    except BrokenPipeError:
        abandon_output()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        complain("Stopped.")
        return INTERRUPTED
    except Stop as stop:
        complain(str(stop))
        return stop.code
    except OutputError as error:
        complain(str(error))
        return FAILED
    except OSError as error:
        abandon_output()
        complain(f"The output can't be written: {error.strerror or error}.")
        return FAILED
    return code


def _layers(arguments: argparse.Namespace) -> int:
    from explorer.exports import layer_table_json, layer_table_text

    model = brought(arguments)
    table = _table(model)
    if arguments.csv:
        put(arguments.csv, table.to_csv())
    elif arguments.json:
        put(arguments.json, layer_table_json(table, model.spec.name, model.digest))
    else:
        say(layer_table_text(table))
    return OK


def _predict(arguments: argparse.Namespace) -> int:
    from explorer.exports import predictions_json

    entries = []

    def predict(source: Source, model: LoadedModel) -> None:
        entry = _prediction(source, model, arguments.top)
        entries.append(entry)
        if arguments.json != STDOUT:
            lines = (f"{100 * each['probability']:6.1f} %  {each['label']}" for each in entry["predictions"])
            say("\n".join((shown(source.name), *lines)))

    def failed(source: Source, why: str) -> None:
        entries.append({"picture": source.name, "error": why})

    code, model = _each(arguments, _sources(arguments), predict, failed)
    if arguments.json:
        model = model or load(arguments)
        put(arguments.json, predictions_json(model.spec.name, model.digest, entries))
    return code


def _prediction(source: Source, model: LoadedModel, top: int) -> dict[str, Any]:
    import torch

    from explorer.exports import prediction_entry
    from explorer.placement import to_device_of
    from models import top_predictions

    picture = _decode(source)
    x = to_device_of(model.module, model.preprocess(picture))
    with running(model), torch.inference_mode(), model.at_work("Naming what is in a picture with"):
        logits = model.module(x)
    best = top_predictions(logits, model.labels, top)
    return prediction_entry(source.name, picture.sha256, picture.source_size, best)


def _activations(arguments: argparse.Namespace) -> int:
    if arguments.format != "png" and (arguments.sort or arguments.per_channel):
        raise Stop("--sort and --per-channel order and colour mosaics: they need --format png.", USAGE)

    def save(source: Source, model: LoadedModel) -> None:
        picture = _decode(source)
        activations = _captured(model, picture, arguments.layers)
        for path, data in _files(arguments, arguments.out / source.stem, activations, model, picture):
            write(path, data)
        made = arguments.out / (source.stem + ("" if arguments.format == "png" else f".{arguments.format}"))
        say(f"{shown(source.name)}: {_counted(len(activations))} in {shown(str(made))}")

    code, _ = _each(arguments, _sources(arguments), save)
    return code


def _files(
    arguments: argparse.Namespace, base: Path, activations: Activations, model: LoadedModel, picture: Picture
) -> Iterator[tuple[Path, bytes]]:
    """The files for one picture, made one after the other; `base` is their path without an ending."""
    from explorer import exports

    if arguments.format == "png":
        yield from _mosaics(arguments, base, activations)
    elif arguments.format == "npz":
        yield base.with_name(f"{base.name}.npz"), exports.activations_npz(activations)
    else:
        origin = exports.activation_metadata(
            activations, model=model.spec.name, weights_sha256=model.digest, picture_sha256=picture.sha256
        )
        data = exports.activations_safetensors(activations, origin)
        yield base.with_name(f"{base.name}.safetensors"), data


def _mosaics(
    arguments: argparse.Namespace, folder: Path, activations: Activations
) -> Iterator[tuple[Path, bytes]]:
    from explorer.channels import rank, statistics
    from explorer.rendering import mosaic_png

    layers = [name for name in activations if activations[name].ndim == 4]
    for name in arguments.layers or ():
        if name not in layers:
            shape = tuple(activations[name].shape)
            raise Stop(f"Layer {name!r} puts out {shape}, which are no maps: save it as npz.", USAGE)
    for layer, name in zip(layers, distinct(map(file_name, layers)), strict=True):
        maps = activations[layer]
        order = rank(statistics(maps), cast("Ranking", arguments.sort or "index"))
        zoom = max(1, _SMALLEST_TILE // max(maps.shape[2:]))
        scale: Literal["layer", "channel"] = "channel" if arguments.per_channel else "layer"
        yield folder / f"{name}.png", mosaic_png(maps, channels=order, scale=scale, zoom=zoom)


def _figure(arguments: argparse.Namespace) -> int:
    if Path(arguments.picture).is_dir():
        raise Stop(f"{shown(arguments.picture)} is a folder, and a figure shows one picture.", USAGE)
    (source,) = gather([arguments.picture])
    out = Path(arguments.out or f"{source.stem}-hierarchy.pdf")
    if out.exists() and Path(arguments.picture).exists() and out.samefile(arguments.picture):
        raise Stop(f"{shown(str(out))} is the picture itself: give the figure another name.", USAGE)

    def draw(source: Source, model: LoadedModel) -> None:
        write(out, _drawn(source, model, cast("Format", out.suffix[1:].lower())))
        say(shown(str(out)))

    code, _ = _each(arguments, [source], draw)
    return code


def _drawn(source: Source, model: LoadedModel, kind: Format) -> bytes:
    from explorer.figure import figure_rows, hierarchy_figure
    from explorer.hierarchy import stages
    from models import top_predictions

    picture = _decode(source)
    levels = stages(_table(model))
    activations = _captured(model, picture, [stage.representative.name for stage in levels])
    best = top_predictions(activations.output, model.labels)
    rows = figure_rows(levels, activations)
    return hierarchy_figure(picture, best, rows, model=model, title=source.title, kind=kind)


def _visualize(arguments: argparse.Namespace) -> int:
    from explorer.cli_visualize import visualize_command

    return visualize_command(arguments, load(arguments))


def _gallery(arguments: argparse.Namespace) -> int:
    from explorer.cli_gallery import gallery_command

    return gallery_command(arguments, partial(load, arguments))  # which other processes can call, too


def _run(arguments: argparse.Namespace) -> int:
    from explorer.cli_run import address, free, serve

    if not free(arguments.port):
        raise Stop(f"Something listens on port {arguments.port} already; --port takes another one.", FAILED)
    name, environment = app_environment(arguments)
    url = address(arguments.port, name)
    say(url)
    return serve(arguments.port, environment, url, browser=arguments.browser)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "layers": _layers,
    "predict": _predict,
    "activations": _activations,
    "figure": _figure,
    "visualize": _visualize,
    "gallery": _gallery,
    "run": _run,
}


def _sources(arguments: argparse.Namespace) -> list[Source]:
    return gather(arguments.pictures, recursive=arguments.recursive)


def _each(
    arguments: argparse.Namespace,
    sources: Sequence[Source],
    work: Callable[[Source, LoadedModel], None],
    failed: Callable[[Source, str], None] | None = None,
) -> tuple[int, LoadedModel | None]:
    """Work on the pictures one by one; what is wrong with one is said, and the others go on.

    Returns:
        The exit code, and the model, which is loaded only where a picture might be readable.
    """
    from tqdm import tqdm

    model = brought(arguments) if any(source.problem is None for source in sources) else None
    code = OK
    # disable=None: a bar only where standard error is a terminal, so that logs stay readable.
    with tqdm(sources, unit="picture", file=sys.stderr, disable=None if len(sources) > 1 else True) as bar:
        for source in bar:
            try:
                if model is None:
                    raise InputError(source.problem)
                work(source, model)
            except ValueError as error:  # what this program raises for people, PictureError among them
                code = FAILED
                complain(f"{shown(source.name)}: {error}")
                if failed:
                    failed(source, str(error))
    return code, model


def _table(model: LoadedModel) -> LayerTable:
    import torch

    from explorer.layers import layer_table
    from models import telling_memory

    what = f"Following a picture through {model.spec.title}"
    with telling_what_is_wrong(), running(model), telling_memory(what, model.device):
        return layer_table(model.module, torch.zeros(model.spec.input_shape))


def _decode(source: Source) -> Picture:
    from explorer.images import decode

    return decode(source.read())


def _captured(model: LoadedModel, picture: Picture, layers: Sequence[str] | None) -> Activations:
    from explorer.activations import CaptureError, capture

    try:
        with running(model), model.at_work("Capturing layers of"):
            made = capture(model.module, model.preprocess(picture), layers)
        return made.in_float32() if model.mixed else made
    except CaptureError as error:  # the layers are wrong, for every picture
        raise Stop(f"{model.spec.name}: {error}", USAGE) from error


def _counted(count: int) -> str:
    return "1 layer" if count == 1 else f"{count} layers"
