"""What the embedded outbox forgets: settled events by age and when room is short, ids after a day."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.errors import PublishDenied
from gateway.intake import Accepted, Conflict
from gateway.outbox.sqlite.pruning import MEMORY_S, STEP_ROWS, Pruned, Pruner
from gateway.outbox.sqlite.schema import open_file
from tests.integration.outbox_world import event, file_in, life, until
from tests.unit.gateway.publishers import RecordingPublisher

DAY_S = 86_400.0


async def filled(folder: Path) -> None:
    """Leave an outbox with four settled events, of which one is a dead letter, and one waiting."""
    publisher = RecordingPublisher()
    publisher.failures["user:9"] = PublishDenied("no")
    async with life(file_in(folder), publisher) as world:
        await world.take(*[event(id=f"done-{n}") for n in range(3)])
        await world.take(event("user:9", id="dead"))
        await until(lambda: world.outbox.deliveries.count == 0)
        await world.engine.stop()
        await world.take(event(id="waits"))
        await until(lambda: world.file.deliveries.unsaved == 0)


@contextmanager
def opened(folder: Path, *, max_bytes: int = 2**30) -> Iterator[sqlite3.Connection]:
    """Have the file open inside the block."""
    path = folder / "outbox.db"
    with closing(open_file(path, namespace="n", max_bytes=max_bytes, busy_s=1.0)) as db:
        yield db


def left(db: sqlite3.Connection) -> tuple[list[str], int, int]:
    """Return the ids of the events that are left, and how many payloads and ids."""
    names = [name for (name,) in db.execute("SELECT id FROM events ORDER BY seq")]
    (payloads,) = db.execute("SELECT count(*) FROM payloads").fetchone()
    (ids,) = db.execute("SELECT count(*) FROM ids").fetchone()
    return names, payloads, ids


def after(seconds: float) -> int:
    """Return a moment to come."""
    return int((time.time() + seconds) * 1000)


async def test_forgets_by_age(tmp_path: Path) -> None:
    """Outcomes first, dead letters later, what waits never; ids after a day if nothing is left."""
    await filled(tmp_path)
    pruner = Pruner(keep_settled_s=3_600, keep_failed_s=7 * DAY_S)
    with opened(tmp_path) as db:
        assert pruner.step(db, after(3_500)) == Pruned(events=0, dead_letters=0, finished=True)
        assert pruner.step(db, after(3_700)) == Pruned(events=3, dead_letters=0, finished=True)
        assert left(db) == (["dead", "waits"], 2, 5)
        assert pruner.step(db, after(MEMORY_S + 60)).events == 0
        assert left(db) == (["dead", "waits"], 2, 2)
        assert pruner.step(db, after(7 * DAY_S + 60)).dead_letters == 1
        pruner.step(db, after(7 * DAY_S + 60))
        assert left(db) == (["waits"], 1, 1)


async def test_ids_outlive_their_events(tmp_path: Path) -> None:
    """A pruned event is still known by its id, with how it ended, and still a conflict."""
    await filled(tmp_path)
    with opened(tmp_path) as db:
        Pruner(keep_settled_s=0, keep_failed_s=0).step(db, after(1))
    async with life(file_in(tmp_path), deliver=False) as world:
        again, changed, dead = await world.take(
            event(id="done-0"), event(id="done-1", data=2), event("user:9", id="dead")
        )
        assert isinstance(again, Accepted)
        assert (again.duplicate, again.report.state) == (True, State.PUBLISHED)
        assert changed == Conflict("done-1")
        assert isinstance(dead, Accepted)
        assert dead.report.state is State.FAILED
        report = await world.intake.find(ANYBODY, "done-0")
        assert report is not None
        assert (report.state, report.deliveries) == (State.PUBLISHED, ())


async def test_forgets_earlier_when_room_is_short(tmp_path: Path) -> None:
    """Outcomes whatever their age; dead letters only when there is next to none."""
    await filled(tmp_path)
    pruner = Pruner(keep_settled_s=DAY_S, keep_failed_s=DAY_S)
    with opened(tmp_path) as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {int(pages / 0.85)}")
        assert pruner.step(db, after(1)) == Pruned(events=3, dead_letters=0, finished=True)
        db.execute(f"PRAGMA max_page_count = {pages}")
        db.execute("PRAGMA incremental_vacuum")
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        assert pruner.step(db, after(1)).dead_letters == 1
        assert left(db)[0] == ["waits"]


async def test_goes_in_small_steps(tmp_path: Path) -> None:
    """Others commit in between; every row is looked at in the end."""
    async with life(file_in(tmp_path), deliver=False) as world:
        for _ in range(5):
            await world.take(*[event() for _ in range(STEP_ROWS // 4)])
    with opened(tmp_path) as db:
        db.execute("UPDATE events SET state = 1, settled_ms = 0")
        pruner = Pruner(keep_settled_s=60, keep_failed_s=60)
        first = pruner.step(db, after(120))
        assert (first.events, first.finished) == (STEP_ROWS, False)
        second = pruner.step(db, after(120))
        assert (second.events, second.finished) == (STEP_ROWS // 4 - 1, True)


async def test_the_newest_event_stays(tmp_path: Path) -> None:
    """It holds the order of acceptance, which must never be given twice."""
    async with life(file_in(tmp_path)) as world:
        await world.take(event(id="a"), event(id="b"))
        await until(lambda: world.outbox.deliveries.count == 0)
    with opened(tmp_path) as db:
        Pruner(keep_settled_s=0, keep_failed_s=0).step(db, after(60))
        assert left(db)[0] == ["b"]


async def test_prunes_by_itself(tmp_path: Path) -> None:
    """Now and then, while it works."""
    async with life(file_in(tmp_path), keep_settled_s=0.0) as world:
        world.file._prune()
        await world.take(*[event(id=f"e-{n}") for n in range(5)])
        await until(lambda: world.outbox.deliveries.count == 0)
        await until(lambda: world.file.deliveries.unsaved == 0)
        world.file._prune()
        report = await world.intake.find(ANYBODY, "e-0")
        assert report is not None
        assert report.state is State.PUBLISHED
    with opened(tmp_path) as db:
        assert left(db)[0] == ["e-4"]
