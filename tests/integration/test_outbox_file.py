"""What only an outbox in a file does: bounds what it holds in memory, drops payloads on disk."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.errors import OutboxFull, PublishDenied
from tests.integration.outbox_world import World, event, file_in, life, until
from tests.integration.test_outbox import holding
from tests.unit.gateway.publishers import RecordingPublisher


async def test_a_crash_before_the_collapse_is_written_changes_nothing(tmp_path: Path) -> None:
    """After the restart the newer one takes its place again."""
    async with life(file_in(tmp_path), deliver=False) as world:
        await world.take(event(id="old", collapse_key="k"))
        await world.take(event(id="new", collapse_key="k"))
    with sqlite3.connect(tmp_path / "outbox.db") as file:
        file.execute("UPDATE events SET state = 0, settled_ms = NULL, outcomes = NULL")
        file.execute("INSERT OR IGNORE INTO payloads SELECT seq, x'7b7d' FROM events")
    file.close()
    async with life(file_in(tmp_path)) as world:
        await until(lambda: len(world.sent()) == 1)
        assert (await world.intake.outcome(ANYBODY, "old", 5.0)).state is State.COLLAPSED
        assert (await world.intake.outcome(ANYBODY, "new", 5.0)).state is State.PUBLISHED


async def test_bounds_what_waits_for_the_disk(tmp_path: Path) -> None:
    """However many callers there are."""
    async with life(file_in(tmp_path), outbox_memory_bytes=10_000) as world:
        taking = [world.take(event(data="x" * 4_000)) for _ in range(20)]
        results = await asyncio.gather(*taking, return_exceptions=True)
        refused = [r for r in results if isinstance(r, OutboxFull)]
        assert 0 < len(refused) < 20
        assert await world.take(event(data="x" * 50_000))
        await until(lambda: world.outbox.deliveries.count == 0)


async def test_more_than_fits_into_memory(tmp_path: Path) -> None:
    """Payloads wait on disk and come back in order; so they do after a restart."""
    room = 100_000
    publisher = holding("user:0", "user:1", "user:2")
    async with life(file_in(tmp_path), publisher, outbox_memory_bytes=room) as world:
        for first in range(0, 300, 20):
            await world.take(
                *[
                    event(f"user:{n % 3}", f"group:g{n % 7}", data={"n": n, "x": "x" * 2_000})
                    for n in range(first, first + 20)
                ]
            )
        assert world.file.deliveries.payload_bytes < 3 * room
        await until(lambda: len([t for t in world.topics() if t.startswith("group")]) == 300)
        check_order(world)
    async with life(file_in(tmp_path), outbox_memory_bytes=room) as world:
        await until(lambda: len(world.sent()) == 300)
        assert {topic.partition("/")[0] for topic in world.topics()} == {"user"}
        check_order(world)
        assert world.file.deliveries.payload_bytes == 0


def check_order(world: World) -> None:
    """Each topic got its numbers in order, each once."""
    numbers: dict[str, list[int]] = {}
    for topic, payload in world.sent():
        numbers.setdefault(topic, []).append(json.loads(payload)["data"]["n"])
    assert all(found == sorted(set(found)) for found in numbers.values())


async def test_drops_payloads_of_what_is_settled(tmp_path: Path) -> None:
    """Only what may be sent again keeps its payload."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = PublishDenied("no")
    async with life(file_in(tmp_path), publisher) as world:
        await world.take(event("user:1", id="dead"), *[event("user:2") for _ in range(20)])
        await until(lambda: world.outbox.deliveries.count == 0)
    with sqlite3.connect(tmp_path / "outbox.db") as file:
        assert file.execute("SELECT count(*) FROM payloads").fetchone() == (1,)
        assert file.execute("SELECT count(*) FROM events").fetchone() == (21,)
    file.close()
