"""Work that takes long goes on without its worker, and none of it is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from gateway import aside
from gateway.aside import Aside
from tests.unit.gateway.publishers import let_others_run


class Work:
    """Something that waits until it may end."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.said = ""

    async def __call__(self) -> None:
        """Do it."""
        try:
            await self.may_end.wait()
            self.said = "done"
        except asyncio.CancelledError:
            self.said = "given up"
            raise


async def test_quick_work_stays_with_its_worker() -> None:
    """It is done when the worker goes on, and nothing was put aside."""
    beside, work = Aside(1), Work()
    running = asyncio.create_task(beside.run(work()))
    await let_others_run()
    assert not running.done()
    work.may_end.set()
    await running
    assert (work.said, len(beside), beside.full) == ("done", 0, False)


async def test_slow_work_lets_its_worker_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on, counts while it does, and ends by itself."""
    monkeypatch.setattr(aside, "AT_HAND_S", 0.0)
    beside, work = Aside(1), Work()
    await beside.run(work())
    assert (len(beside), beside.full) == (1, True)
    work.may_end.set()
    await let_others_run()
    assert (work.said, len(beside), beside.full) == ("done", 0, False)


async def test_stopping_gives_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is aside, and what a worker that is stopped was at."""
    beside, slow, at_hand = Aside(5), Work(), Work()
    running = asyncio.create_task(beside.run(at_hand()))
    await let_others_run()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert at_hand.said == "given up"
    monkeypatch.setattr(aside, "AT_HAND_S", 0.0)
    await beside.run(slow())
    await let_others_run()
    await beside.stop()
    assert (slow.said, len(beside)) == ("given up", 0)


async def test_a_bug_in_the_work_reaches_the_worker() -> None:
    """Nothing is swallowed."""

    async def broken() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await Aside(1).run(broken())


def test_with_no_room_it_is_always_full() -> None:
    """`GATEWAY_MAX_RECEIPTS=0` asks for none."""
    assert Aside(0).full
