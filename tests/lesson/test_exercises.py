"""Exercises: the same for everybody, solvable, and wrong answers explained by what was done wrong."""

import random
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from explorer.lesson.exercises import ASKED, LEVELS, check, check_all, exercise, worked_exercise
from explorer.lesson.matrices import LessonError
from explorer.lesson.mistakes import USUAL, explain
from explorer.lesson.walkthrough import walk, worked_example

ALL = [(level, seed) for level in LEVELS for seed in range(12)]

# 1 4 2      under   2  1      gives  1·2 + 4·1 = 6  and  0·0 + 3·(−1) = −3,  together 3
# 0 3 1              0 -1
# 5 0 2
PAPER = walk([[1, 4, 2], [0, 3, 1], [5, 0, 2]], [[2, 1], [0, -1]])


def kinds(mistakes):
    return [mistake.kind for mistake in mistakes]


def test_the_worked_example_is_to_be_finished():
    task = worked_exercise()
    assert task.steps == worked_example()
    assert task.asked == ((0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2))
    verdict = check(task, 0, 1, 3)
    assert verdict.right
    assert verdict.sentence == "Right: row 0, column 1 is 3."
    report = check_all(task, {cell: task.solution(*cell) for cell in task.asked})
    assert report.solved
    assert not check_all(task, {(0, 2): 3}).solved


def test_the_missed_product_of_the_worked_example_is_named():
    verdict = check(worked_exercise(), 1, 1, 2)
    assert not verdict.right
    # Each of the three rows has the same product 1×1, and nobody can tell which one was left out.
    assert [term.tap for term in verdict.mistakes[0].terms] == [(0, 0), (1, 0), (2, 0)]
    assert verdict.sentence == (
        "Not yet: row 1, column 1 is not 2. It looks as if the product 1×1 (kernel row 0, column 0) or "
        "1×1 (kernel row 1, column 0) or 1×1 (kernel row 2, column 0) is missing."
    )


@pytest.mark.parametrize(
    ("answer", "kind", "taps"),
    [
        (1, "missed product", [(0, 0)]),
        (-1, "missed product", [(0, 1)]),
        (6, "missed product", [(1, 1)]),
        (-5, "sign", [(0, 1)]),
        (9, "signs", []),
        (7, "twice", [(0, 1)]),
        (5, "twice", [(0, 0)]),
    ],
)
def test_mistakes_on_paper(answer, kind, taps):
    found = explain(PAPER, 0, 0, answer)
    mistake = next(mistake for mistake in found if mistake.kind == kind)
    assert [term.tap for term in mistake.terms] == taps
    assert mistake.sentence.endswith(".")


def test_mistakes_of_place_on_paper():
    # Turned, the kernel is −1 0; 1 2: −1·1 + 0·4 + 1·0 + 2·3 = 5.
    assert "flipped" in kinds(explain(PAPER, 0, 0, 5))
    # One column further right: 4·2 + 2·1 + 3·0 + 1·(−1) = 9. One row lower: 0·2 + 3·1 + 5·0 + 0·(−1) = 3.
    assert "shifted" in kinds(explain(PAPER, 0, 0, 9))
    assert "It looks as if the window lay one column too far right." in [
        mistake.sentence for mistake in explain(PAPER, 0, 0, 9)
    ]
    assert explain(PAPER, 0, 0, 3) == ()  # right


def test_padding_stride_and_dilation_forgotten():
    input, kernel = [[1, 2, 4, 8], [3, 6, 9, 5], [7, 1, 2, 3]], [[1, 10], [100, 1000]]
    padded = walk(input, kernel, padding=1)
    assert padded.at(0, 0).result == 1000
    assert kinds(explain(padded, 0, 0, 6321))[0] == "padding"  # the window 1 2; 3 6
    strided = walk(input, kernel, stride=2)
    assert strided.at(0, 1).result == 5984  # the window 4 8; 9 5
    mistakes = explain(strided, 0, 1, 9642)  # the window 2 4; 6 9, also one column too far left
    assert kinds(mistakes) == ["stride", "shifted"]
    assert mistakes[0].sentence == "It looks as if the stride of 2 was forgotten."
    dilated = walk(input, kernel, dilation=2)
    assert dilated.at(0, 0).result == 2741
    assert kinds(explain(dilated, 0, 0, 6321)) == ["dilation"]


def test_what_no_usual_mistake_explains():
    verdict = check(worked_exercise(), 0, 2, 17)
    assert verdict.mistakes == ()
    assert verdict.sentence.endswith("Begin again with the first kernel row: 1×1 + 0×0 + 0×(−1) = 1.")


@pytest.mark.parametrize(("level", "seed"), ALL)
def test_an_exercise_is_the_convolution_of_pytorch(level, seed):
    task = exercise(level, seed)
    sizes = task.steps.sizes
    kernel = torch.tensor(task.steps.kernel)
    kernel = kernel.flip(0, 1) if task.steps.flipped else kernel
    expected = F.conv2d(
        torch.tensor(task.steps.input)[None, None], kernel[None, None], None,
        sizes.stride, (sizes.padding[0], sizes.padding[2]), sizes.dilation,
    )[0, 0]  # fmt: skip
    assert len(set(task.asked)) == ASKED
    assert [task.solution(*cell) for cell in task.asked] == [expected[cell].item() for cell in task.asked]
    assert check_all(task, {cell: expected[cell].item() for cell in task.asked}).solved


@pytest.mark.parametrize(("level", "seed"), ALL)
def test_a_turned_kernel_is_recognised_from_the_whole(level, seed):
    task = exercise(level, seed)
    turned = replace(task.steps, flipped=not task.steps.flipped)
    report = check_all(task, {cell: turned.at(*cell).result for cell in task.asked})
    assert report.left == task.asked
    assert all("flipped" in kinds(verdict.mistakes) for verdict in report.verdicts)


def test_most_made_mistakes_are_named_first():
    """Out of many answers with one product left out, or a kernel turned, nearly all are told right."""
    draw, right, made = random.Random(5), {"missed product": 0, "flipped": 0}, 0
    for level, seed in ALL:
        task = exercise(level, seed)
        missed = {}
        for cell in task.asked:
            counting = [term for term in task.steps.at(*cell).terms if term.product]
            missed[cell] = task.solution(*cell) - draw.choice(counting).product if counting else 99.0
        turned = replace(task.steps, flipped=not task.steps.flipped)
        flipped = {cell: turned.at(*cell).result for cell in task.asked}
        for kind, answers in (("missed product", missed), ("flipped", flipped)):
            verdicts = check_all(task, answers).verdicts
            right[kind] += sum(kinds(verdict.mistakes)[:1] == [kind] for verdict in verdicts)
        made += len(task.asked)
    assert right["missed product"] > 0.95 * made
    assert right["flipped"] > 0.9 * made


def test_seeds_differ_and_leave_the_global_generator_alone():
    state = random.getstate()
    drawn = {exercise(3, seed) for seed in range(20)}
    assert len(drawn) == 20
    assert random.getstate() == state
    assert exercise(2, -1) == exercise(2, -1)


def test_the_task_says_what_is_to_be_done():
    tasks = {exercise(3, seed).task for seed in range(40)}
    assert any("with stride 2 and padding 1." in task for task in tasks)
    assert any("with padding 1 and dilation 2." in task for task in tasks)
    assert any(task.endswith("this is a true convolution.") for task in tasks)
    assert exercise(1, 0).task == "Work out the 4 open cells of the output."


def test_each_level_is_what_it_says():
    for seed in range(20):
        first, second, third = (exercise(level, seed).steps for level in (1, 2, 3))
        assert set(sum(first.input, ())) <= {0, 1}
        assert first.sizes.kernel_size == (3, 3)
        special = [
            (steps.sizes.stride == (2, 2))
            + any(steps.sizes.padding)
            + (steps.sizes.dilation == (2, 2))
            + steps.flipped
            for steps in (first, second, third)
        ]
        assert special == [0, 1, 2]
        assert max(sum(second.input, ())) > 1
        assert min(sum(third.input, ())) < 0


def test_every_kind_of_mistake_is_explained_somewhere():
    found = set(kinds(explain(PAPER, 0, 0, -3)))
    for level, seed in ALL[::4]:
        task = exercise(level, seed)
        found |= {
            kind
            for cell in task.asked
            for n in range(-12, 13)
            for kind in kinds(explain(task.steps, *cell, n))
        }
    assert found == set(USUAL)


def test_what_is_no_answer_and_no_level():
    with pytest.raises(LessonError, match="levels 1, 2, 3, got 4"):
        exercise(4, 0)
    with pytest.raises(LessonError, match=r"a number such as 3 or −1\.5, got nan"):
        check(worked_exercise(), 0, 0, float("nan"))
    with pytest.raises(LessonError, match="rows 0 to 2"):
        check(worked_exercise(), 0, 3, 1)
