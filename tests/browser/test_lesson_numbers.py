"""The browser's arithmetic and words against the library's: hundreds of positions, no server needed."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from explorer.laboratory.numbers import NumbersError, parse_number
from explorer.lesson.matrices import LessonError, spoken, typed, written
from explorer.lesson.pooling import walk_pool, walk_relu
from explorer.lesson.walkthrough import walk

WIDGETS = Path(__file__).parents[2] / "pages" / "widgets"

WALK = """([mode, setting]) => {
  const walk = walkthrough(mode, setting);
  if (walk.problem) return { problem: walk.problem };
  const steps = [];
  for (let row = 0; row < walk.output[0]; row++) {
    for (let column = 0; column < walk.output[1]; column++) {
      const at = positionAt(walk, row, column);
      const lines = mode === "convolution"
        ? [...at.rows.map((each) => `${each.terms.map(termText).join(" + ")} = ${written(each.sum)}`),
           totalText(at)]
        : [lineText(walk, at)];
      const running = at.rows.map((each) => each.running);
      const winner = at.winner ? [at.winner.row, at.winner.column] : null;
      steps.push({ result: at.result, lines, running, winner, said: sentence(walk, at) });
    }
  }
  return { output: walk.output, steps };
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page with the functions of the two files."""
    context = browser.new_context()
    empty = context.new_page()
    for name in ("common", "walkthrough"):
        empty.add_script_tag(content=(WIDGETS / f"{name}.js").read_text("utf-8"))
    yield empty
    context.close()


def numbers(rng: random.Random, rows: int, columns: int) -> list[list[str]]:
    """What people type: whole numbers, decimals, fractions, both kinds of minus, large and tiny ones."""
    kinds = [
        lambda: str(rng.randint(-9, 9)),
        lambda: f"{rng.uniform(-4, 4):.2f}",
        lambda: f"{rng.randint(-9, 9)}/{rng.randint(1, 16)}",
        lambda: f"−{rng.randint(1, 5)}",
        lambda: rng.choice(["0", "1", "-1", ".5", "3.", "1e-5", "250000", "-0"]),
    ]
    return [[rng.choice(kinds)() for _ in range(columns)] for _ in range(rows)]


def values(rows: list[list[str]]) -> list[list[float]]:
    return [[parse_number(text) for text in row] for row in rows]


def setting(input: list[list[str]], **other: object) -> dict[str, object]:
    defaults = {"kernel": [["1"]], "window": [2, 2], "stride": [1, 1], "padding": [0, 0, 0, 0]}
    return {"input": input, **defaults, "dilation": [1, 1], "flipped": False, **other}


@pytest.mark.parametrize("seed", range(40))
def test_convolutions_are_the_librarys(page: Page, seed: int) -> None:
    rng = random.Random(seed)
    input = numbers(rng, rng.randint(3, 7), rng.randint(3, 8))
    kernel = numbers(rng, rng.randint(1, 4), rng.randint(1, 4))
    stride, dilation = [rng.randint(1, 3), rng.randint(1, 2)], [rng.randint(1, 2), rng.randint(1, 3)]
    rows, columns, flipped = rng.randint(0, 2), rng.randint(0, 3), seed % 2 == 1
    shown = page.evaluate(
        WALK,
        ["convolution", setting(
            input, kernel=kernel, stride=stride, dilation=dilation, flipped=flipped,
            padding=[rows, rows, columns, columns],
        )],
    )  # fmt: skip
    try:
        steps = walk(values(input), values(kernel), stride, (rows, columns), dilation, flipped=flipped)
    except LessonError:
        assert "does not fit into an input of" in shown["problem"]
        return
    assert shown["output"] == list(steps.sizes.output_size)
    for told, step in zip(shown["steps"], steps, strict=True):
        assert told["result"] == step.result
        assert told["running"] == [row.running for row in step.rows]
        assert told["lines"] == [*(row.text for row in step.rows), step.total]
        assert told["said"] == step.sentence


@pytest.mark.parametrize("seed", range(8))
def test_pooling_and_relu_are_the_librarys(page: Page, seed: int) -> None:
    rng = random.Random(seed)
    input = numbers(rng, rng.randint(3, 6), rng.randint(4, 7))
    size, stride = rng.randint(1, 3), rng.randint(1, 3)
    for mode in ("max", "average"):
        shown = page.evaluate(WALK, [mode, setting(input, window=[size, size], stride=[stride, stride])])
        steps = walk_pool(values(input), size, stride, mode)
        for told, step in zip(shown["steps"], steps, strict=True):
            assert (told["result"], told["lines"], told["said"]) == (step.result, [step.text], step.sentence)
            assert told["winner"] == ([step.winner.row, step.winner.column] if step.winner else None)
    shown = page.evaluate(WALK, ["relu", setting(input)])
    for told, step in zip(shown["steps"], walk_relu(values(input)), strict=True):
        assert (told["result"], told["lines"], told["said"]) == (step.result, [step.text], step.sentence)


def test_numbers_are_written_and_read_alike(page: Page) -> None:
    rng = random.Random(0)
    shown = [rng.choice([1, -1]) * rng.uniform(0, 10) * 10.0 ** rng.randint(-8, 12) for _ in range(300)]
    shown += [
        0.0,
        -0.0,
        0.1 + 0.2,
        -1e-17,
        1e6,
        999999.5,
        123456.0,
        1 / 3,
        1e-4,
        1e-5,
        404986.5,
        12345.25,
        -12345.75,
    ]
    assert page.evaluate("(all) => all.map(written)", shown) == [written(value) for value in shown]
    assert page.evaluate("(all) => all.map(spoken)", shown) == [spoken(value) for value in shown]
    fractions = [typed(rng.randint(-99, 99) / rng.randint(1, 99)) for _ in range(100)]
    assert page.evaluate("(all) => all.map(readNumber)", fractions) == [
        parse_number(text) for text in fractions
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "1/0",
        "0/0",
        "1/",
        "/2",
        "1/2/3",
        "nan",
        "inf",
        "1e9",
        "--1",
        "0x10",
        "1;2",
        "1 000 001",
    ],
)
def test_what_is_no_number_is_none_on_both_sides(page: Page, text: str) -> None:
    assert page.evaluate("readNumber", text) is None
    with pytest.raises(NumbersError):
        parse_number(text)


@pytest.mark.parametrize(("text", "value"), [("1,5", 1.5), (" −2 ", -2), ("1 / 4", 0.25), ("+3", 3)])
def test_what_people_type_is_tidied(page: Page, text: str, value: float) -> None:
    assert page.evaluate("readNumber", text) == value
    assert parse_number(page.evaluate("tidied", text)) == value


def test_what_does_not_fit_says_what_would(page: Page) -> None:
    small = [["1"] * 3 for _ in range(3)]
    large = [["1"] * 5 for _ in range(5)]
    told = page.evaluate(WALK, ["convolution", setting(small, kernel=large)])["problem"]
    assert told == (
        "A kernel of 5×5 does not fit into an input of 3×3. Take a smaller kernel, a larger input, or 1 more "
        "cell of padding on each side."
    )
    told = page.evaluate(
        WALK, ["convolution", setting(small, kernel=small, dilation=[3, 3], padding=[1] * 4)]
    )
    assert told["problem"] == (
        "A kernel of 3×3 does not fit into an input of 3×3 with its padding (5×5 together). With dilation 3 "
        "it reaches over 7×7 cells. Take a smaller kernel, less dilation, a larger input, or 1 more cell of "
        "padding on each side."
    )
    told = page.evaluate(WALK, ["max", setting(small, window=[4, 4])])["problem"]
    assert told == "A window of 4×4 does not fit into an input of 3×3. Take a smaller window, a larger input."


def test_a_seed_gives_the_same_numbers_everywhere(page: Page) -> None:
    draw = """(seed) => {
      const next = randomNumbers(seed);
      return Array.from({ length: 60 }, () => next(-2, 9));
    }"""
    one, again, other = (page.evaluate(draw, seed) for seed in (7, 7, 8))
    assert one == again != other
    assert set(one + other) == set(range(-2, 10))
