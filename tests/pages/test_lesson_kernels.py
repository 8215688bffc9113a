"""The chapter on stride, padding and kernels without a browser: every control, odd links and pictures."""

import base64
import io
import json
import re

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage
from streamlit.testing.v1 import AppTest

import explorer
from explorer.kernels import KERNELS, random
from explorer.laboratory.numbers import parse_matrix
from explorer.lesson.filtering import pixels
from pages.lesson.kernels import choosing
from tests.pages.chapters import chapter_named
from tests.pages.test_pages import png, text

chapter = chapter_named("kernels")


def sent(test: AppTest, name: str) -> list[dict]:
    """What the page gives its components of this name, from the top."""
    parts = test.get("bidi_component")
    return [json.loads(each.proto.json) for each in parts if each.proto.component_name.endswith(name)]


def picture(test: AppTest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture before and as it is shown after, and the numbers between: (C, H, W) each."""
    (data,) = sent(test, "kernel_picture")
    size = data["size"]
    read = [
        np.frombuffer(base64.b64decode(data[name]), kind).reshape(size)
        for name, kind in (("before", np.uint8), ("after", np.uint8), ("values", np.float32))
    ]
    return read[0], read[1], read[2]


def cat(*, grey: bool = True) -> np.ndarray:
    return pixels(explorer.decode(explorer.sample_bytes("chelsea")).rgb, grey=grey).double().numpy()


def test_the_first_visit_shows_every_section() -> None:
    test = chapter()
    assert not test.exception
    assert not test.error
    assert [heading.value for heading in test.header] == [
        "Stride and padding",
        "SAME is not the same everywhere",
        "Kernels on your picture",
        "Several in a row are one",
    ]
    assert len(sent(test, "kernel_windows")) == 4
    assert "6 × 6 pixels stay 6 × 6" in text(test)


KINDS = ["edge_diagonal", "laplacian_of_gaussian", "gabor"]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_kernel_of_the_catalogue_over_the_picture(name: str) -> None:
    test = chapter(kernel=name)
    assert not test.exception
    assert not test.error
    kernel = KERNELS[name]
    told = text(test)
    assert kernel.does in told
    assert kernel.use in told
    assert kernel.source in told
    before, after, values = picture(test)
    assert np.array_equal(before, cat())
    expected = ndimage.correlate(
        cat()[0],
        kernel.weight().numpy(),
        mode="nearest",
        origin=tuple(-1 if side % 2 == 0 else 0 for side in kernel.weight().shape),
    )
    np.testing.assert_allclose(values[0], expected, atol=1e-3)
    assert after.shape == before.shape


def test_in_colour_each_channel_is_opencvs() -> None:
    test = chapter(kernel="sobel_x", colours="1", display="absolute", padding_mode="zeros")
    before, after, values = picture(test)
    theirs = cv2.Sobel(
        before.transpose(1, 2, 0).astype(float), cv2.CV_64F, 1, 0, borderType=cv2.BORDER_CONSTANT
    )
    np.testing.assert_allclose(values.transpose(1, 2, 0), theirs, atol=1e-3)
    np.testing.assert_array_equal(after, np.abs(values).round().clip(0, 255))
    assert sent(test, "kernel_picture")[0]["channels"] == ["red", "green", "blue"]


def test_the_share_of_clipped_numbers_is_counted() -> None:
    test = chapter(kernel="laplacian", display="clip")
    values = picture(test)[2]
    below, above = 100 * (values < -0.5).mean(), 100 * (values > 255.5).mean()
    said = re.search(
        r"\*\*(\S+) % of the numbers are cut off\*\* \((\S+) % below, (\S+) % above\)", text(test)
    )
    assert [float(part) for part in said.groups()] == pytest.approx([below + above, below, above], rel=0.01)


def test_another_kernel_is_shown_as_suits_it() -> None:
    test = chapter(kernel="laplacian", display="clip")
    test.selectbox(key="kernels_kernel").set_value("sobel_y").run()
    assert "Zero is middle grey" in text(test)
    test.selectbox(key="kernels_kernel").set_value("box").run()
    assert "as it is; below 0" in text(test)


def test_a_kernel_follows_its_parameters() -> None:
    test = chapter(kernel="gaussian_sigma", sigma="1")
    assert np.shape(sent(test, "kernel_picture")[0]["kernel"]) == (9, 9)
    assert "gaussian_filter(picture, 1, mode=" in text(test)
    test.slider(key="kernels_sigma").set_value(2.0).run()
    assert np.shape(sent(test, "kernel_picture")[0]["kernel"]) == (17, 17)


def test_ones_own_kernel_from_a_link_with_fractions() -> None:
    test = chapter(kernel="own", weights="0 1/2; 1/4 0; 1/8 1/8")
    assert sent(test, "kernel_picture")[0]["kernel"] == [[0, 0.5], [0.25, 0], [0.125, 0.125]]
    assert sent(test, "kernel_weights")[0]["texts"] == [["0", "1/2"], ["1/4", "0"], ["1/8", "1/8"]]
    assert "add up to 1" in text(test)


def test_choosing_ones_own_begins_with_the_kernel_before() -> None:
    test = chapter(kernel="gaussian")
    test.selectbox(key="kernels_kernel").set_value("own").run()
    assert sent(test, "kernel_weights")[0]["texts"][0] == ["1/16", "1/8", "1/16"]
    large = chapter(kernel="gaussian_sigma")
    large.selectbox(key="kernels_kernel").set_value("own").run()
    assert parse_matrix(choosing.EMPTY).tolist() == sent(large, "kernel_picture")[0]["kernel"]


def test_a_random_kernel_is_its_seeds() -> None:
    test = chapter(kernel="random", noise="7", noise_side="11")
    assert sent(test, "kernel_picture")[0]["kernel"] == random(7, 11).tolist()
    test.button(key="kernels_noise").click().run()
    assert sent(test, "kernel_picture")[0]["kernel"] == random(8, 11).tolist()
    assert "seed 8" in text(test) or "seed 8" in "".join(each.value for each in test.subheader)


def test_what_the_editor_sends_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {}
    monkeypatch.setattr(choosing.state, "choose", taken.update)
    for nonsense in (None, 5, [["x"]], [["1"], ["1", "2"]], [[1]], [["1"] * 12], [[]], [["1/0"]], [["nan"]]):
        choosing.edit(nonsense)
    assert not taken
    choosing.edit([["1", "-1/3"]])
    assert taken == {"kernel": "own", "weights": "1 -1/3"}


@pytest.mark.parametrize("weights", ["1 " * 12, "<b>1</b>"])
def test_weights_that_cannot_be_used_are_told_and_replaced(weights: str) -> None:
    test = chapter(kernel="own", weights=weights)
    assert not test.exception
    assert test.error[0].value.startswith("These weights cannot be used")
    assert sent(test, "kernel_picture")[0]["kernel"] == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_a_link_with_nonsense_shows_the_defaults() -> None:
    names = [
        "axis_size",
        "axis_kernel",
        "axis_stride",
        "axis_padding",
        "axis_dilation",
        "same_size",
        "same_weights",
        "even_kernel",
    ]
    names += [
        "dilated",
        "kernel",
        "sigma",
        "angle",
        "noise",
        "noise_side",
        "colours",
        "padding_mode",
        "display",
        "looked_at",
        "chain",
    ]
    for nonsense in ("99999999999999", "<script>,,,"):
        test = chapter(**dict.fromkeys([*names, "relu_between"], nonsense))
        assert not test.exception
        assert not test.error
        assert test.selectbox(key="kernels_kernel").value == "sobel_x"
        assert sent(test, "kernel_picture")[0]["view"] == [50, 106, 160, 0]


def test_a_position_beyond_the_picture_is_its_last_pixel() -> None:
    assert sent(chapter(looked_at="10,9999,4,2"), "kernel_picture")[0]["view"] == [10, 212, 4, 0]


def test_a_zero_kernel_and_a_constant_picture_divide_by_nothing() -> None:
    test = chapter(kernel="own", weights="0 0; 0 0")
    assert not test.exception
    assert "Every weight is zero" in text(test)
    assert "Rank 0" in text(test)


def test_two_kernels_in_a_row_and_their_single_one() -> None:
    test = chapter(chain="sobel_x,gaussian")
    apart, data = sent(test, "kernel_chain")
    assert apart["parts"][0]["rows"] == [[1], [2], [1]]
    assert [part["title"] for part in data["parts"]] == ["Sobel →", "Gaussian blur 3×3"]
    assert data["whole"]["title"] == "The single one, 5×5"
    assert data["whole"]["texts"][2] == ["-3/8", "-3/4", "0", "3/4", "3/8"]
    assert "**The same picture: the largest difference is 0 grey levels**" in text(test)
    assert "18 products one after the other, 25 with the single kernel" in text(test)


def test_a_kernel_is_added_to_and_taken_from_the_row() -> None:
    test = chapter(chain="box")
    test.selectbox(key="kernels_chain_1").set_value("laplacian_of_gaussian").run()
    data = sent(test, "kernel_chain")[-1]
    assert data["whole"]["title"] == "The single one, 15×15"
    said = re.search(r"largest difference is (\S+) grey levels\*\*, rounding", text(test))
    assert float(said[1].replace("−", "-")) < 1e-9
    test.selectbox(key="kernels_chain_1").set_value("nothing").run()
    assert len(sent(test, "kernel_chain")[-1]["parts"]) == 1


def test_a_relu_between_two_kernels_makes_the_difference() -> None:
    test = chapter(chain="sobel_x,box", relu_between="1")
    said = re.search(r"Not the same any more: up to (\S+) grey levels apart", text(test))
    picture = F.pad(torch.from_numpy(cat())[None], (2, 2, 2, 2), mode="replicate")
    sobel, box = (KERNELS[name].weight()[None, None] for name in ("sobel_x", "box"))
    plain, cut = (F.conv2d(step, box) for step in (F.conv2d(picture, sobel), F.conv2d(picture, sobel).relu()))
    assert float(said[1]) == pytest.approx(float((plain - cut).abs().max()), rel=0.01)
    assert "The same picture" in text(chapter(chain="box", relu_between="1"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kernel": "gabor", "angle": "30"}, {"kernel": "gabor", "angle": "30", "wavelength": "6"}),
        ({"kernel": "own", "weights": "1 1/2"}, {"kernel": "own", "own": "1 1/2"}),
        ({"colours": "1", "picture": "coffee"}, {"colours": "1", "picture": "coffee", "kernel": "sobel_x"}),
    ],
)
def test_the_laboratory_is_opened_with_the_same_kernel(query: dict, expected: dict) -> None:
    ((page, given),) = chapter(**query).session_state["links"]
    assert page.endswith("laboratory.py")
    assert (
        given["query_params"].items() >= (expected | {"case": "picture", "padding_mode": "replicate"}).items()
    )


@pytest.mark.parametrize(
    "query", [{"kernel": "random", "noise_side": "11"}, {"kernel": "own", "weights": "1/3 0.12345678"}]
)
def test_the_laboratory_computes_the_same(query: dict) -> None:
    from tests.pages.test_laboratory import laboratory

    test = chapter(**query)
    ((_, given),) = test.session_state["links"]
    values = picture(test)[2]
    lab = laboratory(**given["query_params"])
    assert not lab.exception
    assert len(lab.success) == 1  # by hand and PyTorch agree
    data = next(
        json.loads(each.proto.json)
        for each in lab.get("bidi_component")
        if each.proto.component_name.endswith("compare")
    )
    theirs = np.frombuffer(base64.b64decode(data["maps"]["values"]), np.float32).reshape(
        data["maps"]["shape"]
    )
    # The laboratory works on the picture in 0..1, its brightness not rounded.
    assert (
        np.abs(255 * theirs[0] - values[0]).max()
        < 0.51 * np.abs(sent(test, "kernel_picture")[0]["kernel"]).sum()
    )


def grey_png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (90, 60), 128).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "data", [png(1, 1), png(1, 700), png(33, 47), grey_png()], ids=["pixel", "line", "small", "constant"]
)
def test_odd_pictures(data: bytes) -> None:
    test = chapter(data, kernel="laplacian_of_gaussian", colours="1", chain="sobel_x,gabor,edge_diagonal")
    assert not test.exception
    assert not test.error
    assert "The same picture" in text(test)
