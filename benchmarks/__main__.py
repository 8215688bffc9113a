"""All benchmarks, or those named: `python -m benchmarks [names] [--markdown FILE]`.

Each is a module of this package with `measure()`, which returns rows, and `table(rows)`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

BENCHMARKS = ("start", "pictures", "mosaics", "networks", "capture", "convolution")
"""The quick ones first; the start before anything else has warmed the machine's caches."""


def machine() -> str:
    """What the figures come from: processor, cores, PyTorch and its threads."""
    import torch

    return (
        f"{_processor()}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}, "
        f"torch {torch.__version__} with {torch.get_num_threads()} threads by default; "
        f"{torch.backends.cpu.get_cpu_capability()}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def run(name: str) -> str:
    """The table of one benchmark, under its heading."""
    module = import_module(f"benchmarks.{name}")
    return f"## {name}\n{module.__doc__.splitlines()[0]}\n\n{module.table(module.measure())}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names, print it as it comes, and write it to a file if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Ratios against peers, each measured in one run."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of {', '.join(BENCHMARKS)}")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    parts = [f"{machine()}\n"]
    print(parts[0], flush=True)
    for name in given.names or BENCHMARKS:
        parts.append(run(name))
        print(parts[-1], flush=True)
    if given.markdown:
        given.markdown.write_text("\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
