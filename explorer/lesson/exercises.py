"""Your turn: cells of an output to be worked out by hand, and what is said to an answer.

Example:
    >>> task = exercise(level=1, seed=7)
    >>> task == exercise(level=1, seed=7)
    True
    >>> check(task, *task.asked[0], task.solution(*task.asked[0])).right
    True
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from explorer.lesson.matrices import LessonError, Matrix, written
from explorer.lesson.mistakes import Mistake, explain, same
from explorer.lesson.walkthrough import Walkthrough, walk, worked_example

Pair = tuple[int, int]

LEVELS = {
    1: "Zeros and ones under a 3×3 kernel, one step at a time.",
    2: "Larger numbers, and either a stride of 2 or a border of zeros.",
    3: "Negative numbers, and two of stride, padding, dilation and a turned kernel at once.",
}
"""What each level asks for."""

ASKED = 4
"""Cells that an exercise asks for."""


@dataclass(frozen=True)
class Exercise:
    """A convolution with some cells of its output left open.

    Attributes:
        level: 1 to 3; 0 is the worked example.
        seed: What it was drawn from.
        steps: The convolution.
        asked: Rows and columns of the open cells, in reading order.
    """

    level: int
    seed: int
    steps: Walkthrough
    asked: tuple[Pair, ...]

    @property
    def task(self) -> str:
        """What is to be done, in a sentence or two."""
        sizes, parts = self.steps.sizes, []
        if sizes.stride != (1, 1):
            parts.append(f"stride {sizes.stride[0]}")
        if any(sizes.padding):
            parts.append(f"padding {sizes.padding[0]}")
        if sizes.dilation != (1, 1):
            parts.append(f"dilation {sizes.dilation[0]}")
        how = f" with {' and '.join(parts)}" if parts else ""
        turn = (
            " Turn the kernel by 180 degrees first: this is a true convolution." if self.steps.flipped else ""
        )
        return f"Work out the {len(self.asked)} open cells of the output{how}.{turn}"

    def solution(self, row: int, column: int) -> float:
        """The right number of a cell."""
        return self.steps.at(row, column).result


@dataclass(frozen=True)
class Verdict:
    """What is said to the answer for one cell.

    Attributes:
        row: Of the output.
        column: Of the output.
        answer: The learner's number.
        right: Whether it is the output's.
        mistakes: What may have led to a wrong one, the likeliest first; empty where nothing usual does.
        begin: The first line of the computation, to start again from.
    """

    row: int
    column: int
    answer: float
    right: bool
    mistakes: tuple[Mistake, ...]
    begin: str

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        where = f"row {self.row}, column {self.column}"
        if self.right:
            return f"Right: {where} is {written(self.answer)}."
        wrong = f"Not yet: {where} is not {written(self.answer)}."
        if self.mistakes:
            return f"{wrong} {self.mistakes[0].sentence}"
        return f"{wrong} Begin again with the first kernel row: {self.begin}."


@dataclass(frozen=True)
class Report:
    """What is said to several answers at once.

    Attributes:
        verdicts: One for each answer, in reading order.
        left: Cells of the exercise that are still open or wrong.
    """

    verdicts: tuple[Verdict, ...]
    left: tuple[Pair, ...]

    @property
    def solved(self) -> bool:
        """Whether every asked cell is right."""
        return not self.left


def worked_exercise() -> Exercise:
    """The worked example, its first two cells shown and the other seven open."""
    steps = worked_example()
    cells = [(step.row, step.column) for step in steps]
    return Exercise(0, 0, steps, tuple(cells[2:]))


def exercise(level: int, seed: int) -> Exercise:
    """Draw an exercise; the same level and seed give the same one everywhere.

    Every asked cell comes out differently with a turned kernel or without the padding, so that these
    mistakes can be told from a right answer.

    Args:
        level: A key of `LEVELS`.
        seed: Any whole number.

    Raises:
        LessonError: For another level.
    """
    if level not in LEVELS:
        raise LessonError(f"there are the levels {', '.join(map(str, LEVELS))}, got {level!r}")
    random = Random(f"convolution {level} {seed}")
    while True:
        steps = _drawn(level, random)
        cells = [(step.row, step.column) for step in steps if _telling(steps, step.row, step.column)]
        if len(cells) >= ASKED:
            return Exercise(level, seed, steps, tuple(sorted(random.sample(cells, ASKED))))


def check(task: Exercise, row: int, column: int, answer: float) -> Verdict:
    """Judge the answer for one cell.

    Raises:
        LessonError: If the output has no such cell, or the answer is no finite number.
    """
    if not math.isfinite(answer):
        raise LessonError(f"an answer is a number such as 3 or −1.5, got {answer}")
    step = task.steps.at(row, column)
    right = same(answer, step.result)
    mistakes = explain(task.steps, row, column, answer)
    return Verdict(row, column, answer, right, mistakes, step.rows[0].text)


def check_all(task: Exercise, answers: Mapping[Pair, float]) -> Report:
    """Judge several answers together.

    A mistake of principle, such as a turned kernel, shows in several cells: of the explanations for a wrong
    answer those come first that explain most of the wrong answers.

    Args:
        task: The exercise.
        answers: Numbers by (row, column), any of the output's cells; those left out count as open.

    Raises:
        LessonError: As in `check`.
    """
    verdicts = [check(task, *cell, answers[cell]) for cell in sorted(answers)]
    shared = Counter(kind for each in verdicts for kind in {mistake.kind for mistake in each.mistakes})
    ordered = tuple(
        replace(
            each, mistakes=tuple(sorted(each.mistakes, key=lambda mistake: -shared[mistake.kind]))
        )  # sorting keeps the order of equals
        for each in verdicts
    )
    right = {(each.row, each.column) for each in ordered if each.right}
    return Report(ordered, tuple(cell for cell in task.asked if cell not in right))


def _drawn(level: int, random: Random) -> Walkthrough:
    """A convolution of a level; sizes differ in rows and columns, so that they cannot be mixed up."""
    if level == 1:
        return walk(_numbers(random, 5, 4, 0, 1), _numbers(random, 3, 3, -1, 1))
    if level == 2:
        stride, padding = random.choice(((2, 0), (1, 1)))
        return walk(_numbers(random, 5, 7, 0, 4), _numbers(random, 3, 3, -1, 2), stride, padding)
    stride, padding, dilation, flipped = random.choice(
        ((2, 1, 1, False), (2, 0, 1, True), (1, 1, 1, True), (1, 1, 2, False), (1, 0, 2, True))
    )
    input, kernel = _numbers(random, 6, 7, -3, 5), _numbers(random, 2, 3, -2, 3)
    return walk(input, kernel, stride, padding, dilation, flipped=flipped)


def _numbers(random: Random, rows: int, columns: int, low: int, high: int) -> Matrix:
    return tuple(tuple(float(random.randint(low, high)) for _ in range(columns)) for _ in range(rows))


def _telling(steps: Walkthrough, row: int, column: int) -> bool:
    """Whether a cell's number tells the usual mistakes of principle from the right computation."""
    right = steps.at(row, column).result
    turned = replace(steps, flipped=not steps.flipped).at(row, column).result
    if same(right, turned):
        return False
    sizes = steps.sizes
    if not any(sizes.padding):
        return True
    bare = replace(sizes, padding=(0, 0, 0, 0))
    height, width = bare.output_size
    if row >= height or column >= width:
        return True
    return not same(right, replace(steps, sizes=bare).at(row, column).result)
