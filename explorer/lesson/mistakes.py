"""Which usual mistake explains a wrong number: a product left out, a wrong sign, the window in a wrong place.

Small whole numbers can come about in several ways, so that a wrong answer often has several explanations.
They are ordered by Bayes' rule: how usual a mistake is, times how likely it would have led to this very
number. A turned kernel leads to one number only; leaving out one of nine products to as many as there are
different products.

Example:
    >>> from explorer.lesson.walkthrough import walk
    >>> steps = walk([[1, 4, 2], [0, 3, 1], [5, 0, 2]], [[2, 1], [0, -1]])
    >>> steps.at(0, 0).text.splitlines()
    ['1×2 + 4×1 = 6', '0×0 + 3×(−1) = −3', '6 + (−3) = 3']
    >>> print(explain(steps, 0, 0, 1)[0].sentence)
    It looks as if the product 1×2 (kernel row 0, column 0) is missing.
    >>> print(explain(steps, 0, 0, 9)[0].sentence)
    It looks as if the minus signs of the kernel were left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from explorer.lesson.matrices import written
from explorer.lesson.walkthrough import KernelRow, Position, Term, Walkthrough

USUAL = {
    "missed product": 0.3,
    "padding": 0.15,
    "stride": 0.15,
    "dilation": 0.15,
    "sign": 0.1,
    "signs": 0.1,
    "flipped": 0.1,
    "missed row": 0.1,
    "shifted": 0.1,
    "negated": 0.05,
    "twice": 0.05,
}
"""The kinds of mistakes and how usual each is held to be: a judgement, of which only the order matters."""

NEIGHBOURS = {
    (-1, 0): "one row too high",
    (1, 0): "one row too low",
    (0, -1): "one column too far left",
    (0, 1): "one column too far right",
}


@dataclass(frozen=True)
class Mistake:
    """A way in which a wrong answer may have come about.

    Attributes:
        kind: A key of `USUAL`.
        sentence: For the learner.
        weight: How usual it is, times how likely it leads to this answer.
        terms: The products concerned, where it is about some: each of them alone explains the answer.
    """

    kind: str
    sentence: str
    weight: float
    terms: tuple[Term, ...] = ()


def same(one: float, other: float) -> bool:
    """Whether two numbers count as equal: to six decimals, since people round."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)


def explain(steps: Walkthrough, row: int, column: int, answer: float) -> tuple[Mistake, ...]:
    """The usual mistakes that lead to `answer` in one cell of the output, the likeliest first.

    Args:
        steps: The convolution.
        row: Of the output.
        column: Of the output.
        answer: What the learner says; a wrong number, for the right one has nothing to explain.

    Returns:
        Empty where no usual mistake leads to it.

    Raises:
        LessonError: If the output has no such cell.
    """
    step = steps.at(row, column)
    if same(answer, step.result):
        return ()
    found = [*_about_products(step, answer), *_about_rows(step, answer), *_about_window(steps, step, answer)]
    return tuple(sorted(found, key=lambda mistake: -mistake.weight))


def _about_products(step: Position, answer: float) -> Iterator[Mistake]:
    """Mistakes with a single product, and with all signs."""
    wrong: tuple[tuple[str, Callable[[float], float], str], ...] = (
        ("missed product", lambda product: -product, "{} is missing"),
        ("sign", lambda product: -2 * product, "{} was taken with the wrong sign"),
        ("twice", lambda product: product, "{} was counted twice"),
    )
    counting = [term for term in step.terms if term.product]
    for kind, change, words in wrong:
        terms = tuple(term for term in counting if same(answer, step.result + change(term.product)))
        if terms:
            sentence = f"It looks as if {words.format(_named(terms))}."
            yield Mistake(kind, sentence, USUAL[kind] * len(terms) / len(counting), terms)
    if same(answer, sum(term.value * abs(term.weight) for term in step.terms)):
        yield _certain("signs", "It looks as if the minus signs of the kernel were left out.")
    if same(answer, -step.result):
        yield _certain("negated", "The size is right, but not the sign.")


def _about_rows(step: Position, answer: float) -> Iterator[Mistake]:
    rows = [(number, row) for number, row in enumerate(step.rows) if row.sum]
    missing = [(number, row) for number, row in rows if same(answer, step.result - row.sum)]
    if missing and len(step.rows) > 1:
        names = " or ".join(str(number) for number, _ in missing)
        weight = USUAL["missed row"] * len(missing) / len(rows)
        terms = tuple(term for _, row in missing for term in _counting(row))
        yield Mistake("missed row", f"It looks as if the whole kernel row {names} is missing.", weight, terms)


def _about_window(steps: Walkthrough, step: Position, answer: float) -> Iterator[Mistake]:
    """Mistakes that put the right kernel in a wrong place, or a turned one in the right place."""
    if same(answer, replace(steps, flipped=not steps.flipped).at(step.row, step.column).result):
        yield _certain("flipped", _turn(steps.flipped))
    top, left = step.input_rows[0], step.input_columns[0]
    (down, right), holes = steps.sizes.stride, steps.sizes.dilation
    if any(steps.sizes.padding) and same(answer, _sum(steps, step.row * down, step.column * right, holes)):
        yield _certain("padding", "It looks as if the padding was forgotten: the window begins in it.")
    unpadded = step.row - steps.sizes.padding[0], step.column - steps.sizes.padding[2]
    if (down, right) != (1, 1) and same(answer, _sum(steps, *unpadded, holes)):
        yield _certain("stride", f"It looks as if the stride of {_steps(down, right)} was forgotten.")
    if holes != (1, 1) and same(answer, _sum(steps, top, left, (1, 1))):
        yield _certain(
            "dilation", f"It looks as if the dilation was forgotten: taps lie {_steps(*holes)} apart."
        )
    for (rows, columns), where in NEIGHBOURS.items():
        if same(answer, _sum(steps, top + rows, left + columns, holes)):
            sentence = f"It looks as if the window lay {where}."
            yield Mistake("shifted", sentence, USUAL["shifted"] / len(NEIGHBOURS))


def _sum(steps: Walkthrough, top: int, left: int, apart: tuple[int, int]) -> float:
    """The sum of products with the window's first cell at (top, left) and taps `apart`."""
    return sum(
        weight * steps.value(top + i * apart[0], left + j * apart[1])
        for i, weights in enumerate(steps.applied)
        for j, weight in enumerate(weights)
    )


def _certain(kind: str, sentence: str) -> Mistake:
    """A mistake that leads to one number only."""
    return Mistake(kind, sentence, USUAL[kind])


def _counting(row: KernelRow) -> tuple[Term, ...]:
    return tuple(term for term in row.terms if term.product)


def _named(terms: tuple[Term, ...]) -> str:
    names = [f"{term.text} (kernel row {term.tap[0]}, column {term.tap[1]})" for term in terms]
    return f"the product {' or '.join(names)}"


def _turn(flipped: bool) -> str:
    if flipped:
        return "It looks as if the kernel was not turned: true convolution turns it by 180 degrees first."
    return "It looks as if the kernel was turned by 180 degrees; here it is laid over as it stands."


def _steps(rows: int, columns: int) -> str:
    return written(rows) if rows == columns else f"{rows} rows and {columns} columns"
