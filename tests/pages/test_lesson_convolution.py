"""Chapter 1 without a browser: what it says is computed, links open it, nonsense in them is survived."""

import json
import re
from itertools import cycle
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from streamlit.testing.v1 import AppTest

from explorer.kernels import KERNELS
from explorer.laboratory.numbers import NumbersError
from explorer.lesson.exercises import LEVELS, exercise, worked_exercise
from explorer.lesson.walkthrough import brightness, walk, worked_example
from pages.lesson.convolution import answers, definition, frameworks, link
from pages.widgets.stepper import Setting, read_setting
from tests.pages.test_pages import PAGES, text

ALONE = f"""
import runpy
from pages import state
state.sync("convolution")
runpy.run_path({str(PAGES / "lesson" / "convolution" / "page.py")!r})
"""
"""The page without the frame, which would load the network first."""


def chapter(**query: str) -> AppTest:
    """The page as a link opens it."""
    test = AppTest.from_string(ALONE, default_timeout=60)
    test.query_params.update(query)
    return test.run()


def given(test: AppTest, name: str) -> list[dict]:
    """What the page gives the components of a name, in the page's order."""
    parts = test.get("bidi_component")
    return [json.loads(each.proto.json) for each in parts if each.proto.component_name.endswith(name)]


def steps_of(test: AppTest) -> dict:
    return given(test, "stepper")[0]["setting"]


def test_the_sections_stand_in_their_order_and_have_anchors() -> None:
    test = chapter()
    assert not test.exception
    assert [(each.value, each.anchor) for each in test.header] == [
        ("Slide, multiply, add", "idea"),
        ("Watch it, step by step", "steps"),
        ("The worked example", "example"),
        ("Your turn", "your-turn"),
        ("What frameworks compute", "frameworks"),
    ]
    links = re.findall(r"\]\(#([a-z-]+)\)", text(test))
    assert set(links) == {each.anchor for each in test.header}


def test_the_first_visit_walks_through_the_worked_example() -> None:
    first = given(chapter(), "stepper")[0]
    assert first["setting"]["input"] == [["1", "1", "1", "0", "0"]] * 5
    assert first["setting"]["kernel"] == [["1", "0", "-1"]] * 3
    assert first["setting"]["stride"] == [1, 1]
    assert first["mode"] == "convolution"
    changes = {"input", "kernel", "sizes", "stride", "padding", "dilation", "flipped", "random"}
    assert set(first["changes"]) == changes


def test_the_worked_example_is_told_from_the_walkthrough() -> None:
    test = chapter()
    told = [each.value for each in test.code]
    example = worked_example()
    assert told[:2] == [example.at(0, 0).text, example.at(0, 1).text]
    assert told[0] == "\n".join(["1×1 + 1×0 + 1×(−1) = 0"] * 3 + ["0 + 0 + 0 = 0"])
    assert told[1] == "\n".join(["1×1 + 1×0 + 0×(−1) = 1"] * 3 + ["1 + 1 + 1 = 3"])
    worked = given(test, "exercise")[0]
    assert worked["known"] == [[0, 3, None], [None] * 3, [None] * 3]
    assert worked["asked"] == [[0, 2], [1, 0], [1, 1], [1, 2], [2, 0], [2, 1], [2, 2]]
    assert "The input has 5 equal rows, `1 1 1 0 0`" in text(test).replace("\u00a0", " ")


def test_the_kernels_to_choose_are_the_catalogues() -> None:
    presets = {each["title"]: each["rows"] for each in given(chapter(), "stepper")[0]["kernels"]}
    for kernel in KERNELS.values():
        if not kernel.parameters:
            assert torch.allclose(link_tensor(presets[kernel.title]), kernel.weight(), atol=1e-12)
    assert presets["Box blur"] == [["1/9"] * 3] * 3
    assert presets["Gaussian blur 3×3"][0] == ["1/16", "1/8", "1/16"]


def link_tensor(rows: list[list[str]]) -> torch.Tensor:
    from explorer.laboratory.numbers import matrix

    return matrix(rows)


def test_the_current_picture_can_be_walked_through() -> None:
    presets = given(chapter(), "stepper")[0]["inputs"]
    rows = next(each["rows"] for each in presets if each["title"] == "the current picture")
    assert (len(rows), len(rows[0])) == (12, 12)
    assert {text for row in rows for text in row} <= set("0123456789")
    assert len({text for row in rows for text in row}) > 3


def test_brightness_of_pictures_that_are_hard_to_squeeze() -> None:
    for shape in ((1, 1, 3), (1, 40, 3), (50, 2, 3)):
        assert brightness(np.full(shape, 200, np.uint8)) == ((7.0,) * 12,) * 12
    left = np.zeros((8, 24, 3), np.uint8)
    left[:, :12] = 255
    assert brightness(left, 6) == ((9.0, 9.0, 9.0, 0.0, 0.0, 0.0),) * 6


def test_a_link_opens_its_setting() -> None:
    setting = steps_of(
        chapter(
            walk_input="1 2 3 4; 5 6 7 8; 9 1/2 -.5 0", walk_kernel="1/16 2; 3 4", walk_stride="2",
            walk_padding="1", walk_dilation="3", walk_turned="1", walk_seed="7", walk_at="1,2",
        )
    )  # fmt: skip
    assert setting["input"] == [["1", "2", "3", "4"], ["5", "6", "7", "8"], ["9", "1/2", "-.5", "0"]]
    assert setting["kernel"] == [["1/16", "2"], ["3", "4"]]
    assert setting["stride"] == [2, 2]
    assert setting["padding"] == [1, 1, 1, 1]
    assert setting["dilation"] == [3, 3]
    assert setting["flipped"] is True
    assert setting["seed"] == 7
    assert setting["at"] == [1, 2]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"walk_input": "a b; c d"}, "The link's input cannot be used: 'a' is not a number."),
        ({"walk_input": "1 2; 3"}, "all rows must be equally long"),
        (
            {"walk_input": "1 2; 3 4"},
            "the input can have 3 to 12 rows and columns, got 2 rows and 2 columns.",
        ),
        ({"walk_input": "1 " * 4000}, "at most 12 × 12 numbers are possible"),
        ({"walk_kernel": "1 " * 8}, "the kernel can have 1 to 7 rows and columns, got 1 rows and 8 columns."),
        ({"walk_kernel": "nan"}, "numbers lie between"),
        ({"walk_kernel": "<img src=x onerror=alert(1)>"}, "is not a number"),
        ({"turn_kernel": "[a](b) ![](x)"}, "The link's kernel cannot be used"),
    ],
)
def test_numbers_in_a_link_that_are_none_are_told_and_replaced(query: dict[str, str], reason: str) -> None:
    test = chapter(**query)
    assert not test.exception
    (told,) = test.warning
    assert reason in re.sub(r"\\(.)", r"\1", told.value).replace("\u2060", "")
    assert steps_of(test)["input"] == [["1", "1", "1", "0", "0"]] * 5
    assert steps_of(test)["kernel"] == [["1", "0", "-1"]] * 3


@pytest.mark.parametrize("values", [("", "-1", "999", "1.5"), ("x", "٣", "1e3", "9" * 5000), ("true", "0x1")])
def test_nonsense_in_the_other_choices_is_their_default(values: tuple[str, ...]) -> None:
    names = (
        "level",
        "exercise",
        *(f"walk_{name}" for name in ("stride", "padding", "dilation", "turned", "at")),
    )
    test = chapter(**dict(zip(names, cycle(values), strict=False)))
    assert not test.exception
    assert not test.warning
    setting = steps_of(test)
    assert (setting["stride"], setting["padding"], setting["dilation"]) == ([1, 1], [0] * 4, [1, 1])
    assert setting["flipped"] is False
    assert setting["at"] == [0, 0]
    assert given(test, "exercise")[1]["id"] == "1/1"


def test_an_impossible_link_still_opens() -> None:
    test = chapter(walk_kernel="; ".join(["1 " * 7] * 7), walk_input="1 2 3; 4 5 6; 7 8 9", walk_at="5,5")
    assert not test.exception
    assert len(steps_of(test)["kernel"]) == 7


@pytest.mark.parametrize("level", LEVELS)
def test_a_link_reproduces_an_exercise(level: int) -> None:
    test = chapter(level=str(level), exercise="23")
    task = exercise(level, 23)
    shown = given(test, "exercise")[1]
    assert shown["id"] == f"{level}/23"
    assert tuple(map(tuple, shown["asked"])) == task.asked
    assert task.task in text(test)
    assert LEVELS[level] in text(test)
    known = torch.tensor([[float("nan") if cell is None else cell for cell in row] for row in shown["known"]])
    output = torch.tensor(task.steps.output)
    assert torch.equal(known.isnan().nonzero(), torch.tensor(task.asked))
    assert torch.equal(known[~known.isnan()], output[~known.isnan()])
    assert shown["window"] is (level == 1)


def test_another_exercise_and_another_level_stand_in_the_link() -> None:
    test = chapter()
    test.button(key="another").click().run()
    assert test.query_params["exercise"] == "2"
    assert given(test, "exercise")[1]["id"] == "1/2"
    test.segmented_control(key="lesson_level").set_value(3).run()
    assert test.query_params["level"] == "3"
    assert given(test, "exercise")[1]["id"] == "3/1"
    test.number_input(key="lesson_task").set_value(9999).run()
    test.button(key="another").click().run()
    assert given(test, "exercise")[1]["id"] == "3/1"


def test_what_is_stuck_is_helped_with_every_step() -> None:
    test = chapter(level="3", exercise="5")
    told = [each.value for each in test.code]
    for task in (worked_exercise(), exercise(3, 5)):
        for cell in task.asked:
            assert task.steps.at(*cell).text in told


def test_answers_are_judged_and_summed_up() -> None:
    task = worked_exercise()
    report = answers.judge(task, {"id": "0/0", "cells": [[0, 2, "3"], [1, 1, "2"], [1, 0, "0/5"]]})
    assert [each.right for each in report.verdicts] == [True, True, False]
    assert answers.summary(task, report) == "2 of 7 right, 1 not yet, 4 still open."
    assert "product 1×1 (kernel row 0, column 0)" in report.verdicts[2].sentence
    everything = [[row, column, "3" if column else "0"] for row, column in task.asked]
    report = answers.judge(task, {"id": "0/0", "cells": everything})
    assert report.solved
    assert answers.summary(task, report) == "All 7 cells are right."


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"id": "1/1", "cells": [[0, 2, "3"]]},
        {"id": "0/0", "cells": []},
        {"id": "0/0", "cells": [[0, 2, "three"]]},
        {"id": "0/0", "cells": [[0, 2, "nan"]]},
        {"id": "0/0", "cells": [[9, 9, "3"]]},
        {"id": "0/0", "cells": [[0, 2]]},
        {"id": "0/0", "cells": 5},
    ],
)
def test_answers_that_are_none_change_nothing(sent: object) -> None:
    assert answers.judge(worked_exercise(), sent) is None


def sent(**changed: object) -> dict[str, object]:
    whole = {
        "input": [["1", "2", "3"]] * 3, "kernel": [["1/9"]], "window": [2, 2], "stride": [1, 1],
        "padding": [0, 0, 0, 0], "dilation": [1, 1], "flipped": False, "seed": None, "at": [0, 0],
    }  # fmt: skip
    return whole | changed


def test_a_setting_goes_to_the_browser_and_comes_back() -> None:
    setting = Setting.of(walk([[1, 2, 3]] * 3, [[1 / 9, -0.5]], 2, 1, flipped=True)).as_typed()
    assert setting.kernel == (("1/9", "-0.5"),)
    assert (
        read_setting(sent(kernel=[["1/9", " -0.5 "]], stride=[2, 2], padding=[1] * 4, flipped=True))
        == setting
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"input": None},
        {"input": [["1", "x"]]},
        {"input": [["1", "2"], ["3"]]},
        {"input": []},
        {"kernel": [[]]},
        {"kernel": [["1"]] * 13},
        {"kernel": [["1"] * 13]},
        {"kernel": [["0.00000000000000000000000001"]]},
        {"stride": [1]},
        {"stride": "ab"},
        {"padding": [0, 0]},
        {"at": None},
        {"seed": "x"},
    ],
)
def test_what_no_stepper_sends_is_not_taken(changed: dict[str, object]) -> None:
    assert read_setting(sent(**changed)) is None
    assert read_setting(None) is None


def test_a_matrix_in_the_link_is_as_it_was_typed() -> None:
    rows = (("1/9", "-.5"), ("2", "3"))
    assert link.read_matrix(link.write_matrix(rows), "kernel", (1, 7)) == rows
    assert link.read_matrix("0.3333333333333333333333333, 1", "kernel", (1, 7)) == (("1/3", "1"),)
    with pytest.raises(NumbersError, match="3 to 12 rows"):
        link.read_matrix("1 2 3", "input", (3, 12))


def test_the_longest_possible_setting_fits_into_a_link() -> None:
    longest = "-123456/12345"
    rows = link.write_matrix([[longest[:12]] * 12] * 12), link.write_matrix([[longest[:12]] * 7] * 7)
    assert len(urlencode({"walk_input": rows[0], "walk_kernel": rows[1]})) < 6000


def test_what_is_said_of_both_operations_holds() -> None:
    x = torch.randn(6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    for name in ("box", "gaussian", "laplacian"):
        kernel = KERNELS[name].weight()
        assert torch.equal(kernel, kernel.flip(0, 1))
    example = worked_example()
    turned = walk(example.input, example.kernel, flipped=True).output
    assert turned == tuple(tuple(-value + 0.0 for value in row) for row in example.output)

    from scipy import ndimage, signal

    kernel = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]], dtype=torch.float64)
    ours = torch.tensor(walk(x, kernel).output, dtype=torch.float64)
    true = torch.tensor(walk(x, kernel, flipped=True).output, dtype=torch.float64)
    torch.testing.assert_close(F.conv2d(x[None, None], kernel[None, None])[0, 0], ours)
    a, k = x.numpy(), kernel.numpy()
    np.testing.assert_allclose(signal.correlate2d(a, k, "valid"), ours, rtol=1e-12)
    np.testing.assert_allclose(signal.convolve2d(a, k, "valid"), true, rtol=1e-12)
    np.testing.assert_allclose(ndimage.convolve(a, k)[1:-1, 1:-1], true, rtol=1e-12)
    full, swapped = signal.convolve2d(a, k), signal.convolve2d(k, a)
    np.testing.assert_allclose(full, swapped, rtol=1e-12)
    np.testing.assert_allclose(signal.correlate2d(k, a), signal.correlate2d(a, k)[::-1, ::-1], rtol=1e-12)
    assert not np.allclose(signal.correlate2d(a, k), signal.correlate2d(a, k)[::-1, ::-1])


def test_a_single_one_shows_the_kernel_or_the_kernel_turned() -> None:
    start = frameworks.START
    kernel = tuple(tuple(map(float, row)) for row in start.kernel)
    pixels = [[float(text) for text in row] for row in start.input]
    assert walk(pixels, kernel, flipped=True).output == kernel
    assert walk(pixels, kernel).output == tuple(tuple(reversed(row)) for row in reversed(kernel))


def test_opencv_does_not_turn_the_kernel() -> None:
    import cv2

    x, kernel = np.arange(48.0).reshape(6, 8) ** 1.5, np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]])
    expected = np.array(walk(x.tolist(), kernel.tolist()).output)
    np.testing.assert_allclose(cv2.filter2D(x, -1, kernel)[1:-1, 1:-1], expected, rtol=1e-12)


def test_the_size_formula_on_the_page_is_the_librarys() -> None:
    assert r"\frac{n + 2p - d\,(k - 1) - 1}{s} \Bigr\rfloor + 1" in definition.OUTPUT_SIZE
    for size, p, d, k, s in ((5, 0, 1, 3, 1), (12, 3, 2, 4, 3), (7, 1, 3, 2, 2)):
        steps = walk([[0.0] * size] * size, [[1.0] * k] * k, s, p, d)
        assert steps.sizes.output_size[0] == (size + 2 * p - d * (k - 1) - 1) // s + 1
