"""Trouble with the file: what an error of SQLite means in one word.

Owns the words; they stand on the API, in readiness and in logs. Does not: mend anything.
Source: sqlite.org/rescode.html.
"""

from __future__ import annotations

import sqlite3
from typing import Final

DISK_FULL: Final = "disk_full"
STARTING: Final = "starting"
STOPPING: Final = "stopping"

_WORDS: Final = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_FORMAT: "corrupt",
    sqlite3.SQLITE_BUSY: "in_use",
    sqlite3.SQLITE_LOCKED: "in_use",
    sqlite3.SQLITE_IOERR: "io_error",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_CANTOPEN: "cannot_open",
}


class NotOurs(sqlite3.DatabaseError):
    """The file is an outbox, but not this gateway's: another namespace, or another version."""


class Damaged(sqlite3.DatabaseError):
    """The file opens, but what stands in it makes no sense."""


class DiskFull(sqlite3.OperationalError):
    """There is no room, though SQLite did not find out itself."""

    sqlite_errorcode = sqlite3.SQLITE_FULL


class TooSoon(sqlite3.OperationalError):
    """The file did not open a moment ago; it is tried again later, not at every request."""


def word_for(error: sqlite3.Error) -> str:
    """Return the word for an error."""
    if isinstance(error, NotOurs):
        return "not_ours"
    if isinstance(error, Damaged):
        return "corrupt"
    # The low byte is the primary code; the rest says more than anybody needs.
    code = getattr(error, "sqlite_errorcode", None)
    return _WORDS.get(code & 0xFF, "broken") if isinstance(code, int) else "broken"
