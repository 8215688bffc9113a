"""Memory that was freed stays with the process: measured in one of its own, since it stays so for good."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from explorer.memory import DEFAULT_HEAP, keep_freed_memory

MEASURE = """
import resource
from explorer.memory import DEFAULT_HEAP, keep_freed_memory
import torch
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [torch.ones(16, 256, 257) for _ in range(8)]  # 32 MiB in all
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
default = faults()
kept = keep_freed_memory()
faults(), faults()
print(int(kept), default, faults())
"""


def test_freed_memory_is_used_again_without_page_faults():
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    kept, default, after = map(int, done.stdout.split())
    if not kept:
        pytest.skip("the C library is not glibc")
    assert default > 4000  # each page of 4 KiB once more
    assert after < default / 4


def run(code, **environment):
    variables = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=variables
    ).stdout


def test_the_first_capture_of_a_process_keeps_freed_memory_unless_told_not_to():
    code = (
        "import explorer.memory as memory, torch, explorer\n"
        "calls = []\n"
        "memory.keep_freed_memory = lambda: calls.append(1)\n"
        "for _ in range(3): explorer.capture(torch.nn.Sequential(torch.nn.ReLU()), torch.zeros(1, 2, 3, 4))\n"
        "print(len(calls))\n"
    )
    assert run(code) == "1\n"
    assert run(code, **{DEFAULT_HEAP: "1"}) == "0\n"


@pytest.mark.parametrize("heaps", [0, -3, 2**31])
def test_number_of_heaps_out_of_range(heaps):
    with pytest.raises(ValueError, match=f"not {heaps}"):
        keep_freed_memory(heaps=heaps)


@pytest.mark.parametrize("limit", [-1, 2**31])
def test_limit_out_of_range(limit):
    with pytest.raises(ValueError, match=f"not {limit}"):
        keep_freed_memory(limit)
