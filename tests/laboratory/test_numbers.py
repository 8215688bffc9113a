"""Typed matrices: read back exactly, and refused in words."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.laboratory.numbers import (
    NumbersError,
    format_matrix,
    matrix,
    parse_matrix,
    parse_number,
    resized,
)


def test_numbers_as_people_write_them():
    assert parse_matrix("1, 2, 3\n4 5 6").tolist() == [[1, 2, 3], [4, 5, 6]]
    assert parse_matrix("-1 0.5;; 1/4 −2 ;").tolist() == [[-1, 0.5], [0.25, -2]]


@given(st.integers(1, 5), st.integers(1, 6), st.integers(-999, 999))
def test_a_written_matrix_is_read_back(rows, columns, first):
    values = (torch.arange(rows * columns, dtype=torch.float64).reshape(rows, columns) + first) / 8
    assert torch.equal(parse_matrix(format_matrix(values)), values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one number"),
        (" ; ;", "at least one number"),
        ("1 2; 3", "equally long, got 1 and 2"),
        ("1 x", "'x' is not a number"),
        ("1/0", "is not a number"),
        ("nan", "lie between"),
        ("1 inf", "lie between"),
        ("1e7", "lie between"),
        ("1 " * 40, "at most 12 × 12 numbers are possible, got 1 × 40"),
        ("<script>", "is not a number"),
    ],
)
def test_what_is_no_matrix_is_told(text, message):
    with pytest.raises(NumbersError, match=message):
        parse_matrix(text)


@pytest.mark.parametrize("sent", [None, "12", 5, [1, 2], [[1], "2"], {"a": 1}, [[None]], [[[1]]], [], [[]]])
def test_what_a_browser_may_send_is_checked(sent):
    with pytest.raises(NumbersError):
        matrix(sent)


def test_sent_numbers_are_taken():
    assert matrix([[1, 2.5], ["3", -4]]).tolist() == [[1, 2.5], [3, -4]]


def test_a_matrix_is_cut_and_continued():
    values = torch.arange(1.0, 7).reshape(2, 3)
    assert resized(values, 3, 2).tolist() == [[1, 2], [4, 5], [0, 0]]


def test_fractions():
    assert parse_number(" 1/8 ") == 0.125
