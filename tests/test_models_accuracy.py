"""The bundled model sees what is there: sample pictures, and photographs where they are at hand."""

from pathlib import Path

import pytest
import torch

import models
from explorer.images import decode
from explorer.samples import SAMPLES, sample_bytes
from models.preprocessing import Preprocessing

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
OBVIOUS = [name for name, sample in SAMPLES.items() if sample.expected]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On a busy machine PyTorch's threads wait for each other: hundreds of forwards then take minutes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model():
    return models.load()


def test_some_samples_have_an_obvious_class():
    assert {"chelsea", "coffee"} <= set(OBVIOUS)


@pytest.mark.parametrize("name", OBVIOUS)
def test_sample_picture(model, name):
    x = model.preprocess(decode(sample_bytes(name)))
    with torch.inference_mode():
        best, *_ = models.top_predictions(model.module(x), model.labels)
    assert best.index in SAMPLES[name].expected, best


def _top_1(model, preprocess, pictures, classes, batch_size=8):
    """Share of the pictures whose most probable class is the right one."""
    right = 0
    for start in range(0, len(pictures), batch_size):
        x = torch.cat([preprocess(picture) for picture in pictures[start : start + batch_size]])
        with torch.inference_mode():
            guesses = model.module(x.to(memory_format=torch.channels_last)).argmax(1)  # a quarter faster
        right += (guesses == torch.tensor(classes[start : start + batch_size])).sum().item()
    return right / len(pictures)


@pytest.mark.skipif(
    not PHOTOS.is_dir(), reason="the folder of labelled photographs is not beside the repository"
)
def test_photographs(model):
    files = sorted(PHOTOS.glob("[0-9]*.jpg"))
    assert len(files) >= 100
    classes = [int(file.name.partition("_")[0]) for file in files]
    pictures = [decode(file.read_bytes()) for file in files]
    right = _top_1(model, model.preprocess, pictures, classes)
    assert right >= 0.85
    usual = Preprocessing(256, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert _top_1(model, usual, pictures, classes) <= right - 0.05
