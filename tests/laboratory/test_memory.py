"""Peak memory: what is held at once, by this thread alone."""

import threading

import pytest
import torch

from explorer.convolution import sizes_of
from explorer.laboratory.cases import Case
from explorer.laboratory.memory import loops_memory, peak_memory
from explorer.laboratory.ways import ways


def test_what_is_freed_before_does_not_count_twice():
    def work():
        first = torch.zeros(1000)  # 4000 bytes
        second = torch.cat([first, first])  # 8000 more: the peak
        del first
        return second.neg_()

    assert peak_memory(work) == 12_000


def test_only_the_calling_thread_counts():
    stop, begun = threading.Event(), threading.Event()

    def noise():
        while not stop.is_set():
            torch.zeros(1_000_000)
            begun.set()

    other = threading.Thread(target=noise)
    other.start()
    try:
        assert begun.wait(20)
        assert peak_memory(lambda: torch.zeros(1000)) == 4000
    finally:
        stop.set()
        other.join()


def test_nothing_is_counted_any_more_after_a_fault():
    with pytest.raises(RuntimeError):
        peak_memory(lambda: torch.zeros(2) @ torch.zeros(3))
    assert peak_memory(lambda: torch.zeros(1000)) == 4000


def test_im2col_holds_its_columns_and_shift_does_not():
    case = Case(torch.randn(1, 3, 40, 50), torch.randn(2, 3, 5, 5), padding=2)
    run = ways(case)
    output, columns = 2 * 40 * 50 * 4, 3 * 25 * 40 * 50 * 4
    with torch.no_grad():
        assert columns * 0.9 <= peak_memory(run["strided"]) <= (columns + output) * 1.5
        assert output <= peak_memory(run["shift"]) < columns
        assert peak_memory(run["torch"]) >= output


def test_the_profiler_of_pytorch_agrees():
    from benchmarks.convolution import peak

    run = ways(Case(torch.randn(1, 4, 30, 20), torch.randn(6, 4, 3, 3), padding=1))["im2col"]
    with torch.no_grad():
        assert peak_memory(run) == pytest.approx(peak(run), rel=0.02)


def test_loops_by_hand():
    # 42 + 9 + 20 numbers of 24 bytes, an address of 8 for each, and 20 float64 in the result.
    sizes = sizes_of((1, 1, 6, 7), (1, 1, 3, 3))
    assert loops_memory(sizes, torch.float64) == 71 * 32 + 20 * 8
