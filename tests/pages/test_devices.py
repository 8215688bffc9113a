"""Where networks run, in the pages: stated, chosen, in the link; too little memory is told."""

import pytest
import torch

import explorer
from pages import cache
from tests.pages.test_pages import answers, opened, said, text
from tests.second_device import SECOND, TINY, two_devices  # noqa: F401


def test_one_device_is_stated():
    test = opened(model=TINY)
    test.button(key="change_model").click().run()
    assert "Networks run on the CPU, the only device found here" in text(test)


@pytest.mark.usefixtures("two_devices")
def test_two_can_be_chosen_from_and_the_link_says_which():
    test = opened(model=TINY)
    assert cache.store(SECOND).names == (TINY,)
    test.button(key="change_model").click().run()
    test.segmented_control(key="device_control").set_value("cpu").run()
    assert not test.exception
    assert test.query_params["device"] == "cpu"
    assert cache.MODELS.names == (TINY,)


@pytest.mark.usefixtures("two_devices")
def test_mixed_precision_is_a_choice_in_the_link():
    exact, mixed = opened(model=TINY), opened(model=TINY, mixed="1")
    assert not mixed.exception
    assert len(answers(mixed)) == len(answers(exact)) == 5
    mixed.button(key="change_model").click().run()
    assert mixed.toggle(key="mixed_toggle").value
    assert "0.4 %" in mixed.toggle(key="mixed_toggle").help


def test_a_device_in_the_link_that_is_not_here_is_told():
    test = opened(model=TINY, device="cuda:9")
    assert not test.exception
    assert said(test) == "There is no device 'cuda:9' here; there is cpu."
    assert "device" not in test.query_params


def test_so_is_one_in_the_servers_environment_once(monkeypatch):
    monkeypatch.setenv("EXPLORER_DEVICE", "mps")
    test = opened(model=TINY)
    assert said(test) == "There is no device 'mps' here; there is cpu."
    assert not test.run().error


def test_too_little_memory_is_told_and_the_head_stays(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(cache, "ACTIVATIONS", type(cache.ACTIVATIONS)(1 << 20, lambda made: made.nbytes))
    monkeypatch.setattr(explorer, "capture", full)
    test = opened(model=TINY)
    assert not test.exception
    assert "needs more memory than is free on CPU" in said(test)
    assert test.button(key="change_model")
