"""The chapter's part on stride and padding without a browser: formula, drawings and both meanings of SAME."""

import torch
import torch.nn.functional as F
from streamlit.testing.v1 import AppTest

from explorer.lesson.windows import axis
from pages.lesson.kernels import words
from tests.pages.test_lesson_kernels import chapter, sent
from tests.pages.test_pages import text


def formula(test: AppTest) -> str:
    return next(part.value for part in test.markdown if "displaystyle" in part.value)


def test_the_formula_is_worked_out_with_the_chosen_numbers() -> None:
    test = chapter(axis_size="9", axis_kernel="3", axis_stride="2", axis_padding="1", axis_dilation="2")
    assert r"2 \cdot (3 - 1) + 1 = 5" in formula(test)
    assert r"\frac{9 + (1 + 1) - 5}{2} \right\rfloor + 1" in formula(test)
    assert r"\frac{6}{2} \right\rfloor + 1 = 4" in formula(test)
    assert F.conv2d(torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 3, 3), None, 2, 1, 2).shape[-1] == 4
    assert "9 × 9 pixels become 4 × 4" in text(test)
    (stepper,) = sent(test, "stepper")
    assert stepper["setting"]["stride"] == [2, 2]
    assert stepper["setting"]["padding"] == [1, 1, 1, 1]
    assert stepper["setting"]["dilation"] == [2, 2]
    assert len(stepper["setting"]["input"]) == 9


def test_a_control_changes_formula_and_drawing() -> None:
    test = chapter()
    test.slider(key="kernels_axis_stride").set_value(2).run()
    assert "PyTorch refuses this" in test.error[0].value
    test.button_group(key="kernels_axis_padding").set_value("same_tensorflow").run()
    assert not test.error
    assert r"\frac{6 + (0 + 1) - 3}{2} \right\rfloor + 1" in formula(test)
    assert sent(test, "kernel_windows")[0]["panels"][0]["windows"] == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]


def test_an_example_sets_all_four_numbers() -> None:
    test = chapter(axis_padding="3", axis_kernel="5", axis_dilation="3")
    test.button(key="sizes_example_2").click().run()
    assert not test.exception
    assert "6 × 6 pixels become 3 × 3" in text(test)
    assert "moves 2 pixels at once" in text(test)


def test_what_does_not_fit_says_why() -> None:
    test = chapter(axis_size="3", axis_kernel="7", axis_padding="valid")
    assert "does not fit into the padded input of 3×3" in test.error[0].value
    assert "Kernels on your picture" in [heading.value for heading in test.header]


def test_same_in_two_libraries_side_by_side() -> None:
    test = chapter()
    ours, theirs = sent(test, "kernel_windows")[1]["panels"]
    assert (ours["title"], theirs["title"]) == (
        "PyTorch: 1 zero before, 1 after",
        "TensorFlow: no zeros before, 1 after",
    )
    assert ours["outputs"] == [1, 3, 5, 7]
    assert theirs["outputs"] == [2, 4, 6, 8]
    assert "Every TensorFlow window lies 1 pixel further to the right" in text(test)
    assert "⌈8 / 2⌉ = 4" in text(test)
    test.slider(key="kernels_same_size").set_value(9).run()
    ours, theirs = sent(test, "kernel_windows")[1]["panels"]
    assert ours["outputs"] == theirs["outputs"] == [1, 3, 5, 7, 9]
    assert "Here they agree" in text(test)
    test.slider(key="kernels_same_stride").set_value(1).run()
    assert "At stride 1 both put 1 zero before, 1 after" in text(test)


def test_even_kernels_and_dilation_tell_their_zeros_and_span() -> None:
    assert "4 taps need 3 zeros to keep the size, an odd number: 1 before, 2 after" in text(chapter())
    assert "2 taps need 1 zero to keep the size, an odd number: none before, 1 after" in words.even(
        axis(7, 2, padding="same")
    )
    assert "5 taps need 4 zeros to keep the size, 2 on either side" in words.even(axis(7, 5, padding="same"))
    told = words.dilation(axis(11, 3, dilation=3))
    assert "3 · (3 − 1) + 1 = 7 pixels" in told
    assert "11 pixels become 5" in told
