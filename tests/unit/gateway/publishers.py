"""Ways to IoT Core that exist in memory only: for tests of what stands before the seam."""

from __future__ import annotations

import asyncio

from gateway.core.publication import Publication
from gateway.errors import PublishFailed


class RecordingPublisher:
    """Takes every publication, or answers with the failure that was set for its address.

    Attributes:
        published: What was taken, in order.
        delivered: What was sent to one client and confirmed, in order, with the time it had.
        missing: What comes in place of the receipt of an address, by its text.
        patience: Where it is set, receipts wait for it.
        failures: The failure for an address, by its text.
        trouble: What `check` raises, if anything.
        checks: How often `check` was asked.
        gate: Where it is set, publishes wait for it.
        in_flight: Publishes waiting for the gate now.
    """

    def __init__(self) -> None:
        self.published: list[Publication] = []
        self.delivered: list[tuple[Publication, int]] = []
        self.missing: dict[str, PublishFailed] = {}
        self.patience: asyncio.Event | None = None
        self.failures: dict[str, PublishFailed] = {}
        self.trouble: PublishFailed | None = None
        self.checks = 0
        self.gate: asyncio.Event | None = None
        self.in_flight = 0

    async def publish(self, publication: Publication) -> None:
        """Take it, or fail as set."""
        if self.gate is not None:
            self.in_flight += 1
            await self.gate.wait()
            self.in_flight -= 1
        failure = self.failures.get(str(publication.address))
        if failure is not None:
            raise failure
        self.published.append(publication)

    async def deliver(self, publication: Publication, *, within_s: int) -> None:
        """Take it and confirm it, or fail as set."""
        if self.patience is not None:
            await self.patience.wait()
        failure = self.missing.get(str(publication.address))
        if failure is not None:
            raise failure
        self.delivered.append((publication, within_s))

    async def check(self) -> None:
        """Succeed, or fail as set."""
        self.checks += 1
        if self.trouble is not None:
            raise self.trouble


async def let_others_run() -> None:
    """Give every task that can go on the turns it needs; nothing here waits for a clock."""
    for _ in range(20):
        await asyncio.sleep(0)
