"""A gateway in this process and a service that calls it, over real sockets.

Owns the fixtures of such tests (imported by name) and what they post. Does not: prove anything.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.key_file import write_keys
from gateway.keys import Keyring, new_key
from gateway.server import running
from gateway.settings import Settings
from tests.integration.gateway_stub import StubIot, stub_iot
from tests.integration.shared_place import SharedPlace

GOOD: dict[str, Any] = {"to": "user:42", "type": "order.shipped", "data": {"n": 1}, "id": "i-1"}


class Caller:
    """A service that calls the gateway."""

    def __init__(self, session: aiohttp.ClientSession, key: str) -> None:
        self.session = session
        self._key = key

    async def post(
        self, document: object = None, *, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Post an event (or bytes); return status, answer and headers."""
        sent = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        text = json.dumps(GOOD if document is None else document).encode() if body is None else body
        data = io.BytesIO(text)
        async with self.session.post("/v1/events", data=data, headers=sent | headers) as answer:
            return answer.status, await answer.json(content_type=None), dict(answer.headers)

    async def call(self, method: str, path: str) -> tuple[int, Any, dict[str, str]]:
        """Call with the key; return status, answer and headers."""
        headers = {"Authorization": f"Bearer {self._key}"}
        async with self.session.request(method, path, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None), dict(answer.headers)

    async def settled(self, event_id: str) -> Any:
        """Look an event up until it is settled; return its report."""
        async with asyncio.timeout(20):
            while True:
                _, report, _ = await self.call("GET", f"/v1/events/{event_id}")
                if report["status"] not in ("accepted", "scheduled"):
                    return report
                await asyncio.sleep(0.02)

    async def failed(self) -> list[str]:
        """Return the ids of dead letters, once there are any: lists lag by a commit."""
        async with asyncio.timeout(20):
            while True:
                _, page, _ = await self.call("GET", "/v1/events?status=failed")
                if page["events"]:
                    return [event["id"] for event in page["events"]]
                await asyncio.sleep(0.02)

    async def get(self, path: str) -> tuple[int, str]:
        """Get a path; return status and text."""
        async with self.session.get(path) as answer:
            return answer.status, await answer.text()


def address_of(caller: Caller) -> tuple[str | None, int | None]:
    """Return host and port of the gateway."""
    url = caller.session._base_url
    assert url is not None
    return url.host, url.port


Start = Callable[..., AbstractAsyncContextManager[Caller]]


@pytest.fixture
async def stub() -> AsyncIterator[StubIot]:
    """An IoT endpoint."""
    async with stub_iot() as running_stub:
        yield running_stub


@dataclass(frozen=True, slots=True)
class Kept:
    """Where events are kept, and what the environment says of that place."""

    outbox: str
    environ: dict[str, str]


@pytest.fixture
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """A file, or, where a test asks for both, a queue and a table as well."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return Kept(f"sqlite:///{tmp_path}/outbox.db", {"AWS_SESSION_TOKEN": "example-token"})
    place: SharedPlace = request.getfixturevalue("shared_place")
    return Kept(place.outbox, place.environ)


over_both = pytest.mark.parametrize("kept", ["sqlite", "aws"], indirect=True)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub: StubIot, kept: Kept) -> Start:
    """Start gateways in this process, with one key for users and orders."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-secret")
    for name, value in kept.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    @asynccontextmanager
    async def run(*, rate_per_s: float | None = None, **settings: Any) -> AsyncIterator[Caller]:
        key, service_key = new_key(
            name="shop",
            publish=["user:*", "group:orders/*"],
            rate_per_s=rate_per_s,
            admin=False,
            now=datetime(2026, 1, 31, tzinfo=UTC),
        )
        keys_file = tmp_path / "keys.json"
        write_keys(keys_file, Keyring([service_key]))
        told: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": 0,
            "namespace": "shop",
            "iot_endpoint": stub.url,
            "region": "us-east-1",
            "keys_file": keys_file,
            "outbox": kept.outbox,
            "drain_s": 1.0,
        }
        async with (
            running(Settings(**(told | settings))) as gateway,
            aiohttp.ClientSession(gateway.url) as session,
        ):
            yield Caller(session, key.reveal())

    return run
