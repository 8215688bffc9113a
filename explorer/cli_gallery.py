"""The command `gallery`: visualizations of a whole network, to be stopped and gone on with at any time."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from explorer.activations import CaptureError
from explorer.cli_output import say
from explorer.cli_pictures import file_name, gather, shown
from explorer.cli_visualize import HasWeights, check_device, refuse, subject_of
from explorer.images import decode
from explorer.samples import SAMPLES, sample_bytes
from explorer.visualization import VisualizationError
from explorer.visualization.assembling import assemble
from explorer.visualization.making import Settings, Standing, make_pictures
from explorer.visualization.manifest import Gallery, read_gallery
from explorer.visualization.plan import Planned, Subject, plan_gallery, with_recipes


def gallery_command(arguments: argparse.Namespace, load: Callable[[], HasWeights]) -> int:
    """Make a gallery, or check one.

    Args:
        arguments: What was typed.
        load: Loads the model, also in another process.

    Returns:
        The exit code: 0; 1 where `--check` found something wrong; 2 where something can't be made, which is
        said.

    Raises:
        OSError: If a file can't be read or written.
    """
    try:
        return _gallery(arguments, partial(_subject, load))
    except (VisualizationError, CaptureError) as error:
        return refuse(error)


def _subject(load: Callable[[], HasWeights]) -> Subject:
    return subject_of(load())


def _gallery(arguments: argparse.Namespace, load: Callable[[], Subject]) -> int:
    if arguments.check:
        return _check(read_gallery(arguments.out or Path("models", "galleries", file_name(arguments.model))))
    check_device(arguments.device)
    settings = Settings(
        arguments.seed, arguments.batch, arguments.processes, arguments.device, arguments.quality
    )
    torch.set_num_threads(1)  # as in the processes: the bits of a sum depend on the number of threads
    subject = load()
    pictures, plan = _plan(arguments, subject)
    folder = arguments.out or Path("models", "galleries", file_name(subject.name))
    parts = arguments.work or Path("build", "galleries", file_name(subject.name))
    make_pictures(load, plan, parts, settings, _say)
    gallery = assemble(subject, plan, parts, folder, settings, pictures)
    _say_what(gallery)
    return _check(read_gallery(folder))


def _plan(arguments: argparse.Namespace, subject: Subject) -> tuple[dict[str, str], tuple[Planned, ...]]:
    """The natural pictures, sha256 by name, and what to make."""
    digests = {}
    samples = {}
    for name in SAMPLES:
        data = sample_bytes(name)
        digests[name] = hashlib.sha256(data).hexdigest()
        samples[name] = subject.preprocess(decode(data))
    others = []
    for source in gather(arguments.pictures):
        try:
            picture = decode(source.read())
        except ValueError as error:
            raise VisualizationError(f"{shown(source.name)}: {error}") from error
        digests[Path(source.name).name] = picture.sha256
        others.append(subject.preprocess(picture))
    plan = plan_gallery(
        subject,
        samples,
        others,
        layers=arguments.layers,
        channels=arguments.channels,
        strongest=arguments.strongest,
        classes=arguments.class_count,
    )
    return digests, with_recipes(plan, arguments.steps, arguments.side)


def _say(standing: Standing) -> None:
    left = standing.seconds_left
    if left is None:
        say(f"{standing.done} of {standing.total} pictures are there already.")
        return
    time = f"{left / 60:.0f} min" if left > 90 else f"{left:.0f} s"
    layer = standing.layer or "classes"
    say(f"{standing.done} of {standing.total} pictures, about {time} left (last: {layer})")


def _say_what(gallery: Gallery) -> None:
    size = sum((gallery.folder / sheet.file).stat().st_size for s in gallery.sections for sheet in s.sheets)
    for section in gallery.sections:
        say(
            f"{section.layer or section.kind}: {len(section.entries)} of {section.total} on "
            f"{len(section.sheets)} sheets"
        )
    say(f"{shown(str(gallery.folder))}: {size / 1e6:.1f} MB")


def _check(gallery: Gallery) -> int:
    problems = gallery.check()
    for problem in problems:
        say(f"{shown(str(gallery.folder))}: {problem}")
    if not problems:
        count = sum(len(section.entries) for section in gallery.sections)
        say(f"{shown(str(gallery.folder))}: {count} visualizations, all as they were made.")
    return 1 if problems else 0
