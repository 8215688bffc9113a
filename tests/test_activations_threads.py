"""Capture: private to its caller while others use, and hook, the same model."""

from __future__ import annotations

import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from explorer.activations import capture
from explorer.recording import Recording
from tests.small_networks import Apply, Fails, picture, small_net


@pytest.fixture
def eager_switching():
    """Threads switch, and garbage is collected, as often as they can."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(20, 5, 5)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)


class Hooking:
    """Other people who add and remove hooks of their own on the same model, until the block ends."""

    def __init__(self, module, threads=2):
        self.module, self.over, self.rounds = module, threading.Event(), 0
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        while not self.over.is_set():
            handles = [part.register_forward_hook(lambda *_: None) for part in self.module.modules()]
            for handle in handles:
                handle.remove()
            self.rounds += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def captures_by_many(net, inputs, layers, each):
    """Every input captured `each` times by a thread of its own, all starting together."""
    together = threading.Barrier(len(inputs))

    def one(x):
        together.wait(timeout=30)
        return [capture(net, x, layers) for _ in range(each)]

    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(one, inputs))


def assert_equal_captures(found, expected):
    assert list(found) == list(expected)
    for name in expected:
        calls, oracle = found.calls(name), expected.calls(name)
        assert len(calls) == len(oracle)
        for call, other in zip(calls, oracle, strict=True):
            assert all(map(torch.equal, call, other)), name
    assert torch.equal(found.output, expected.output)


@pytest.mark.parametrize("layers", [None, nn.Conv2d], ids=["all", "convolutions"])
def test_eight_threads_on_one_model_see_only_their_own(eager_switching, layers):
    net = small_net()
    # Distinct sizes too: an activation of another thread would not even have the right shape.
    inputs = [picture(height=13 + k, width=10 + k % 3, batch=1) for k in range(8)]
    serial = [capture(net, x, layers) for x in inputs]
    with Hooking(net) as others:
        parallel = captures_by_many(net, inputs, layers, each=25)
    assert others.rounds > 10
    for results, expected in zip(parallel, serial, strict=True):
        assert len(results) == 25
        for found in results:
            assert_equal_captures(found, expected)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_plain_forwards_go_on_undisturbed_beside_captures(eager_switching):
    net, x = small_net(), picture(batch=1)
    with torch.inference_mode():
        expected = net(x)
    over = threading.Event()

    def forwards():
        answers = []
        with torch.inference_mode():
            while not over.is_set() or not answers:
                answers.append(net(x))
        return answers

    with ThreadPoolExecutor(3) as pool:
        plain = [pool.submit(forwards) for _ in range(3)]
        captures_by_many(net, [picture(batch=1) for _ in range(3)], None, each=15)
        over.set()
        assert all(torch.equal(answer, expected) for future in plain for answer in future.result())


def test_each_thread_gets_its_own_exception(eager_switching):
    net = Fails(KeyError("the model's own error")).eval()

    def failing(_number):
        for _ in range(50):
            with pytest.raises(KeyError, match="own error"):
                capture(net, picture())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(failing, range(8))) == [None] * 8
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())


def test_nobody_waits_for_somebody_elses_long_capture():
    inside, finish = threading.Event(), threading.Event()

    def slow_for_negative_input(x):
        if x.max() < 0:
            inside.set()
            assert finish.wait(timeout=30)
        return x

    net = nn.Sequential(Apply(slow_for_negative_input), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)).eval()
    long, short = -picture().abs() - 1, picture().abs() + 1
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(capture, net, long)
        assert inside.wait(timeout=30)
        quick = pool.submit(capture, net, short).result(timeout=30)
        assert not slow.done()
        finish.set()
        assert torch.equal(slow.result(timeout=30)["0"], long)
    assert torch.equal(quick["0"], short)
    with torch.no_grad():
        assert torch.equal(slow.result()["1"], net[1](long))
        assert torch.equal(quick["1"], net[1](short))


def test_hooks_of_one_thread_ignore_another():
    recording = Recording(frozenset(), set())
    thread = threading.Thread(target=recording.keep(("layer",)), args=(nn.Identity(), (), torch.ones(2)))
    thread.start()
    thread.join()
    assert recording.calls == {}


def test_a_run_that_a_strangers_hook_breaks_is_repeated():
    """A hook added while PyTorch lists the hooks of a failing module makes the listing itself fail."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Identity()).eval()
    raised = []

    def fail_once(_module, _inputs, _output):
        if not raised:
            raised.append(True)
            raise ValueError("first run")

    def add_hook_once(module, _inputs, _output):
        if len(raised) == 1:
            raised.append(module.register_forward_hook(lambda *_: None))

    net[1].register_forward_hook(fail_once)
    net[1].register_forward_hook(add_hook_once, always_call=True)
    net[1].register_forward_hook(lambda *_: None)
    x = picture()
    with torch.no_grad():
        assert torch.equal(capture(net, x, "0")["0"], net[0](x))
    assert len(raised) == 2


def test_a_model_that_breaks_every_run_is_not_repeated_for_ever():
    runs = []

    def broken(_x):
        runs.append(True)
        raise RuntimeError("OrderedDict mutated during iteration")

    with pytest.raises(RuntimeError, match="mutated"):
        capture(Apply(broken), picture(), "")
    assert 1 < len(runs) < 10
