"""The walkthrough against numbers on paper and against `F.conv2d`."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.lesson.matrices import LessonError, spoken, written
from explorer.lesson.walkthrough import walk, worked_example


def test_the_worked_example_literally():
    example = worked_example()
    assert example.input == ((1, 1, 1, 0, 0),) * 5
    assert example.kernel == ((1, 0, -1),) * 3
    assert example.sizes.stride == (1, 1)
    assert example.output == ((0, 3, 3),) * 3

    first = example.at(0, 0)
    assert [row.text for row in first.rows] == ["1×1 + 1×0 + 1×(−1) = 0"] * 3
    assert [row.running for row in first.rows] == [0, 0, 0]
    assert first.total == "0 + 0 + 0 = 0"

    second = example.at(0, 1)
    assert [row.text for row in second.rows] == ["1×1 + 1×0 + 0×(−1) = 1"] * 3
    assert [row.running for row in second.rows] == [1, 2, 3]
    assert second.total == "1 + 1 + 1 = 3"
    assert (second.input_rows, second.input_columns) == ((0, 1, 2), (1, 2, 3))
    assert second.sentence == (
        "Output row 0, column 1. The window covers input rows 0 to 2 and columns 1 to 3. "
        "Kernel row 0: 1 times 1 plus 1 times 0 plus 0 times minus 1 makes 1. "
        "Kernel row 1: 1 times 1 plus 1 times 0 plus 0 times minus 1 makes 1. "
        "Kernel row 2: 1 times 1 plus 1 times 0 plus 0 times minus 1 makes 1. "
        "The result is 3."
    )


def test_true_convolution_turns_the_kernel_and_here_the_sign():
    example = worked_example()
    turned = walk(example.input, example.kernel, flipped=True)
    assert turned.applied == ((-1, 0, 1),) * 3
    assert turned.output == ((0, -3, -3),) * 3
    assert turned.kernel == example.kernel


def test_padding_stride_and_dilation_by_hand():
    # 1 2 3 4      the corner of the padded input under a 2×2 kernel of dilation 2 and stride 2:
    # 5 6 7 8      0 0 0   the taps meet the corners (−1, −1), (−1, 1), (1, −1), (1, 1) of the window:
    # 9 1 2 3      0 1 2   only I(1, 1) = 6 lies in the input, under the weight 40
    #              0 5 6
    steps = walk([[1, 2, 3, 4], [5, 6, 7, 8], [9, 1, 2, 3]], [[10, 20], [30, 40]], 2, 1, 2)
    corner = steps.at(0, 0)
    assert corner.input_rows == corner.input_columns == (-1, 1)
    assert corner.padding == ((-1, -1), (-1, 1), (1, -1))
    assert [term.value for term in corner.terms] == [0, 0, 0, 6]
    assert corner.result == 240
    # Columns 1 and 3 of row 1 are under the lower taps: 30 · 6 + 40 · 8.
    assert steps.at(0, 1).result == 500
    assert steps.output == ((240, 500), (120, 60 + 160))
    assert "input rows minus 1 and 1 and columns 1 and 3, 2 of its 4 cells in the padding" in (
        steps.at(0, 1).sentence
    )


@st.composite
def cases(draw):
    height, width = draw(st.integers(3, 12)), draw(st.integers(3, 12))
    kernel = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    pairs = [(draw(st.integers(low, high)), draw(st.integers(low, high))) for low, high in ((1, 3), (0, 6))]
    stride, padding = pairs
    dilation = tuple(
        draw(st.integers(1, max(1, min(3, (size + 2 * pad - 1) // max(1, taps - 1)))))
        for size, pad, taps in zip((height, width), padding, kernel, strict=True)
    )
    return (height, width), kernel, stride, padding, dilation, draw(st.booleans()), draw(st.integers(0, 999))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases())
def test_equal_to_conv2d_for_all_sizes(case):
    size, kernel_size, stride, padding, dilation, flipped, seed = case
    if any(
        s + 2 * p < d * (k - 1) + 1 for s, p, d, k in zip(size, padding, dilation, kernel_size, strict=True)
    ):
        with pytest.raises(LessonError, match="does not fit"):
            walk(torch.zeros(size), torch.zeros(kernel_size), stride, padding, dilation)
        return
    generator = torch.Generator().manual_seed(seed)
    input = torch.randint(-9, 10, size, generator=generator).double()
    kernel = torch.randint(-9, 10, kernel_size, generator=generator).double()
    steps = walk(input, kernel, stride, padding, dilation, flipped=flipped)
    applied = kernel.flip(0, 1) if flipped else kernel
    expected = F.conv2d(input[None, None], applied[None, None], None, stride, padding, dilation)[0, 0]
    assert torch.equal(torch.tensor(steps.output, dtype=torch.float64), expected)
    for step in steps:
        assert sum(term.product for term in step.terms) == step.result == steps.output[step.row][step.column]
        assert step == steps.at(step.row, step.column)
        assert all((term.value == 0) for term in step.terms if term.is_padding)
        assert len(step.padding) == sum(
            not (0 <= term.row < size[0] and 0 <= term.column < size[1]) for term in step.terms
        )


def test_same_keeps_the_size_and_an_even_kernel_is_padded_after():
    steps = walk([[1, 2, 3, 4]] * 3, [[1, 1], [1, 1]], padding="same")
    assert steps.sizes.output_size == (3, 4)
    assert steps.at(0, 0).padding == ()
    assert steps.at(2, 3).padding == ((2, 4), (3, 3), (3, 4))
    assert steps.output[2] == (3, 5, 7, 4)


def test_a_large_kernel_is_read_by_its_rows():
    steps = walk([[1] * 5] * 4, [[1, 2, 3, 4], [0] * 4, [0, 0, 0, -1]])
    assert steps.at(0, 0).sentence == (
        "Output row 0, column 0. The window covers input rows 0 to 2 and columns 0 to 3. "
        "Kernel row 0 gives 10. Kernel row 1 gives 0. Kernel row 2 gives minus 1. The result is 9."
    )


def test_one_row_and_one_tap_have_no_sums_to_add():
    assert walk([[1, 2, 3]] * 3, [[2, -1]]).at(1, 0).text == "1×2 + 2×(−1) = 0"
    single = walk([[-1.5, 2, 3]] * 3, [[2]]).at(0, 0)
    assert single.text == "(−1.5)×2 = −3"
    assert single.sentence.startswith("Output row 0, column 0. The window covers input row 0 and column 0.")


def test_steps_and_output_agree_to_the_last_digit():
    steps = walk(torch.randn(7, 9), torch.randn(4, 3), 2, 1, flipped=True)
    assert all(step.result == steps.output[step.row][step.column] for step in steps)


def test_tenths_add_up_and_there_is_no_minus_zero():
    steps = walk([[0.1, 0.2, -0.0]] * 3, [[1, 1, -1]])
    assert steps.at(0, 0).text == "0.1×1 + 0.2×1 + 0×(−1) = 0.3"
    assert written(-0.0) == written(-1e-12) == "0"
    assert written(1234567.0) == "1.23457e+06"
    assert spoken(-0.25) == "minus 0.25"


def test_a_constant_input_under_an_edge_kernel_gives_zero_and_brightness_stays_under_a_mean():
    assert set(sum(walk([[7] * 6] * 4, [[1, 0, -1]] * 3).output, ())) == {0}
    mean = walk([[7] * 6] * 4, [[0.25, 0.25], [0.25, 0.25]])
    assert set(sum(mean.output, ())) == {7}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, 2]] * 3, [[1]]), "input can have 3 to 12 rows and columns, got 3 rows and 2 columns"),
        ((torch.zeros(13, 5), [[1]]), "input can have 3 to 12 rows and columns, got 13 rows"),
        ((torch.zeros(5, 4), torch.zeros(8, 1)), "kernel can have 1 to 7 .* got 8 rows and 1 columns"),
        (([[1, 2, 3], [1, 2], [1, 2, 3]], [[1]]), "rows of numbers, all of the same length"),
        (("abc", [[1]]), "rows of numbers"),
        ((torch.zeros(2, 3, 3), [[1]]), r"matrix \(rows, columns\), got shape \(2, 3, 3\)"),
        (([[float("nan")] * 3] * 3, [[1]]), "between −1,000,000 and 1,000,000"),
        (([[1] * 3] * 3, [[float("inf")]]), "numbers of the kernel"),
        ((torch.zeros(3, 4), torch.zeros(4, 4)), "4×4 taps .* does not fit into the padded input of 3×4"),
        ((torch.zeros(3, 4), torch.zeros(2, 2), 0), "stride must be at least 1"),
        ((torch.zeros(3, 4), torch.zeros(2, 2), 1, 7), "padding can be 0 to 6 cells, got 7"),
        ((torch.zeros(3, 4), torch.zeros(2, 2), 1, "full"), "padding 'full' is unknown; possible are"),
        ((torch.zeros(3, 4), torch.zeros(2, 2), 2, "same"), "defined for stride 1 only"),
    ],
)
def test_what_cannot_be_shown_says_why(arguments, message):
    with pytest.raises(LessonError, match=message):
        walk(*arguments)


def test_a_cell_that_the_output_does_not_have():
    with pytest.raises(LessonError, match="rows 0 to 2 and columns 0 to 2, got row 3, column 0"):
        worked_example().at(3, 0)
    with pytest.raises(LessonError, match="got row -1"):
        worked_example().at(-1, 0)
