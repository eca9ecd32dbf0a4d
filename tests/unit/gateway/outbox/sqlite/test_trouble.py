"""An error of the file becomes a word that stands on the API."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.outbox.sqlite.trouble import Damaged, DiskFull, NotOurs, TooSoon, word_for


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (sqlite3.SQLITE_FULL, "disk_full"),
        (sqlite3.SQLITE_CORRUPT, "corrupt"),
        (sqlite3.SQLITE_NOTADB, "corrupt"),
        (sqlite3.SQLITE_BUSY, "in_use"),
        (sqlite3.SQLITE_IOERR | 4 << 8, "io_error"),
        (sqlite3.SQLITE_READONLY, "read_only"),
        (sqlite3.SQLITE_CANTOPEN, "cannot_open"),
        (sqlite3.SQLITE_MISUSE, "broken"),
    ],
)
def test_sqlites_codes(code: int, word: str) -> None:
    """Extended codes mean what their primary code means."""
    error = sqlite3.OperationalError("text")
    error.sqlite_errorcode = code
    assert word_for(error) == word


def test_our_own_findings() -> None:
    """They need no code, except for a full disk."""
    assert word_for(DiskFull("x")) == "disk_full"
    assert word_for(NotOurs("x")) == "not_ours"
    assert word_for(Damaged("x")) == "corrupt"
    assert word_for(TooSoon()) == "broken"
    assert word_for(sqlite3.OperationalError("x")) == "broken"
