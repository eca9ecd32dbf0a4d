"""Work that may outlast the worker that began it: waits for clients that confirm late or never.

Owns these tasks, their bound, and when a worker lets one go.
Does not: know what the work is (`gateway/engine.py`).
Source: docs/decisions/0014-receipts.md.

Theory of operation: a worker stays with its work for `AT_HAND_S`, which is plenty for a client that
is well; so a burst keeps to the number of workers, as publishes do. What takes longer goes on here,
and the worker is free. `full` is asked before work begins, so at most one more for each worker comes
here than the bound says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Final

AT_HAND_S: Final = 0.5
"""How long a worker stays with its work, seconds."""


class Aside:
    """Tasks that go on without a worker.

    Args:
        most: Their number from which on `full` says so; 0 for none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def full(self) -> bool:
        """Whether no more work should begin that may come here."""
        return len(self._tasks) >= self._most

    async def run(self, work: Coroutine[object, object, None]) -> None:
        """Do the work; return when it is done, or goes on aside."""
        task = asyncio.create_task(work, name="aside")
        try:
            await asyncio.wait({task}, timeout=AT_HAND_S)
        except asyncio.CancelledError:
            await _end(task)
            raise
        if task.done():
            task.result()
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give all of it up."""
        for task in tuple(self._tasks):
            await _end(task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
