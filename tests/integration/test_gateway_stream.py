"""The stream and the dashboard of a real gateway: who hears what, and that it ends when it should."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from gateway.key_file import write_keys
from gateway.keys import Keyring, new_key
from gateway.server import Gateway, running
from gateway.settings import Settings
from tests.integration.gateway_stub import Fault, StubIot, stub_iot

WAIT_S = 10.0


class Stream:
    """A stream that is being read.

    Attributes:
        answer: The HTTP answer.
    """

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def told(self, name: str) -> Any:
        """Return the data of the next event of a name."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found, data = await self.next()
                if found == name:
                    return data

    async def next(self) -> tuple[str, Any]:
        """Return the next event."""
        lines = []
        while line := (await self.answer.content.readline()).decode().rstrip("\n"):
            lines.append(line)
        assert lines, "the stream has ended"
        fields = dict(line.split(": ", 1) for line in lines)
        return fields["event"], json.loads(fields["data"])


class World:
    """A gateway with two keys.

    Attributes:
        gateway: It.
        session: The way to it.
        stub: Its IoT Core.
        keys: By service.
        keys_file: Where they are kept.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        session: aiohttp.ClientSession,
        stub: StubIot,
        keys: dict[str, str],
        keys_file: Path,
    ) -> None:
        self.gateway = gateway
        self.session = session
        self.stub = stub
        self.keys = keys
        self.keys_file = keys_file

    def headers(self, service: str) -> dict[str, str]:
        """Return how a service shows its key."""
        return {"Authorization": f"Bearer {self.keys[service]}"}

    @asynccontextmanager
    async def stream(self, service: str, query: str = "") -> AsyncIterator[Stream]:
        """Listen."""
        url = f"/v1/stream{query}"
        async with self.session.get(url, headers=self.headers(service)) as answer:
            assert answer.status == 200, await answer.text()
            yield Stream(answer)

    async def refused(self, service: str, query: str = "") -> tuple[int, str]:
        """Ask for a stream that is refused; return status and code."""
        url = f"/v1/stream{query}"
        async with self.session.get(url, headers=self.headers(service)) as answer:
            return answer.status, (await answer.json(content_type=None))["code"]

    async def post(self, service: str, id_: str) -> None:
        """Send an event."""
        event = {"to": "user:42", "type": "order.shipped", "data": {"n": 1}, "id": id_}
        headers = self.headers(service)
        async with self.session.post("/v1/events", json=event, headers=headers) as answer:
            assert answer.status == 202, await answer.text()


Start = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start gateways in this process, with a key for `shop` and one for `ops`, an admin."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    @asynccontextmanager
    async def run(**settings: Any) -> AsyncIterator[World]:
        now = datetime(2026, 1, 31, tzinfo=UTC)
        made = {
            name: new_key(name=name, publish=["*"], rate_per_s=None, admin=name == "ops", now=now)
            for name in ("shop", "ops")
        }
        keys_file = tmp_path / "keys.json"
        write_keys(keys_file, Keyring([kept for _, kept in made.values()]))
        async with stub_iot() as stub:
            told: dict[str, Any] = {
                "host": "127.0.0.1",
                "port": 0,
                "namespace": "shop",
                "iot_endpoint": stub.url,
                "region": "us-east-1",
                "keys_file": keys_file,
                "outbox": f"sqlite:///{tmp_path}/outbox.db",
                "drain_s": 5.0,
            }
            async with (
                aiohttp.ClientSession() as session,
                running(Settings(**(told | settings))) as gateway,
            ):
                session._base_url = URL(gateway.url)
                yield World(
                    gateway=gateway,
                    session=session,
                    stub=stub,
                    keys={name: key.reveal() for name, (key, _) in made.items()},
                    keys_file=keys_file,
                )

    return run


async def test_tells_an_event_from_acceptance_to_settlement(start: Start) -> None:
    """To its own service and to an admin, without its payload."""
    async with start() as world, world.stream("ops") as ops, world.stream("shop") as shop:
        assert ops.answer.content_type == "text/event-stream"
        assert ops.answer.headers["Server"] == "gateway"
        hello = await ops.told("hello")
        assert (hello["admin"], hello["namespace"]) == (True, "shop")
        assert hello["services"] == ["ops", "shop"]
        assert (await shop.told("hello"))["services"] == ["shop"]
        await world.post("shop", "i-1")
        for stream in (ops, shop):
            accepted = await stream.told("accepted")
            assert (accepted["id"], accepted["addresses"]) == ("i-1", ["user:42"])
            assert (accepted["type"], accepted["state"]) == ("order.shipped", "accepted")
            assert "data" not in accepted
            settled = await stream.told("settled")
            assert (settled["id"], settled["state"], settled["attempts"]) == ("i-1", "published", 1)
            assert settled["seconds"] >= 0


async def test_tells_the_pace_each_second(start: Start) -> None:
    """An admin also what all services share."""
    async with start() as world, world.stream("ops") as ops, world.stream("shop") as shop:
        await world.post("shop", "i-1")
        async with asyncio.timeout(WAIT_S):
            while (told := await ops.told("snapshot"))["total"]["published"] == 0:
                pass
        assert told["services"]["shop"]["deliverySeconds"]["p50"] is not None
        assert told["publishSeconds"]["p50"] > 0
        assert told["outbox"]["waiting"] == 0
        assert sorted(await shop.told("snapshot")) == ["at", "services"]
        async with world.stream("ops") as late:
            history = await late.told("history")
        assert any(one["total"]["published"] for one in history)


async def test_tells_why_an_event_failed(start: Start) -> None:
    """In the words of the report."""
    async with start() as world, world.stream("ops") as ops:
        world.stub.faults["shop/user/42"] = Fault(status=403, code="ForbiddenException")
        await world.post("shop", "i-1")
        settled = await ops.told("settled")
        assert (settled["state"], settled["code"]) == ("failed", "denied")
        assert settled["detail"]


async def test_nobody_hears_of_another_services_events(start: Start) -> None:
    """A service hears nothing of what another sends."""
    async with start() as world, world.stream("shop") as shop:
        await world.post("ops", "i-1")
        await world.post("shop", "i-2")
        assert (await shop.told("accepted"))["id"] == "i-2"
        assert await world.refused("shop", "?service=ops") == (403, "admin_required")


async def test_an_admin_may_narrow_the_stream(start: Start) -> None:
    """To one service."""
    async with start() as world, world.stream("ops", "?service=shop") as stream:
        await world.post("ops", "i-1")
        await world.post("shop", "i-2")
        assert (await stream.told("accepted"))["id"] == "i-2"


async def test_payloads_need_the_right_and_the_switch(start: Start) -> None:
    """Both."""
    async with start() as world, world.stream("ops", "?payloads=true") as ops:
        await world.post("shop", "i-1")
        assert (await ops.told("accepted"))["data"] == '{"n": 1}'
        assert await world.refused("shop", "?payloads=true") == (403, "admin_required")


async def test_the_number_of_streams_is_bounded(start: Start) -> None:
    """Whoever leaves makes room; without a key there is none at all."""
    async with start(max_streams=1) as world:
        async with world.stream("ops") as stream:
            await stream.told("hello")
            assert await world.refused("shop") == (429, "too_many_streams")
        world.keys["nobody"] = "swk_wrong"
        assert await world.refused("nobody") == (401, "unauthenticated")
        async with asyncio.timeout(WAIT_S):
            while await admitted(world) != 200:  # noqa: ASYNC110 - only the answer tells
                await asyncio.sleep(0.1)


async def admitted(world: World) -> int:
    """Ask for a stream and leave at once; return the status."""
    async with world.session.get("/v1/stream", headers=world.headers("shop")) as answer:
        return answer.status


async def test_who_reads_too_slowly_is_told_what_was_dropped(start: Start) -> None:
    """The newest stay, the sum is right, and the sender never waited."""
    async with start(stream_notices=10) as world, world.stream("ops") as ops:
        await ops.told("hello")
        events = [{"to": "user:42", "type": "t", "data": 1, "id": f"i-{n}"} for n in range(500)]
        headers = world.headers("shop")
        async with world.session.post("/v1/events", json=events, headers=headers) as answer:
            assert answer.status == 202
        assert (await ops.told("dropped"))["dropped"] >= 490


async def test_a_revoked_key_ends_its_stream(start: Start) -> None:
    """Within a second or two, and says so."""
    async with start() as world, world.stream("ops") as ops:
        await ops.told("hello")
        write_keys(world.keys_file, Keyring().with_key(_stranger()))
        world.gateway.reload_keys()
        assert await ops.told("end") == {"why": "key"}
        assert await ops.answer.content.read() == b""


def _stranger() -> Any:
    _, kept = new_key(
        name="bank",
        publish=["*"],
        rate_per_s=None,
        admin=False,
        now=datetime(2026, 1, 31, tzinfo=UTC),
    )
    return kept


async def test_streams_do_not_hold_up_the_end_of_the_gateway(start: Start) -> None:
    """They are told, and closed, long before `drain_s` is over."""
    loop = asyncio.get_running_loop()
    async with start() as world:
        answer = await world.session.get("/v1/stream", headers=world.headers("ops"))
        stream = Stream(answer)
        await stream.told("hello")
        ending = asyncio.create_task(stream.told("end"))
        started = loop.time()
    assert await ending == {"why": "stopping"}
    assert loop.time() - started < 4.0


async def test_serves_the_dashboard_and_nothing_beside_it(start: Start, tmp_path: Path) -> None:
    """By name, with a policy that lets it reach this gateway alone."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Dashboard</title>")
    (folder / "secret.txt").write_text("no")
    async with start(dashboard_dir=folder) as world:
        async with world.session.get("/") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "Dashboard" in await answer.text()
        for path, status in (
            ("/dashboard/index.html", 200),
            ("/dashboard/main.js", 503),
            ("/dashboard/secret.txt", 404),
            ("/dashboard/..%2fkeys.json", 404),
        ):
            async with world.session.get(path) as answer:
                assert answer.status == status, path


async def test_there_is_no_dashboard_unless_the_settings_say_so(start: Start) -> None:
    """And no page at `/`."""
    async with start() as world, world.session.get("/") as answer:
        assert answer.status == 404
