"""Rows are split without losing one, into lengths that are few."""

from __future__ import annotations

import sqlite3
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from gateway.outbox.sqlite.many_rows import SIZES, parts_of, places


@given(st.lists(st.integers(), max_size=1_000))
def test_splits_in_order(rows: list[int]) -> None:
    """All rows in their order, and every part of a known length."""
    parts = list(parts_of(rows))
    assert list(chain.from_iterable(parts)) == rows
    assert {len(part) for part in parts} <= set(SIZES)


@given(st.lists(st.tuples(st.integers(0, 9), st.text(max_size=3)), min_size=1, max_size=300))
def test_places_take_the_rows(rows: list[tuple[int, str]]) -> None:
    """SQLite takes the values row by row."""
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE TABLE rows (number INTEGER, text TEXT)")
        for part in parts_of(rows):
            statement = f"INSERT INTO rows VALUES {places(2, len(part))}"  # noqa: S608 - only ?
            db.execute(statement, list(chain.from_iterable(part)))
        assert db.execute("SELECT number, text FROM rows ORDER BY rowid").fetchall() == rows
    finally:
        db.close()
