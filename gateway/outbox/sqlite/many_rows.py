"""Many rows in one statement.

Owns splitting rows into a few sizes, so that each size's statement is compiled once and kept.
Does not: know any table.

Python's SQLite module lets go of the interpreter's lock for each statement, and for each row of
`executemany`. While the event loop is busy, getting it back takes longer than the row: up to the
switch interval, 5 ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

SIZES: Final = (400, 200, 100, 64, 48, 32, 24, 20, *range(16, 0, -1))
"""Rows of one statement: any few, and steps for many. 400 rows of 12 columns are far below SQLite's
bound of 32,766 values."""

STATEMENTS: Final = 8 * len(SIZES)
"""Compiled statements that a connection should keep: one of each size for each use, and others."""


def parts_of(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the rows in order, in parts whose lengths are all in `SIZES`."""
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def places(columns: int, rows: int) -> str:
    """Return the places of a VALUES clause, e.g. ``(?,?),(?,?)``."""
    row = f"({','.join('?' * columns)})"
    return ",".join([row] * rows)
