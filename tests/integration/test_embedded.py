"""localaws as one object: what it gives, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from localaws.embedded import LocalAws
from localaws.errors import NotRunning
from localaws.settings import Settings


def health(url: str) -> int:
    """Return the status of localaws' health."""
    with urllib.request.urlopen(f"{url}/_localaws/health") as response:  # noqa: S310 (http)
        return int(response.status)


async def test_it_starts_stops_and_starts_again() -> None:
    """One process can run one after the other, each with its own keys."""
    keys = set()
    for _ in range(2):
        async with LocalAws() as aws:
            assert await asyncio.to_thread(health, aws.endpoints.api_url) == 200
            keys.add(aws.admin.access_key_id)
    assert len(keys) == 2


async def test_nothing_is_left_after_it_stopped() -> None:
    """Ports are free, threads are gone, and its parts can no longer be asked for."""
    threads = threading.active_count()
    async with LocalAws() as aws:
        url = aws.endpoints.api_url
    await aws.stop()
    with pytest.raises(urllib.error.URLError):
        await asyncio.to_thread(health, url)
    with pytest.raises(NotRunning):
        _ = aws.endpoints
    # Two of asyncio's own worker threads may be idle.
    assert threading.active_count() <= threads + 2


async def test_taken_port_leaves_nothing_behind(tmp_path: Path) -> None:
    """A start that fails closes what it had opened."""
    with socket.create_server(("127.0.0.1", 0)) as first:
        free_port = first.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings(
            iot_port=free_port,
            aws_port=0,
            api_port=other.getsockname()[1],
            state_dir=tmp_path,
        )
        with pytest.raises(OSError, match="in use"):
            await LocalAws(settings).start()
        socket.create_server(("127.0.0.1", free_port)).close()


async def test_aws_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Both hold or name keys, and are written anew at each start."""
    settings = Settings(iot_port=0, aws_port=0, api_port=0, state_dir=tmp_path)
    async with LocalAws(settings) as aws:
        credentials = tmp_path / "aws" / "credentials"
        assert credentials.stat().st_mode & 0o777 == 0o600
        assert aws.gateway.access_key_id in credentials.read_text()
        assert aws.endpoints.iot_url in (tmp_path / "aws" / "config").read_text()
