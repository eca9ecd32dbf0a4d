"""The tables of the embedded outbox, and how an event stands in them.

Owns the SQL of the schema, opening a file, and the mapping between rows and events.
Does not: change rows (`store.py`).
Source: docs/decisions/0007-outbox.md; sqlite.org/lang.html.

- `events` has one small row for each event: what it is and how its deliveries ended.
- `payloads` has the envelope of each event that may still be sent: unsettled, or a dead letter.
  Apart, so that settling rewrites a small row and the space of a payload is free at once.
- `ids` is the idempotency memory. It outlives the events: a row is 40 bytes. Its keys begin with
  the time where the id does (UUID version 7), so those rows are written side by side.
- `about` says whose file it is.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from gateway.core.kept_event import KeptEvent
from gateway.core.report import State
from gateway.core.settlement import read_outcomes
from gateway.outbox.sqlite.many_rows import STATEMENTS
from gateway.outbox.sqlite.trouble import Damaged, NotOurs

VERSION: Final = 1
"""Goes up whenever a gateway of before could not read the file any more."""

PAGE_BYTES: Final = 4_096

SETTLING_PAGES: Final = 256
"""Pages beyond the largest size that only settlements may use: they free space, but may need some
first."""

OPEN: Final = 0
"""State of an event that is not settled."""

CODES: Final = {
    State.PUBLISHED: 1,
    State.FAILED: 2,
    State.EXPIRED: 3,
    State.CANCELLED: 4,
    State.COLLAPSED: 5,
    State.DELIVERED: 6,
}
STATES: Final = {code: state for state, code in CODES.items()}

FIRST_DEAD: Final = CODES[State.FAILED]
LAST_DEAD: Final = CODES[State.CANCELLED]
"""States from first to last are those of events that can be sent again."""

_QOS, _RETAIN, _RECEIPT, _SCHEDULED = 1, 2, 4, 8
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_TABLES: Final = f"""
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    id TEXT NOT NULL,
    state INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    settled_ms INTEGER,
    options INTEGER NOT NULL,
    collapse_key TEXT,
    names TEXT NOT NULL,
    outcomes TEXT
);
CREATE INDEX dead ON events (service, state, seq) WHERE state BETWEEN {FIRST_DEAD} AND {LAST_DEAD};
CREATE TABLE payloads (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE ids (
    key BLOB PRIMARY KEY,
    seq INTEGER NOT NULL,
    at_s INTEGER NOT NULL,
    fingerprint BLOB,
    state INTEGER
) WITHOUT ROWID;
CREATE TABLE about (namespace TEXT NOT NULL);
"""

COLUMNS: Final = "events.seq, service, id, accepted_ms, due_ms, expires_ms, options, collapse_key, names, outcomes"
"""What `event_of` reads; a payload may follow."""


def open_file(file: Path, *, namespace: str, max_bytes: int, busy_s: float) -> sqlite3.Connection:
    """Open an outbox, or make it; nobody else can have it open at the same time.

    Args:
        file: The file; its folder must exist.
        namespace: Whose events it keeps.
        max_bytes: Largest size.
        busy_s: Longest wait for another process to let go of it, seconds.

    Raises:
        sqlite3.Error: It cannot be opened, or is not ours.
    """
    connection = sqlite3.connect(
        file,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    try:
        _prepare(connection, namespace=namespace, max_bytes=max_bytes)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, *, namespace: str, max_bytes: int) -> None:
    for pragma in (
        f"page_size = {PAGE_BYTES}",
        # One process only: two gateways on one file would both send everything. Before anything
        # that reads: without it SQLite wants a file for shared memory, and a full disk has no room.
        "locking_mode = EXCLUSIVE",
        # Space that payloads leave can be given back to a disk that needs it.
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        # A commit returns after fsync: 202 survives the loss of power.
        "synchronous = FULL",
        f"max_page_count = {max_bytes // PAGE_BYTES + SETTLING_PAGES}",
        # The log shrinks back after a burst instead of staying as large as it ever was.
        f"journal_size_limit = {16 * 1024 * 1024}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    if version == 0:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES (?)", (namespace,))
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif version != VERSION:
        raise NotOurs(f"it has version {version}, not {VERSION}")
    (owner,) = connection.execute("SELECT namespace FROM about").fetchone() or ("",)
    if owner != namespace:
        raise NotOurs(f"it belongs to namespace {owner}")
    connection.execute("COMMIT")


def id_key(service: str, event_id: str) -> bytes:
    """Return the key of a service's event id in `ids`; keys of different ids differ."""
    if _UUID.fullmatch(event_id):
        return bytes.fromhex(event_id.replace("-", "")) + _short_of(service)
    return hashlib.blake2b(f"{service}\0{event_id}".encode(), digest_size=16).digest()


@lru_cache(maxsize=256)
def _short_of(service: str) -> bytes:
    return hashlib.blake2b(service.encode(), digest_size=8).digest()


def options_of(event: KeptEvent) -> int:
    """Return an event's flags as one number."""
    return (
        (_QOS if event.qos else 0)
        | (_RETAIN if event.retain else 0)
        | (_RECEIPT if event.receipt else 0)
        | (_SCHEDULED if event.scheduled else 0)
    )


def event_of(row: tuple[Any, ...], payload: bytes | None = None) -> KeptEvent:
    """Return the event of a row with `COLUMNS`.

    Raises:
        Damaged: The row makes no sense.
    """
    seq, service, id_, accepted_ms, due_ms, expires_ms, options, collapse_key, names, outcomes = row
    addresses = tuple(names.split("\n"))
    try:
        read = read_outcomes(outcomes, len(addresses))
    except ValueError as error:
        raise Damaged(f"event {seq}: {error}") from error
    return KeptEvent(
        seq=seq,
        service=service,
        id=id_,
        fingerprint=None,
        accepted_ms=accepted_ms,
        due_ms=due_ms,
        expires_ms=expires_ms,
        qos=1 if options & _QOS else 0,
        retain=bool(options & _RETAIN),
        receipt=bool(options & _RECEIPT),
        scheduled=bool(options & _SCHEDULED),
        collapse_key=collapse_key,
        names=addresses,
        payload=payload,
        outcomes=read,
    )
