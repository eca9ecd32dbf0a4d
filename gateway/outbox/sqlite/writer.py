"""The writer: one thread that owns the file, and commits in groups.

Owns the thread, the queue before it, group commit, and going on after trouble.
Does not: know what a change means (`store.py`), or decide anything about events.
Source: docs/decisions/0007-outbox.md.

Theory of operation: the event loop gathers jobs and hands them over as one group; the thread does
all of a group in one transaction, and hands the results back in one call. While a commit is being
synced the next group gathers, so the price of a sync is shared by whatever the load is, and a lone
event waits for nobody. The two wake each other once for each group, not for each job: both want
the interpreter's lock, and passing it to and fro costs more than the rows do.

In trouble, settlements are kept and tried again on their own, additions are refused at once, since
nobody was promised anything yet, and every second it is looked whether the trouble is over.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from gateway.core.kept_event import KeptEvent
from gateway.errors import OutboxUnavailable, RequestRefused
from gateway.outbox.outbox import Added, Changed
from gateway.outbox.sqlite.reserve import Reserve
from gateway.outbox.sqlite.schema import open_file
from gateway.outbox.sqlite.store import Found, Settlement, Store
from gateway.outbox.sqlite.trouble import DISK_FULL, STARTING, Damaged, TooSoon, word_for

log = logging.getLogger(__name__)

GROUP_JOBS: Final = 2_000
"""Most jobs in one commit; a group that large takes some 50 ms."""

RETRY_S: Final = 1.0
"""Time between attempts to write or to open the file while there is trouble, seconds."""

BUSY_S: Final = 0.2
"""Longest wait for another process to let go of the file, seconds."""

Results: TypeAlias = "list[Added | Changed | Found]"


_LARGEST_EVENT_BYTES: Final = 256 * 1024
"""Room there must be before trouble counts as over: more than the largest event takes."""


_VACUUM_PAGES: Final = 1_000
"""Pages given back at once: each is written once more, and that must fit into the reserve."""


class Adding(NamedTuple):
    """Keep events; `done` gets a result for each, or why none was kept."""

    events: Sequence[KeptEvent]
    done: Callable[[Results | OutboxUnavailable], None]


class Settling(NamedTuple):
    """Note how deliveries ended; `done` is called once it is on disk, however long that takes."""

    changes: Sequence[Settlement]
    done: Callable[[], None]


class Errand(NamedTuple):
    """Anything else; `done` gets what `work` returned, or why it could not be done."""

    work: Callable[[Store, sqlite3.Connection], object]
    done: Callable[[object], None]
    writes: bool


Job: TypeAlias = Adding | Settling | Errand
_Delivery: TypeAlias = tuple[Callable[..., None], tuple[object, ...]]


class Writer:
    """Run jobs on a file, in order, many to a commit.

    The queue has no bound of its own: whoever submits bounds what is accepted and not settled.

    Args:
        file: The file.
        namespace: Whose it is.
        max_bytes: Its largest size.
        committed: Called on the event loop with the seconds and changes of each commit.
    """

    def __init__(
        self,
        *,
        file: Path,
        namespace: str,
        max_bytes: int,
        committed: Callable[[float, int], None],
    ) -> None:
        self._file = file
        self._namespace = namespace
        self._max_bytes = max_bytes
        self._committed = committed
        self._queue: queue.SimpleQueue[list[Job | None]] = queue.SimpleQueue()
        self._gathered: list[Job | None] = []
        self._busy = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._ended = asyncio.Event()
        self._db: sqlite3.Connection | None = None
        self._store: Store | None = None
        self._next_look = 0.0
        self._reserve = Reserve(file)
        self._unsaved: list[Settling] = []
        self.trouble: str | None = STARTING

    def start(self) -> None:
        """Start the thread; the file is opened there."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Let a job be done after those submitted before; returns at once."""
        self._gather(job)

    async def stop(self, timeout_s: float) -> bool:
        """Do what was submitted, close the file, and end; tell whether that took less than that."""
        self._gather(None)
        try:
            async with asyncio.timeout(timeout_s):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    def _gather(self, job: Job | None) -> None:
        self._gathered.append(job)
        if len(self._gathered) == 1 and not self._busy:
            # What else this round of the loop brings belongs to the same group.
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._gathered and not self._busy:
            self._busy = True
            group, self._gathered = self._gathered[:GROUP_JOBS], self._gathered[GROUP_JOBS:]
            self._queue.put(group)

    def _handed_back(self, told: list[_Delivery]) -> None:
        self._busy = False
        try:
            for call, arguments in told:
                call(*arguments)
        finally:
            self._hand_over()

    # --- in the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            group = self._next()
            running = None not in group
            jobs = [job for job in group if job is not None]
            try:
                self._do(jobs)
            except Exception:
                # Our bug; whoever waits must not wait for ever.
                log.exception("outbox writer failed")
                self._roll_back(keep_open=False)
                self._tell(_refusals(jobs, OutboxUnavailable("internal")))
        self._close()
        self._tell([(self._ended.set, ())])

    def _next(self) -> list[Job | None]:
        wait_s = RETRY_S if self.trouble or self._unsaved else None
        try:
            return self._queue.get(timeout=wait_s)
        except queue.Empty:
            return []

    def _do(self, jobs: list[Job]) -> None:
        settling = self._unsaved + [job for job in jobs if isinstance(job, Settling)]
        others = [job for job in jobs if not isinstance(job, Settling)]
        if self.trouble not in (None, STARTING):
            self._do_in_trouble(settling, others)
            return
        try:
            told = self._commit(settling, others)
        except sqlite3.Error as error:
            self._failed(error)
            # Additions may be all that does not fit, and each settlement makes room.
            self._do_in_trouble(settling, others)
            return
        self._unsaved = []
        self.trouble = None
        self._tell(told)

    def _do_in_trouble(self, settling: list[Settling], others: Sequence[Job]) -> None:
        reading = [job for job in others if isinstance(job, Errand) and not job.writes]
        writing = [job for job in others if not isinstance(job, Errand) or job.writes]
        told = _refusals(writing, OutboxUnavailable(self.trouble or "broken"))
        try:
            told += self._commit(settling, [])
            self._unsaved = []
        except sqlite3.Error as error:
            self._failed(error)
            self._unsaved = settling
        try:
            told += self._commit([], reading)
        except sqlite3.Error as error:
            self._failed(error)
            told += _refusals(reading, OutboxUnavailable(self.trouble or "broken"))
        self._probe()
        self._tell(told)

    def _commit(self, settling: Sequence[Settling], others: Sequence[Job]) -> list[_Delivery]:
        db, store = self._open()
        started = time.monotonic()
        additions = [job for job in others if isinstance(job, Adding)]
        errands = [job for job in others if isinstance(job, Errand)]
        writes = bool(settling or additions) or any(job.writes for job in errands)
        told: list[_Delivery] = []
        if writes:
            db.execute("BEGIN IMMEDIATE")
        if settling:
            store.settle([change for job in settling for change in job.changes])
            told += [(job.done, ()) for job in settling]
        if additions:
            told += _added(store, additions)
        told += [(job.done, (_run_errand(job, store, db),)) for job in errands]
        if writes:
            db.execute("COMMIT")
            changes = sum(len(job.changes) for job in settling)
            changes += sum(len(job.events) for job in additions)
            told.append((self._committed, (time.monotonic() - started, changes)))
        return told

    def _open(self) -> tuple[sqlite3.Connection, Store]:
        if self._db is None or self._store is None:
            self._not_too_soon()
            self._db = open_file(
                self._file, namespace=self._namespace, max_bytes=self._max_bytes, busy_s=BUSY_S
            )
            self._store = Store(self._db, max_bytes=self._max_bytes)
            self._reserve.hold()
        return self._db, self._store

    def _probe(self) -> None:
        try:
            if self._db is not None:
                self._not_too_soon()
            db, store = self._open()
            # What payloads left, and the log, become free space of the disk again.
            # A script, because that alone steps through a statement that returns no rows.
            db.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._reserve.hold()
            store.check_room(_LARGEST_EVENT_BYTES)
            db.execute("UPDATE about SET namespace = namespace")
        except sqlite3.Error as error:
            self._failed(error)
        else:
            log.info("outbox writes again", extra={"file": str(self._file)})
            self.trouble = None

    def _not_too_soon(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            raise TooSoon
        self._next_look = now + RETRY_S

    def _failed(self, error: sqlite3.Error) -> None:
        if isinstance(error, TooSoon):
            return
        word = word_for(error)
        self._roll_back(keep_open=word == DISK_FULL)
        if word == DISK_FULL:
            self._reserve.release()
        if word != self.trouble:
            facts = {"file": str(self._file), "why": word, "detail": str(error)}
            log.error("outbox cannot write", extra=facts)
        self.trouble = word

    def _roll_back(self, *, keep_open: bool) -> None:
        if self._db is None:
            return
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            keep_open = False
        if not keep_open:
            # After damage or a failed sync nothing this connection remembers can be trusted.
            self._close()

    def _close(self) -> None:
        db, self._db, self._store = self._db, None, None
        if db is not None:
            try:
                db.close()
            except sqlite3.Error as error:
                log.warning("outbox not closed cleanly", extra={"detail": str(error)})

    def _tell(self, told: list[_Delivery]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._handed_back, told)
        except RuntimeError:
            # The loop is gone: so is whoever waited.
            log.debug("outbox told nobody", extra={"results": len(told)})


def _added(store: Store, additions: list[Adding]) -> list[_Delivery]:
    results = store.add([event for job in additions for event in job.events])
    told: list[_Delivery] = []
    start = 0
    for job in additions:
        end = start + len(job.events)
        told.append((job.done, (results[start:end],)))
        start = end
    return told


def _run_errand(job: Errand, store: Store, db: sqlite3.Connection) -> object:
    try:
        return job.work(store, db)
    except RequestRefused as refusal:
        return refusal
    except Damaged:
        # One event that cannot be read is no reason to refuse all others.
        return OutboxUnavailable("corrupt")


def _refusals(jobs: Sequence[Job], error: OutboxUnavailable) -> list[_Delivery]:
    return [(job.done, (error,)) for job in jobs if not isinstance(job, Settling)]
