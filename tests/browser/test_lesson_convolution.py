"""Chapter 1 as somebody uses it: the stepper, the exercises, with mouse, keyboard and phone."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.lesson.exercises import exercise
from explorer.lesson.walkthrough import walk, worked_example
from tests.browser.checks import serious, sideways
from tests.browser.conftest import PHONE

Open = Callable[..., Page]
LAST = ".st-key-both_operations table"
STEPS = ".st-key-convolution_steps"
WORKED, PRACTICE = ".st-key-worked_exercise", ".st-key-exercise"
CELLS = {
    "walk_input": "1 2 3 4; 5 6 7 8; 9 1/2 -.5 0; 1 1 2 2",
    "walk_kernel": "1/16 2; 3 -4",
    **{
        f"walk_{name}": value
        for name, value in (("stride", 2), ("padding", 1), ("dilation", 2), ("turned", 1))
    },
}


@pytest.fixture
def chapter(visit: Open) -> Open:
    """Open the chapter: `chapter("?level=2", viewport=PHONE)`."""
    return partial(_open, visit)


def _open(visit: Open, query: str = "", **options: object) -> Page:
    return visit("/convolution" + query, last=LAST, **options)


def button(place: Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def output(place: Locator, row: int, column: int) -> Locator:
    return place.get_by_role("button", name=re.compile(f"^Output, row {row}, column {column}:"))


def field(place: Locator, name: str, row: int, column: int) -> Locator:
    return place.get_by_label(f"{name}, row {row}, column {column}", exact=True)


def lines(place: Locator) -> list[str]:
    return place.locator(".computation .line").all_text_contents()


def test_stepping_through_the_worked_example(chapter: Open) -> None:
    page = chapter()
    steps = page.locator(STEPS)
    expect(output(steps, 0, 0)).to_have_text("0")
    expect(output(steps, 0, 1)).to_have_text("")
    assert lines(steps) == [*["1×1 + 1×0 + 1×(−1) = 0"] * 3, "0 + 0 + 0 = 0"]
    button(steps, "Step").click()
    expect(output(steps, 0, 1)).to_have_text("3")
    assert lines(steps) == [*["1×1 + 1×0 + 0×(−1) = 1"] * 3, "1 + 1 + 1 = 3"]
    assert steps.locator(".running").all_text_contents() == ["so far 1", "so far 2", "so far 3", ""]
    expect(steps.locator(".spoken")).to_have_text(worked_example().at(0, 1).sentence)
    for step in list(worked_example())[2:]:
        button(steps, "Step").click()
        expect(output(steps, step.row, step.column)).to_have_text(f"{step.result:g}")
    expect(steps.locator(".where")).to_have_text("Position 9 of 9")
    button(steps, "Back").click()
    expect(steps.locator(".where")).to_have_text("Position 8 of 9")
    expect(output(steps, 2, 2)).to_have_text("3")
    button(steps, "Reset").click()
    expect(output(steps, 0, 1)).to_have_text("")
    expect(steps.locator(".where")).to_have_text("Position 1 of 9")


def test_a_link_shows_the_librarys_numbers_and_where_the_window_lies(chapter: Open) -> None:
    page = chapter(
        "?" + "&".join(f"{name}={value}" for name, value in CELLS.items()), reduced_motion="reduce"
    )
    steps = page.locator(STEPS)
    # Who asked for less motion sees the window jump instead of glide.
    expect(steps.locator(".window").first).to_have_css("transition-duration", "0s")
    pixels = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 0.5, -0.5, 0], [1, 1, 2, 2]]
    expected = walk(pixels, [[1 / 16, 2], [3, -4]], 2, 1, 2, flipped=True)
    for step in (expected.at(0, 0), expected.at(0, 1), expected.at(1, 1)):
        output(steps, step.row, step.column).hover()
        output(steps, step.row, step.column).click()
        expect(steps.locator(".spoken")).to_have_text(step.sentence)
        assert lines(steps) == [*(row.text for row in step.rows), step.total]
        boxes = steps.locator(".tap").all()
        assert len(boxes) == len(step.terms)
        for term, tap in zip(step.terms, boxes, strict=True):
            if not term.is_padding:
                under, box = field(steps, "Input", term.row, term.column).bounding_box(), tap.bounding_box()
                assert abs(box["x"] - under["x"]) < 2
                assert abs(box["y"] - under["y"]) < 2
    assert steps.locator("td.outside").count() == 6 * 6 - 4 * 4


def test_an_edited_kernel_works_at_once_and_stands_in_the_link(chapter: Open) -> None:
    page = chapter()
    steps = page.locator(STEPS)
    field(steps, "Kernel", 1, 2).fill("1/4")
    expect(output(steps, 0, 0)).to_have_text("1.25")
    expect(page).to_have_url(re.compile("walk_kernel="))
    field(steps, "Kernel", 0, 0).fill("two")
    expect(steps.locator(".problem")).to_contain_text("“two” is not a number")
    expect(output(steps, 0, 0)).to_have_text("1.25")
    field(steps, "Kernel", 0, 1).focus()
    expect(field(steps, "Kernel", 0, 0)).to_have_value("1")
    expect(steps.locator(".problem")).to_contain_text("so 1 stays")
    steps.get_by_label("stride").select_option("2")
    expect(steps.locator(".where")).to_have_text("Position 1 of 4")
    expect(page).to_have_url(re.compile("walk_stride=2"))
    page.reload()
    expect(field(steps, "Kernel", 1, 2)).to_have_value("1/4")
    expect(steps.locator(".where")).to_have_text("Position 1 of 4")


def test_the_keyboard_is_enough(chapter: Open) -> None:
    page = chapter()
    steps = page.locator(STEPS)
    button(steps, "Step").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    expect(steps.locator(".where")).to_have_text("Position 3 of 9")
    page.keyboard.press("ArrowDown")
    expect(steps.locator(".where")).to_have_text("Position 6 of 9")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(steps.locator(".where")).to_have_text("Position 1 of 9")
    output(steps, 0, 0).focus()
    page.keyboard.press("End")
    expect(output(steps, 2, 2)).to_be_focused()
    field(steps, "Input", 0, 4).focus()
    page.keyboard.press("ArrowDown")
    expect(field(steps, "Input", 1, 4)).to_be_focused()
    page.keyboard.type("7")
    expect(output(steps, 2, 2)).to_have_text("3")
    expect(output(steps, 0, 2)).to_have_text("−4")


def test_play_runs_to_the_end_and_speaks_only_there(chapter: Open) -> None:
    page = chapter()
    steps = page.locator(STEPS)
    steps.get_by_label("Speed").select_option("fast")
    steps.locator(".spoken").evaluate(
        "(place) => { window.said = []; new MutationObserver(() => window.said.push(place.textContent))"
        ".observe(place, { childList: true, characterData: true, subtree: true }); }"
    )
    button(steps, "Play").click()
    expect(button(steps, "Pause")).to_be_visible()
    expect(steps.locator(".where")).to_have_text("Position 9 of 9")
    expect(button(steps, "Play")).to_be_visible()
    expect(steps.locator(".spoken")).to_have_text(worked_example().at(2, 2).sentence)
    assert page.evaluate("new Set(window.said).size") == 1
    expect(page).to_have_url(re.compile("walk_at=2%2C2"))


def test_what_is_impossible_says_why_and_can_be_taken_back(chapter: Open) -> None:
    page = chapter()
    steps = page.locator(STEPS)
    steps.get_by_label("dilation").select_option("3")
    expect(steps.locator(".problem")).to_contain_text("With dilation 3 it reaches over 7×7 cells.")
    expect(button(steps, "Step")).to_be_hidden()
    steps.get_by_label("padding").select_option("1")
    expect(steps.locator(".problem")).to_have_text("")
    expect(output(steps, 0, 0)).to_be_visible()
    expect(page).to_have_url(re.compile("walk_padding=1"))
    assert "walk_dilation=3" in page.url


def test_presets_and_seeds_change_the_numbers(chapter: Open) -> None:
    page = chapter("?walk_kernel=0 0 0; 0 1 0; 0 0 0")
    steps = page.locator(STEPS)
    kernels = steps.get_by_role("group", name="Kernel").get_by_label("numbers")
    expect(kernels.locator("option:checked")).to_have_text("Identity")
    kernels.select_option("Box blur")
    expect(field(steps, "Kernel", 2, 2)).to_have_value("1/9")
    seed = steps.get_by_label("seed")
    seed.fill("7")
    seed.press("Enter")
    drawn = field(steps, "Input", 0, 0).input_value(), field(steps, "Kernel", 1, 1).input_value()
    button(steps, "Draw new numbers").click()
    expect(seed).to_have_value("8")
    expect(page).to_have_url(re.compile("walk_seed=8"))
    seed.fill("7")
    seed.press("Enter")
    expect(field(steps, "Input", 0, 0)).to_have_value(drawn[0])
    expect(field(steps, "Kernel", 1, 1)).to_have_value(drawn[1])


def test_the_worked_example_is_finished_by_keyboard(chapter: Open) -> None:
    page = chapter()
    worked = page.locator(WORKED)
    told = worked.get_by_role("status")
    answers = {(row, column): "0" if column == 0 else "3" for row in range(3) for column in range(3)}
    field(worked, "Your answer", 1, 1).focus()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(told).to_have_text("0 of 7 right, 1 not yet, 6 still open.")
    expect(worked.get_by_role("listitem")).to_contain_text("the product 1×1 (kernel row 0, column 0)")
    for cell in list(answers)[2:]:
        field(worked, "Your answer", *cell).focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(answers[cell])
    page.keyboard.press("Enter")
    expect(told).to_have_text("All 7 cells are right.")
    expect(worked.get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_text("The kernel answers to the vertical edge")).to_be_visible()


def test_a_drawn_exercise_is_solved_and_another_one_follows(chapter: Open) -> None:
    page = chapter("?level=2&exercise=4")
    task, practice = exercise(2, 4), page.locator(PRACTICE)
    first = field(practice, "Your answer", *task.asked[0])
    first.fill("many")
    button(practice, "Check my answers").click()
    expect(practice.get_by_role("status")).to_contain_text("“many” is not a number")
    for cell in task.asked:
        field(practice, "Your answer", *cell).fill(f"{task.solution(*cell):g}")
    button(practice, "Check my answers").click()
    expect(practice.get_by_role("status")).to_have_text("All 4 cells are right.")
    expect(page.get_by_text("Solved in this visit")).to_contain_text("level 2: 1")
    page.get_by_role("button", name="Another exercise").click()
    expect(page).to_have_url(re.compile("exercise=5"))
    expect(field(practice, "Your answer", *exercise(2, 5).asked[0])).to_have_value("")


def test_both_operations_stand_beside_each_other(chapter: Open) -> None:
    page = chapter()
    both = page.locator(".st-key-both_operations")
    correlation, true = (
        both.get_by_role("table", name="Cross-correlation"),
        both.get_by_role("table", name="True convolution"),
    )
    for _ in range(2):
        assert correlation.locator("td").all_text_contents() == list("987654321")
        assert true.locator("td").all_text_contents() == list("123456789")
        both.get_by_role("switch").check()
        expect(both.get_by_text("turned by 180°")).to_be_visible()
    expect(page).to_have_url(re.compile("turn_turned=1"))


def test_a_phone_taps_through_it_without_horizontal_scroll(chapter: Open) -> None:
    page = chapter(viewport=PHONE, has_touch=True, is_mobile=True)
    steps = page.locator(STEPS)
    output(steps, 1, 2).tap()
    expect(output(steps, 1, 2)).to_have_text("3")
    steps.get_by_role("group", name="Input").get_by_label("columns").select_option("12")
    steps.get_by_label("padding").select_option("6")
    expect(steps.locator("td.outside").first).to_be_visible()
    assert sideways(page) <= 0


def test_axe_finds_nothing_serious(chapter: Open) -> None:
    page = chapter("?walk_padding=1&walk_turned=1&level=3")
    field(page.locator(WORKED), "Your answer", 1, 1).fill("2")
    button(page.locator(WORKED), "Check my answers").click()
    expect(page.locator(WORKED).get_by_role("listitem")).to_be_visible()
    assert not serious(page)
