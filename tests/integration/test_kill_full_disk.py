"""What was answered with 202 arrives, also where the disk runs full and the gateway is killed then."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.outbox.sqlite.reserve import RESERVE_BYTES
from localaws.core.faults import Fault, FaultKind
from localaws.embedded import LocalAws
from tests.integration.kill_world import MortalGateway, Services, aws, mortal_gateway, subscriber

__all__ = ["aws"]

pytestmark = pytest.mark.timeout(120)

DISK_BYTES = 4 * 1024 * 1024
EVENTS = 600
EVENT_BYTES = 10_000
WAIT_S = 60.0


@contextmanager
def small_disk(folder: Path) -> Iterator[dict[str, str]]:
    """Give an outbox little room: a disk of its own, or a bound where none can be mounted."""
    if os.geteuid() != 0:
        yield {"GATEWAY_OUTBOX_MAX_BYTES": str(DISK_BYTES)}
        return
    disk = folder / "disk"
    disk.mkdir()
    size = f"size={RESERVE_BYTES + DISK_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
    try:
        yield {"GATEWAY_OUTBOX": f"sqlite:///{disk / 'outbox.db'}"}
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


async def trouble(gateway: MortalGateway) -> str | None:
    """Return what readiness says about the outbox."""
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/readyz") as answer:
        found = (await answer.json()).get("troubles", {}).get("outbox")
        return None if found is None else str(found)


async def test_nothing_is_lost_when_the_disk_is_full(aws: LocalAws, tmp_path: Path) -> None:
    """A clear 503 and not ready; killed while full; goes on by itself once there is room."""
    aws.faults.order(Fault(kind=FaultKind.ERROR, rate=1.0, operation="Publish", status=503))
    with small_disk(tmp_path) as disk:
        async with mortal_gateway(aws, tmp_path, **disk) as gateway, subscriber(aws) as watcher:
            services = Services(gateway.url, seed=2)
            services.size = EVENT_BYTES
            sending = asyncio.create_task(services.send(EVENTS))
            async with asyncio.timeout(WAIT_S):
                while services.refused.get(503, 0) < 20:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert await trouble(gateway) == "disk_full"
            kept = services.count
            assert 0 < kept < EVENTS
            await gateway.kill()
            await gateway.start()
            await asyncio.sleep(0.5)
            assert services.count < EVENTS
            aws.faults.clear()
            async with asyncio.timeout(WAIT_S):
                await sending
            await watcher.all_of(services, WAIT_S)
            watcher.check(services)
            async with asyncio.timeout(WAIT_S):
                while await trouble(gateway) is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    assert set(services.refused) == {503}
