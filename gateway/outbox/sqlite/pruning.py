"""Pruning: what the file forgets, and when.

Owns which rows go, by age and when the file is nearly full. Runs in the writer's thread only.
Does not: commit, or decide when to look (`outbox.py` does, every few seconds).
Source: docs/decisions/0007-outbox.md.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from gateway.outbox.sqlite.schema import FIRST_DEAD, LAST_DEAD, OPEN, id_key

MEMORY_S: Final = 86_400
"""How long an id is remembered after its event was accepted, seconds: the API's promise."""

STEP_ROWS: Final = 2_000
"""Most rows that one step looks at in each table: some 10 ms, between which others commit."""

PRESSED: Final = 0.8
"""Part of the largest size from which on outcomes are forgotten whatever their age."""

HARD_PRESSED: Final = 0.95
"""Part of the largest size from which on dead letters are forgotten, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What one step did.

    Attributes:
        events: Events forgotten.
        dead_letters: How many of them could have been sent again.
        finished: Whether it came to the end, so that nothing is to be gained by another step now.
    """

    events: int
    dead_letters: int
    finished: bool


class Pruner:
    """Walk through the tables in small steps, again and again.

    Args:
        keep_settled_s: Seconds for which the outcome of a settled event is kept.
        keep_failed_s: Seconds for which an event that can be sent again is kept.
    """

    def __init__(self, *, keep_settled_s: float, keep_failed_s: float) -> None:
        self._keep_settled_ms = keep_settled_s * 1000
        self._keep_failed_ms = keep_failed_s * 1000
        self._next_seq = 0
        self._next_key = b""

    def step(self, db: sqlite3.Connection, now_ms: int) -> Pruned:
        """Forget what is old among the next rows."""
        self._forget_ids(db, now_ms)
        fullness = _fullness(db)
        rows = db.execute(
            "SELECT seq, state, settled_ms, accepted_ms FROM events"
            " WHERE seq >= ? AND seq < (SELECT max(seq) FROM events) ORDER BY seq LIMIT ?",
            (self._next_seq, STEP_ROWS),
        ).fetchall()
        gone: list[tuple[int, int]] = []
        dead_letters = 0
        for seq, state, settled_ms, _ in rows:
            if state == OPEN:
                continue
            dead = FIRST_DEAD <= state <= LAST_DEAD
            keep_ms = self._keep_failed_ms if dead else self._keep_settled_ms
            if fullness >= (HARD_PRESSED if dead else PRESSED):
                keep_ms = 0
            if now_ms - settled_ms >= keep_ms:
                gone.append((state, seq))
                dead_letters += dead
        self._forget_events(db, gone)
        oldest_kept_ms = now_ms - min(self._keep_settled_ms, self._keep_failed_ms)
        young = bool(rows) and rows[-1][3] > oldest_kept_ms and fullness < PRESSED
        finished = len(rows) < STEP_ROWS or young
        self._next_seq = 0 if finished else rows[-1][0] + 1
        return Pruned(events=len(gone), dead_letters=dead_letters, finished=finished)

    def _forget_events(self, db: sqlite3.Connection, gone: list[tuple[int, int]]) -> None:
        # The id goes on remembering how it ended.
        for state, seq in gone:
            row = db.execute("SELECT service, id FROM events WHERE seq = ?", (seq,)).fetchone()
            db.execute("UPDATE ids SET state = ? WHERE key = ?", (state, id_key(*row)))
        seqs = [(seq,) for _, seq in gone]
        db.executemany("DELETE FROM payloads WHERE seq = ?", seqs)
        db.executemany("DELETE FROM events WHERE seq = ?", seqs)

    def _forget_ids(self, db: sqlite3.Connection, now_ms: int) -> None:
        rows = db.execute(
            "SELECT key, seq, at_s FROM ids WHERE key > ? ORDER BY key LIMIT ?",
            (self._next_key, STEP_ROWS),
        ).fetchall()
        self._next_key = rows[-1][0] if len(rows) == STEP_ROWS else b""
        oldest_s = now_ms // 1000 - MEMORY_S
        old = [(key, seq) for key, seq, at_s in rows if at_s < oldest_s]
        # An event that is still here must be found by its id.
        db.executemany(
            "DELETE FROM ids WHERE key = ? AND NOT EXISTS (SELECT 1 FROM events WHERE seq = ?)", old
        )


def _fullness(db: sqlite3.Connection) -> float:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (most,) = db.execute("PRAGMA max_page_count").fetchone()
    return float(pages - free) / float(most)
