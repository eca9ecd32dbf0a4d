"""What is done with the file of the embedded outbox.

Owns every statement that reads or changes rows. Runs in the writer's thread only.
Does not: begin or commit (`writer.py`, so that many changes share one commit), or decide.
Source: docs/decisions/0007-outbox.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

from gateway.core.kept_event import KeptEvent
from gateway.core.report import SENDABLE, Report, State
from gateway.core.settlement import write_outcomes
from gateway.errors import UnknownEvent, WrongState
from gateway.outbox.outbox import ADDED, CHANGED, Added, Changed
from gateway.outbox.sqlite.many_rows import parts_of, places
from gateway.outbox.sqlite.schema import (
    CODES,
    COLUMNS,
    FIRST_DEAD,
    LAST_DEAD,
    OPEN,
    PAGE_BYTES,
    STATES,
    event_of,
    id_key,
    options_of,
)
from gateway.outbox.sqlite.trouble import DiskFull

_ROW_BYTES: Final = 300
"""What an event takes beside its payload, with its id."""

_CHANGED_PAGES: Final = 32
"""Pages that one group may take beside those of its bytes: parts of pages, and of the trees."""

SEARCH_WINDOW: Final = 50_000
"""Rows that one search looks at; what lies beyond is the next page's."""


class Settlement(NamedTuple):
    """What changes in an event's row when deliveries of it settle.

    Attributes:
        state: State of the event, as a code.
        settled_ms: When it settled as a whole, or None.
        outcomes: The outcomes of its deliveries, as text.
        seq: Which event.
        drop_payload: Whether it cannot be sent any more.
    """

    state: int
    settled_ms: int | None
    outcomes: str
    seq: int
    drop_payload: bool


class Waiting(NamedTuple):
    """What a backlog must know about an event that is not settled.

    Attributes:
        seq: Its order.
        accepted_ms: When it was accepted.
        due_ms: When it is due.
        collapse_key: What it may be replaced by, or None.
        names: Its addresses; None where the delivery is settled.
    """

    seq: int
    accepted_ms: int
    due_ms: int
    collapse_key: str | None
    names: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the file knows about an id.

    Attributes:
        event: The event without its payload; None if it was pruned.
        state: The state of one that was pruned.
        fingerprint: What it must share with the same event; None if the gateway made its id.
    """

    event: KeptEvent | None
    state: State | None
    fingerprint: bytes | None

    def remembered(self, event_id: str) -> Report:
        """Return what is left of an event that was pruned."""
        return Report(id=event_id, deliveries=(), remembered=self.state)


class Store:
    """An open file.

    Args:
        connection: A connection in autocommit mode; nobody else uses it.
        max_bytes: Largest size of the file, except for settlements.
    """

    def __init__(self, connection: sqlite3.Connection, *, max_bytes: int) -> None:
        self._db = connection
        self._max_pages = max_bytes // PAGE_BYTES
        self._room_pages = 0

    def check_room(self, size: int) -> None:
        """Return if the file may grow by so many bytes.

        Far from the bound there is no need to ask SQLite each time: what was there at the last
        look, less twice what was added since (pages are filled by half at worst), is there still.

        Raises:
            DiskFull: It may not.
        """
        self._room_pages -= 2 * (size // PAGE_BYTES) + _CHANGED_PAGES
        if self._room_pages > 0:
            return
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        if pages - free + size // PAGE_BYTES >= self._max_pages:
            raise DiskFull(f"the outbox may have {self._max_pages} pages")
        self._room_pages = self._max_pages - pages + free - 2 * (size // PAGE_BYTES)

    def last_seq(self) -> int:
        """Return the highest order ever given; the event that has it is never pruned."""
        (last,) = self._db.execute("SELECT max(seq) FROM events").fetchone()
        return last or 0

    def add(self, events: Sequence[KeptEvent]) -> list[Added | Changed | Found]:
        """Keep events, unless their ids are known; say for each.

        Raises:
            DiskFull: The file may not grow so much.
        """
        self.check_room(sum([len(event.payload or b"") + _ROW_BYTES for event in events]))
        results: list[Added | Changed | Found] = []
        fresh: list[KeptEvent] = []
        keys: list[tuple[bytes, int, int, bytes | None, None]] = []
        same_time: dict[bytes, KeptEvent] = {}
        for event in events:
            key = id_key(event.service, event.id)
            if event.fingerprint is not None:
                before = self._known(event, key, same_time.get(key))
                if before is not None:
                    results.append(before)
                    continue
                same_time[key] = event
            fresh.append(event)
            keys.append((key, event.seq, event.accepted_ms // 1000, event.fingerprint, None))
            results.append(ADDED)
        self._insert("ids", keys)
        self._insert("events", [_row(event) for event in fresh])
        self._insert("payloads", [(event.seq, event.payload) for event in fresh])
        return results

    def settle(self, changes: Iterable[Settlement]) -> None:
        """Note how deliveries ended."""
        changes = list(changes)
        # First what makes room, then what may need some.
        for seqs in parts_of([change.seq for change in changes if change.drop_payload]):
            self._db.execute(_drop_payloads(len(seqs)), seqs)
        for part in parts_of([change[:4] for change in changes]):
            self._db.execute(_settle(len(part)), list(chain.from_iterable(part)))

    def _insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        for part in parts_of(rows):
            self._db.execute(_add(table, len(part[0]), len(part)), list(chain.from_iterable(part)))

    def find(self, service: str, event_id: str) -> Found | None:
        """Return what is known about an id, or None."""
        return self._found(id_key(service, event_id))

    def waiting(self, after: int, limit: int) -> list[Waiting]:
        """Return events that are not settled, in order, from behind `after` on."""
        rows = self._db.execute(
            f"SELECT {COLUMNS} FROM payloads CROSS JOIN events ON events.seq = payloads.seq"  # noqa: S608 - our own columns
            " WHERE payloads.seq > ? AND state = ? ORDER BY payloads.seq LIMIT ?",
            (after, OPEN, limit),
        )
        return [_waiting(event_of(row)) for row in rows]

    def load(self, seqs: Iterable[int]) -> list[KeptEvent]:
        """Return events with their payloads; those that have none are left out."""
        found = []
        for seq in seqs:
            row = self._db.execute(
                f"SELECT payload, {COLUMNS} FROM payloads"  # noqa: S608 - our own columns
                " JOIN events ON events.seq = payloads.seq WHERE payloads.seq = ?",
                (seq,),
            ).fetchone()
            if row is not None:
                found.append(event_of(row[1:], row[0]))
        return found

    def search(
        self, service: str, *, states: Sequence[int] | None, limit: int, before: int | None
    ) -> tuple[list[KeptEvent], int | None]:
        """Return a service's events, newest first, and where to go on.

        Args:
            service: Whose.
            states: Codes of the states to look for, or None for all.
            limit: Most events.
            before: Only events of a lower order, or None.
        """
        upper = self.last_seq() + 1 if before is None else before
        dead = states is not None and all(FIRST_DEAD <= code <= LAST_DEAD for code in states)
        # Dead letters have an index; for the others no search may take the writer for long.
        lower = 0 if dead else max(0, upper - SEARCH_WINDOW)
        wanted = "" if states is None else f" AND state IN ({','.join(map(str, states))})"
        if dead:
            wanted += f" AND state BETWEEN {FIRST_DEAD} AND {LAST_DEAD}"
        rows = self._db.execute(
            f"SELECT {COLUMNS} FROM events"  # noqa: S608 - our own columns and numbers
            f" WHERE service = ?{wanted} AND seq < ? AND seq >= ? ORDER BY seq DESC LIMIT ?",
            (service, upper, lower, limit),
        ).fetchall()
        found = [event_of(row) for row in rows]
        if len(found) == limit:
            return found, found[-1].seq
        return found, lower if lower > 0 else None

    def redeliver(self, service: str, event_id: str, *, new_seq: int, now_ms: int) -> KeptEvent:
        """Make an event unsettled again wherever it was not published; return it.

        It gets a new order, so that after a restart it stands where it stands now.

        Raises:
            UnknownEvent: There is none.
            WrongState: It is not settled, was published, or its payload was pruned.
        """
        found = self.find(service, event_id)
        if found is None:
            raise UnknownEvent(event_id)
        loaded = self.load([found.event.seq]) if found.event is not None else []
        if found.event is None or not found.event.settled or not found.event.sendable:
            state = found.event.report(now_ms).state if found.event else found.state
            raise WrongState(event_id, state=str(state), needed=_SENDABLE)
        if not loaded:
            raise WrongState(event_id, state="pruned", needed=_SENDABLE)
        event, old_seq = loaded[0], found.event.seq
        event.outcomes = [
            None if o is not None and FIRST_DEAD <= CODES[o.state] <= LAST_DEAD else o
            for o in event.outcomes
        ]
        if event.expires_ms is not None:
            event.expires_ms = now_ms + event.expires_ms - event.due_ms
        event.seq, event.due_ms, event.scheduled = new_seq, now_ms, False
        self._db.execute("DELETE FROM events WHERE seq = ?", (old_seq,))
        self._insert("events", [_row(event)])
        self._db.execute("UPDATE payloads SET seq = ? WHERE seq = ?", (new_seq, old_seq))
        key = id_key(service, event_id)
        self._db.execute("UPDATE ids SET seq = ? WHERE key = ?", (new_seq, key))
        return event

    def _known(
        self, event: KeptEvent, key: bytes, same_time: KeptEvent | None
    ) -> Changed | Found | None:
        if same_time is not None:
            if same_time.fingerprint != event.fingerprint:
                return CHANGED
            return Found(same_time, None, same_time.fingerprint)
        found = self._found(key)
        if found is None:
            return None
        return found if found.fingerprint == event.fingerprint else CHANGED

    def _found(self, key: bytes) -> Found | None:
        known = self._db.execute(
            "SELECT seq, fingerprint, state FROM ids WHERE key = ?", (key,)
        ).fetchone()
        if known is None:
            return None
        seq, fingerprint, state = known
        row = self._db.execute(
            f"SELECT {COLUMNS} FROM events WHERE seq = ?",  # noqa: S608 - our own columns
            (seq,),
        ).fetchone()
        event = event_of(row) if row is not None else None
        return Found(
            event, STATES.get(state, State.PUBLISHED) if event is None else None, fingerprint
        )


_SENDABLE: Final = "settled as failed, expired or cancelled, with its payload still kept"


def settlement_of(event: KeptEvent) -> Settlement:
    """Return what the event's row must become."""
    outcomes = event.outcomes
    if len(outcomes) == 1 and (only := outcomes[0]) is not None:  # nearly every event
        text = write_outcomes(outcomes)
        again = only.state in SENDABLE
        return Settlement(CODES[only.state], only.at_ms, text, event.seq, drop_payload=not again)
    if None in outcomes:
        return Settlement(OPEN, None, write_outcomes(outcomes), event.seq, drop_payload=False)
    settled_ms = max(outcome.at_ms for outcome in outcomes if outcome is not None)
    return Settlement(
        CODES[event.state],
        settled_ms,
        write_outcomes(outcomes),
        event.seq,
        drop_payload=not event.sendable,
    )


def _row(event: KeptEvent) -> tuple[object, ...]:
    started = event.outcomes.count(None) < len(event.outcomes)
    return (
        event.seq,
        event.service,
        event.id,
        OPEN,
        event.accepted_ms,
        event.due_ms,
        event.expires_ms,
        None,
        options_of(event),
        event.collapse_key,
        "\n".join(event.names),
        write_outcomes(event.outcomes) if started else None,
    )


@cache
def _add(table: str, columns: int, rows: int) -> str:
    return f"INSERT INTO {table} VALUES {places(columns, rows)}"  # noqa: S608 - our own tables


@cache
def _settle(rows: int) -> str:
    return (  # only places for values go into the text
        "UPDATE events SET state = new.column1, settled_ms = new.column2, outcomes = new.column3"  # noqa: S608
        f" FROM (VALUES {places(4, rows)}) AS new WHERE seq = new.column4"
    )


@cache
def _drop_payloads(rows: int) -> str:
    return f"DELETE FROM payloads WHERE seq IN ({','.join('?' * rows)})"  # noqa: S608 - only ?


def _waiting(event: KeptEvent) -> Waiting:
    names = tuple(
        name if outcome is None else None
        for name, outcome in zip(event.names, event.outcomes, strict=True)
    )
    return Waiting(event.seq, event.accepted_ms, event.due_ms, event.collapse_key, names)
