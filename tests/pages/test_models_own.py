"""A visitor's own weights: taken, or refused in a sentence while everything stays as it was."""

from __future__ import annotations

import gc
import io
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

import models
from models import timm_models
from models.building import quietly
from models.own import CHECKPOINTS
from pages.model import folder, preparation
from pages.model.given import GivenFile
from tests.pages.test_pages import opened, said, text

ARCHITECTURE = "timm/test_resnet"
CLASSES = 5


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    with quietly(11):
        return timm_models.build("test_resnet", CLASSES).state_dict()


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def prefixed(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in state.items()}


def script() -> None:
    import streamlit as st

    from pages import state
    from pages.model import checkpoint
    from pages.model.showing import settle

    state.sync("")
    st.markdown(f"At work: {settle().spec.title}")
    st.markdown(f"In the link: {st.query_params.to_dict()}")
    checkpoint.show()


def form() -> AppTest:
    """The form, with the architecture picked as the component would."""
    test = AppTest.from_function(script, default_timeout=60)
    test.session_state["kept_architecture_picked"] = {"name": ARCHITECTURE}
    return test.run()


def given(data: bytes, name: str = "mine.pth", labels: bytes | None = None, **fields: object) -> AppTest:
    test = form()
    test.file_uploader(key="own_weights").upload(name, data)
    if labels is not None:
        test.file_uploader(key="own_labels").upload("labels.txt", labels)
    for field, value in fields.items():
        boxes = (*test.text_input, *test.number_input)
        (each,) = (box for box in boxes if box.key.startswith(f"own_{field}"))
        each.set_value(value)
    test.run()
    return test.button(key="own_open").click().run()


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("mine.pth", saved),
        ("mine.ckpt", lambda state: saved({"state_dict": prefixed("model.", state), "epoch": 3})),
        ("mine.pt", lambda state: saved(prefixed("module.", state))),
        ("mine.safetensors", save),
    ],
    ids=["plain", "lightning", "parallel", "safetensors"],
)
def test_a_file_becomes_the_model_at_work(name: str, wrap, state) -> None:
    test = given(wrap(state), name, labels=b"ant\nbee\ncat\ndog\nelk\n")
    assert not test.exception
    assert not test.error
    assert f"At work: test_resnet ({name})" in text(test)
    assert "given-1" in text(test)


def test_it_is_on_the_pages_of_its_visitor_only(state) -> None:
    test = given(saved(state), labels=b"ant\nbee\ncat\ndog\nelk\n")
    kept = test.session_state["kept_given_models"]
    assert list(kept) == ["given-1"]
    other = opened(model="given-1")
    assert "whoever has the file can give it" in said(other)
    assert "EfficientNet" in text(other)
    guessed = opened(model=f"{kept['given-1'].token}/given-1")
    assert "There is no model" in said(guessed)


def test_its_file_goes_with_its_visitor(state) -> None:
    file = GivenFile("../../etc/weights.pth", io.BytesIO(saved(state)))
    path = file.path
    assert path.name == "weights.pth"
    assert path.read_bytes() == saved(state)
    del file
    gc.collect()
    assert not path.parent.exists()


class Malicious:
    def __reduce__(self):
        return os.system, ("touch pickle_ran",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (lambda _: saved({"weight": Malicious()}), "loading it could run anything"),
        (lambda _: pickle.dumps(Malicious(), 2), "loading it could run anything"),
        (lambda state: saved(state)[:5000], "damaged, incomplete"),
        (lambda _: b"", "The file is empty"),
        (lambda _: b"hello", "damaged, incomplete or no checkpoint"),
        (lambda _: saved(torch.ones(3)), "holds no weights by name"),
    ],
    ids=["pickle", "old pickle", "truncated", "empty", "text", "tensor"],
)
def test_a_file_that_is_no_checkpoint_changes_nothing(data, why, state, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    test = given(data(state))
    assert not test.exception
    assert why in said(test)
    assert "The model you had is still here." in said(test)
    assert "/tmp" not in said(test)
    assert str(tmp_path) not in said(test)
    assert not Path("pickle_ran").exists()
    assert "At work: EfficientNet-Lite0" in text(test)
    assert test.file_uploader(key="own_weights").value is not None
    assert test.session_state["kept_given_models"] == {}


def test_tensors_that_do_not_fit_are_listed_with_both_shapes(state) -> None:
    wrong = dict(state)
    wrong["conv1.0.weight"] = torch.zeros(4, 3, 5, 7)
    wrong["extra.bias"] = torch.zeros(9)
    test = given(saved(wrong))
    assert "does not fit the network" in said(test)
    rows = test.dataframe[0].value.set_index("Tensor")
    assert rows.loc["conv1.0.weight"].tolist() == [
        "4 × 3 × 5 × 7",
        " × ".join(map(str, state["conv1.0.weight"].shape)),
    ]
    assert set(rows.index) == {"conv1.0.weight", "extra.bias"}


@pytest.mark.parametrize(
    ("fields", "labels", "why"),
    [
        ({}, b"ant\nbee\n", "It has 5 classes, and there are 2 labels"),
        ({}, b"ant\n\nbee\n", "Line 2 of the labels is empty"),
        ({"classes": 7}, None, "does not fit the network"),
        ({"mean": "0.5, 0.5"}, None, "Mean and deviation are one number, or 3"),
        ({"std": "0"}, None, "std above 0"),
        ({"crop": 999}, None, "must be between 1 pixel and the resized short side"),
    ],
)
def test_fields_that_do_not_fit_are_told(fields, labels, why, state) -> None:
    test = given(saved(state), labels=labels, **fields)
    assert not test.exception
    assert why in said(test)
    assert "At work: EfficientNet-Lite0" in text(test)


def test_small_inputs_are_possible(state) -> None:
    test = given(saved(state), resize=32, crop=32, mean="0.1 0.2 0.3", std="0.5")
    assert not test.error
    spec = test.session_state["kept_given_models"]["given-1"].spec
    assert spec.preprocessing == models.Preprocessing(32, 32, (0.1, 0.2, 0.3), (0.5,) * 3, "bilinear")


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state) -> Path:
    inner = tmp_path / "allowed"
    (inner / "more").mkdir(parents=True)
    torch.save(state, inner / "more/mine.pth")
    torch.save(state, tmp_path / "secret.pth")
    (inner / "way_out.pth").symlink_to(tmp_path / "secret.pth")
    (inner / "notes.txt").write_text("no weights")
    monkeypatch.setenv(CHECKPOINTS, str(inner))
    return inner


def test_files_of_the_allowed_folder_and_no_others_can_be_opened(checkpoints: Path) -> None:
    test = form()
    assert test.selectbox(key="own_path").options == ["more/mine.pth"]
    test.selectbox(key="own_path").set_value("more/mine.pth").run()
    test.button(key="own_open").click().run()
    assert not test.error
    assert "At work: test_resnet (mine.pth)" in text(test)


@pytest.mark.parametrize(
    "name", ["../secret.pth", "way_out.pth", "/etc/passwd", "more/../../secret.pth", "notes.txt"]
)
def test_no_way_leads_out_of_the_allowed_folder(checkpoints: Path, name: str) -> None:
    with pytest.raises(models.ModelError, match="There is no file"):
        folder.inside(checkpoints, name)


def test_without_a_folder_files_can_only_be_uploaded() -> None:
    assert folder.allowed() is None
    assert not [box for box in form().selectbox if box.key == "own_path"]


def test_only_the_latest_few_are_kept(state) -> None:
    test = given(saved(state))
    for _ in range(4):
        test.button(key="own_open").click().run()
        assert not test.error
    assert list(test.session_state["kept_given_models"]) == ["given-2", "given-3", "given-4", "given-5"]


def test_numbers_are_read_as_people_type_them() -> None:
    assert preparation.numbers("[0.485; 0.456,0.406]", 3) == (0.485, 0.456, 0.406)
    for wrong in ("", "a", "0.1 0.2", "nan", "0.5 inf 0.5", "1 2 3 4"):
        with pytest.raises(models.ModelError):
            preparation.numbers(wrong, 3)
