"""Patterns: the quick way to match agrees with the expression, whatever the pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.iam.pattern import Pattern, _expression

TEXTS = st.text(alphabet="ab*/:.", max_size=8)


@given(text=TEXTS, value=TEXTS, wildcards=st.booleans())
def test_pieces_match_what_the_expression_matches(text: str, value: str, wildcards: bool) -> None:  # noqa: FBT001 (drawn)
    """For every pattern without `?` and variables both ways give the same answer."""
    pattern = Pattern.parse(text, wildcards=wildcards)
    assert pattern.plain
    expected = _expression(text, (), wildcards).fullmatch(value) is not None
    assert pattern.matches(value, {}) is expected


@given(text=TEXTS, runs=st.lists(TEXTS, min_size=8, max_size=8))
def test_a_pattern_matches_itself_with_anything_for_its_stars(text: str, runs: list[str]) -> None:
    """Each `*` stands for any run of characters."""
    made = "".join(runs.pop() if sign == "*" else sign for sign in text)
    assert Pattern.parse(text).matches(made, {})


@pytest.mark.parametrize("text", ["a?", "${iot:ClientId}", "a${*}b", "${?}*"])
def test_what_is_special_needs_the_expression(text: str) -> None:
    """`?`, variables and quoted wildcards are not plain."""
    assert not Pattern.parse(text).plain


def test_a_question_mark_is_plain_without_wildcards() -> None:
    """StringEquals compares it like any character."""
    assert Pattern.parse("a?*", wildcards=False).matches("a?*", {})
    assert not Pattern.parse("a?*", wildcards=False).matches("abc", {})
