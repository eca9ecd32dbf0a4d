"""The embedded outbox in trouble: a clear word, no loss, and going on by itself."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.errors import OutboxFull, OutboxUnavailable, PublishUnavailable
from gateway.intake import Accepted
from gateway.outbox.sqlite.reserve import RESERVE_BYTES
from tests.integration.outbox_world import World, event, file_in, life, until
from tests.unit.gateway.publishers import RecordingPublisher

HELD = PublishUnavailable("held back")
QUOTA_BYTES = 2 * 1024 * 1024
EVENT_CHARS = 20_000


@contextmanager
def disk(folder: Path, *, room: int) -> Iterator[Path]:
    """Have a file system with so much room beside the reserve inside the block."""
    place = folder / "disk"
    place.mkdir()
    size = f"size={RESERVE_BYTES + room}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


async def fill(world: World) -> int:
    """Send events to one topic until no more are taken; return how many were."""
    taken = 0
    while True:
        try:
            await world.take(event("user:1", data=[taken, "x" * EVENT_CHARS]))
        except OutboxUnavailable:
            assert world.outbox.trouble() == "disk_full"
            return taken
        taken += 1


async def goes_on(world: World) -> None:
    """Wait until events are taken again, and see one through."""
    await until(lambda: world.outbox.trouble() is None)
    (taken,) = await world.take(event("user:2", id="afterwards"))
    assert isinstance(taken, Accepted)
    assert (await world.intake.outcome(ANYBODY, "afterwards", 5.0)).state is State.PUBLISHED


async def test_a_file_at_its_largest_size(tmp_path: Path) -> None:
    """Refuses, delivers what it has, and takes events again once there is room."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = HELD
    async with life(file_in(tmp_path), publisher, outbox_max_bytes=QUOTA_BYTES) as world:
        taken = await fill(world)
        assert taken > 20
        assert world.outbox.trouble() == "disk_full"
        await asyncio.sleep(1.5)
        assert world.outbox.trouble() == "disk_full"
        publisher.failures.clear()
        await until(lambda: len(world.sent()) == taken)
        await goes_on(world)
    assert (tmp_path / "outbox.db").stat().st_size < QUOTA_BYTES * 1.7


async def test_a_full_disk(tmp_path: Path) -> None:
    """The same on a disk that is full: the reserve lets it note what it delivers."""
    if os.geteuid() != 0:
        # Nobody else can mount a small disk; the bound of the file stands for it.
        await test_a_file_at_its_largest_size(tmp_path)
        return
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = HELD
    with disk(tmp_path, room=6 * 1024 * 1024) as place:
        async with life(file_in(place), publisher) as world:
            taken = await fill(world)
            assert taken > 50
            publisher.failures.clear()
            await until(lambda: len(world.sent()) == taken)
            await goes_on(world)
            await until(lambda: world.file.deliveries.unsaved == 0)
        async with life(file_in(place), publisher) as world:
            assert world.outbox.deliveries.count == 0


async def test_a_disk_that_somebody_else_filled(tmp_path: Path) -> None:
    """To the last byte, reserve and all: it starts, delivers, and notes it once there is room."""
    if os.geteuid() != 0:
        await test_a_file_at_its_largest_size(tmp_path)
        return
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = HELD
    with disk(tmp_path, room=6 * 1024 * 1024) as place:
        async with life(file_in(place), publisher) as world:
            taken = await fill(world)
            (place / "somebody-elses").write_bytes(b"x" * shutil.disk_usage(place).free)
        publisher.failures.clear()
        async with life(file_in(place), publisher) as world:
            await until(lambda: len(world.sent()) == taken)
            assert world.outbox.trouble() == "disk_full"
            with pytest.raises(OutboxUnavailable, match="disk_full"):
                await world.take(event())
            (place / "somebody-elses").unlink()
            await goes_on(world)
            await until(lambda: world.file.deliveries.unsaved == 0)
        async with life(file_in(place), publisher) as world:
            assert world.outbox.deliveries.count == 0


async def test_a_damaged_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It starts, refuses with the word, touches nothing, and opens what the operator puts there."""
    path = tmp_path / "outbox.db"
    path.write_bytes(b"this was an outbox once" * 1_000)
    async with life(file_in(tmp_path), open_s=0.2) as world:
        with pytest.raises(OutboxUnavailable, match="corrupt"):
            await world.take(event())
        with pytest.raises(OutboxUnavailable, match="corrupt"):
            await world.state("a")
        assert path.read_bytes().startswith(b"this was an outbox once")
        path.unlink()
        await goes_on(world)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.message, vars(record)["why"]) for record in errors] == [
        ("outbox cannot write", "corrupt")
    ]


async def test_damage_inside_the_file(tmp_path: Path) -> None:
    """Pages that make no sense are found when they are read; nothing is called accepted then."""
    async with life(file_in(tmp_path), deliver=False) as world:
        await world.take(*[event(data="x" * 3_000) for _ in range(200)])
    path = tmp_path / "outbox.db"
    content = bytearray(path.read_bytes())
    content[4_096 * 5 :] = os.urandom(len(content) - 4_096 * 5)
    path.write_bytes(content)
    async with life(file_in(tmp_path), open_s=0.2) as world:
        with pytest.raises(OutboxUnavailable):
            await world.take(event())
        assert world.outbox.trouble() is not None
        assert world.sent() == []


async def test_a_second_gateway_on_the_same_file(tmp_path: Path) -> None:
    """It waits until the first one is gone, as in a rolling restart."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = HELD
    async with life(file_in(tmp_path), publisher) as first:
        await first.take(event("user:1"))
        async with life(file_in(tmp_path), open_s=0.5) as second:
            assert second.outbox.trouble() == "in_use"
            with pytest.raises(OutboxUnavailable, match="in_use"):
                await second.take(event())
            await first.engine.stop()
            await first.outbox.close()
            await until(lambda: second.topics() == ["user/1"])
            await goes_on(second)


async def test_another_stacks_file(tmp_path: Path) -> None:
    """Its events would go to topics of this one."""
    async with life(file_in(tmp_path), deliver=False) as world:
        await world.take(event())
    async with life(file_in(tmp_path), open_s=0.3, namespace="other") as world:
        assert world.outbox.trouble() == "not_ours"
    with sqlite3.connect(tmp_path / "outbox.db") as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    async with life(file_in(tmp_path), open_s=0.3) as world:
        assert world.outbox.trouble() == "not_ours"


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is not made: a typo, or a disk that is not mounted yet."""
    folder = tmp_path / "unmounted"
    async with life(file_in(folder), open_s=0.2) as world:
        assert world.outbox.trouble() == "cannot_open"
        folder.mkdir()
        await goes_on(world)


async def test_settlements_wait_for_the_disk(tmp_path: Path) -> None:
    """Delivering goes on while nothing can be written; afterwards everything is noted."""
    async with life(file_in(tmp_path)) as world:
        writer = world.file._writer
        await world.take(event("user:1", id="a"))
        await world.intake.outcome(ANYBODY, "a", 5.0)
        await until(lambda: world.file.deliveries.unsaved == 0)
        world.publisher.gate = asyncio.Event()
        await world.take(event("user:1", id="b"))
        await until(lambda: world.publisher.in_flight == 1)
        real = writer._store
        assert real is not None
        refusing = _Refusing()
        writer._store = refusing  # type: ignore[assignment]
        world.publisher.gate.set()
        await until(lambda: len(world.sent()) == 2)
        await until(lambda: world.outbox.trouble() == "io_error")
        assert world.file.deliveries.unsaved == 1
        await goes_on(world)
        await until(lambda: world.file.deliveries.unsaved == 0)
    async with life(file_in(tmp_path)) as world:
        assert await world.state("b") == "published"


class _Refusing:
    """A store on a disk that does not answer."""

    def __getattr__(self, _name: str) -> object:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error


async def test_what_waits_is_bounded_in_trouble_too(tmp_path: Path) -> None:
    """While the disk is away, deliveries that wait keep their room."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = HELD
    async with life(file_in(tmp_path), publisher, outbox_max_deliveries=100) as world:
        await world.take(*[event("user:1") for _ in range(100)])
        with pytest.raises(OutboxFull):
            await world.take(event("user:2"))
