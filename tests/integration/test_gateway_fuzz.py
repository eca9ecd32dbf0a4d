"""Whatever is sent to whichever route: no 5xx, a problem document, and no growth."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from gateway.key_file import write_keys
from gateway.keys import Keyring, new_key
from gateway.openapi import openapi
from tests.integration.gateway_process import GatewayProcess, environment, gateway_process
from tests.integration.gateway_stub import stub_iot

DOCUMENT = openapi(namespace="shop", max_addresses=100, max_events=1_000)
ROUTES = [
    (method, path)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    # A stream does not end, and takes no body.
    if "text/event-stream" not in operation["responses"].get("200", {}).get("content", {})
]
GOOD = {"to": "user:42", "type": "t", "data": {"n": [1, "x", None]}, "id": "i", "ttl": 60}
TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "text/plain",
    "application/json; charset=\x81",
    "a/b; charset",
    "",
)
SWELLING = gzip.compress(b" " * 20_000_000)
REQUESTS = 900
GROWTH_MIB = 12
"""Room for what allocators keep; a leak of one body for each request would be hundreds of times
as much."""

rng = random.Random(11)  # noqa: S311


def deep(opening: bytes, closing: bytes) -> bytes:
    """Return JSON that is nested deeper than anything is read."""
    levels = rng.choice([65, 1_000, 20_000])
    return opening * levels + b"1" + (closing * levels if rng.random() < 0.5 else b"")


def flipped() -> bytes:
    """Return an event with a few bytes changed."""
    body = bytearray(json.dumps(GOOD).encode())
    for _ in range(rng.randrange(1, 4)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def odd() -> object:
    """Return an odd value for a field."""
    return rng.choice(
        [None, -1, 10**400, 1e300, "", "x" * 70_000, "\x00", "\ud800", [], {}, [[[]]], True]
    )


def strange() -> bytes:
    """Return an event with an odd value in one of its fields."""
    return json.dumps(
        GOOD | {rng.choice([*GOOD, "deliverAt", "qos", "collapseKey", "receipt"]): odd()}
    ).encode()


BODIES: tuple[Callable[[], bytes], ...] = (
    lambda: rng.randbytes(rng.randrange(300)),
    lambda: deep(b"[", b"]"),
    lambda: deep(b'{"a":', b"}"),
    lambda: b"[" + deep(b"[", b"]") + b"," + json.dumps(GOOD).encode() + b"]",
    lambda: b"[" + b",".join([flipped()] * 3) + b"]",
    lambda: b"\n".join(rng.choice([flipped, strange])() for _ in range(20)),
    lambda: b"[" * 100_000,
    lambda: b'{"a":1' + b',"a":1' * 10_000 + b"}",
    lambda: b"9" * 100_000,
    lambda: b'"' + b"\\ud800" * 10_000 + b'"',
    lambda: SWELLING,
    flipped,
    strange,
)


def header() -> dict[str, str]:
    """Return a header or two that may mean something."""
    value = rng.choice(["", "x", "1.0", "%ff%00", '"', "9" * 400, "wait=999999999", "-", "user:1"])
    names = ["ce-id", "ce-to", "ce-specversion", "ce-x", "Prefer", "traceparent", "tracestate"]
    names += ("Content-Encoding", "X-Request-Id", "Origin", "Accept", "Expect")
    return {rng.choice(names): value for _ in range(rng.randrange(3))}


def address(path: str) -> str:
    """Return a path with something in place of its parameters, and a query now and then."""
    part = rng.choice(["i", "shop.1.t", "%00", "..%2F..", "%ff", quote("ü/" * 90), "x" * 3_000])
    query = rng.choice(
        ["", "", "?limit=-1", "?after=%00", "?service=%ff", "?status=failed&x", "?&&=&"]
    )
    return path.replace("{id}", part) + query


def memory_mib(gateway: GatewayProcess) -> float:
    """Return what the gateway's process holds in memory."""
    pages = int(Path(f"/proc/{gateway.pid}/statm").read_text().split()[1])
    return pages * 4_096 / 1024**2


async def throw(session: aiohttp.ClientSession, base: str, key: str) -> tuple[int, str]:
    """Send one request; return status and media type."""
    method, path = rng.choice(ROUTES)
    if rng.random() < 0.4:
        method, path = "post", "/v1/events"
    headers: dict[str, Any] = {"Content-Type": rng.choice(TYPES)} | header()
    if rng.random() < 0.9:
        headers["Authorization"] = f"Bearer {key}"
    headers = {name: value for name, value in headers.items() if value.isascii()}
    url = URL(f"{base}{address(path)}", encoded=True)
    body = rng.choice(BODIES)()
    if body is SWELLING:
        headers["Content-Encoding"] = "gzip"
    try:
        async with session.request(method, url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status, answer.content_type
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        # Refused before the body was taken; the gateway's log would tell of anything worse.
        return 400, "application/problem+json"


@pytest.mark.timeout(180)
async def test_nothing_that_is_sent_hurts(tmp_path: Path) -> None:
    """Random bytes, deep JSON, odd values, headers, paths and queries, at every route."""
    key, kept = new_key(
        name="shop",
        publish=["*"],
        rate_per_s=None,
        admin=True,
        now=datetime(2026, 1, 31, tzinfo=UTC),
    )
    write_keys(tmp_path / "keys.json", Keyring([kept]))
    async with stub_iot() as stub:
        environ = environment(
            GATEWAY_IOT_ENDPOINT=stub.url,
            GATEWAY_KEYS_FILE=str(tmp_path / "keys.json"),
            GATEWAY_MAX_WAIT_S="0.1",
        )
        async with (
            gateway_process(environ) as gateway,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        ):
            with gateway.reading():
                seen: set[int] = set()
                held = []
                for _ in range(3):
                    for _ in range(REQUESTS // 3):
                        status, media = await throw(session, gateway.url, key.reveal())
                        assert status < 500 or status == 502, (status, gateway.lines[-3:])
                        assert status < 400 or media == "application/problem+json"
                        seen.add(status)
                    held.append(memory_mib(gateway))
                async with session.get(f"{gateway.url}/readyz") as answer:
                    assert answer.status == 200
    assert {200, 202, 400, 401, 404, 413, 415} <= seen
    assert held[-1] - held[0] < GROWTH_MIB, held
    assert "unexpected error" not in {line["message"] for line in gateway.lines}
