"""The gateway over real sockets: its API, its answers to upstream trouble, its way to AWS."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.gateway_caller import (
    GOOD,
    Caller,
    Start,
    address_of,
    kept,
    over_both,
    start,
    stub,
)
from tests.integration.gateway_stub import Fault, StubIot, stub_iot

__all__ = ["kept", "start", "stub"]

pytestmark = pytest.mark.timeout(180)  # the first one waits for the process of SQS and DynamoDB

ORIGIN = "http://localhost:8082"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_publishes_a_signed_envelope(start: Start, stub: StubIot) -> None:
    """One publish for each address, signed, with everything IoT Core must know."""
    async with start() as caller:
        event = GOOD | {"to": ["user:42", "group:orders/eu"], "ttl": 60, "retain": True, "qos": 0}
        status, answer, headers = await caller.post(event, Prefer="wait=9", traceparent=TRACE)
    assert (status, answer["id"], answer["status"]) == (200, "i-1", "published")
    assert (headers["Preference-Applied"], headers["Location"]) == ("wait=9", "/v1/events/i-1")
    for address in ("user:42", "group:orders/eu"):
        assert answer["addresses"][address]["attempts"] == 1
    assert {seen.topic for seen in stub.seen} == {"shop/user/42", "shop/group/orders/eu"}
    for seen in stub.seen:
        expiry = seen.query.pop("messageExpiry")
        assert expiry in ("59", "60")
        assert seen.query == {
            "qos": "0",
            "retain": "true",
            "contentType": "application/cloudevents+json",
        }
        assert seen.headers["x-amz-security-token"] == "example-token"
        assert "/us-east-1/iotdata/aws4_request" in seen.headers["authorization"]
        envelope = json.loads(seen.body)
        assert envelope.pop("time")
        assert envelope == {
            "specversion": "1.0",
            "id": "i-1",
            "source": "/services/shop",
            "type": "order.shipped",
            "traceparent": TRACE,
            "data": {"n": 1},
        }


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=403, code="ForbiddenException"), "denied"),
        (Fault(status=400, code="InvalidRequestException"), "invalid"),
        (Fault(status=413, code="RequestEntityTooLargeException"), "too_large"),
    ],
)
async def test_what_iot_core_refuses_has_failed(
    start: Start, stub: StubIot, fault: Fault, code: str
) -> None:
    """At once, with what AWS said; it is a dead letter that can be listed and sent again."""
    stub.fault = fault
    async with start() as caller:
        status, answer, _ = await caller.post(Prefer="wait=9")
        assert (status, answer["status"]) == (200, "failed")
        assert answer["addresses"]["user:42"]["error"]["code"] == code
        assert "words" in answer["addresses"]["user:42"]["error"]["detail"]
        _, metrics = await caller.get("/metrics")
        assert f'gateway_failed_total{{kind="user",reason="{code}",service="shop"}} 1.0' in metrics
        assert await caller.failed() == ["i-1"]
        assert len(stub.seen) == 1
        stub.fault = None
        status, answer, _ = await caller.call("POST", "/v1/events/i-1/redeliver")
        assert (status, answer["status"]) == (202, "accepted")
        assert (await caller.settled("i-1"))["status"] == "published"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=429, code="ThrottlingException"), "throttled"),
        (Fault(status=500, code="InternalFailureException"), "unavailable"),
        (Fault(status=502, html=True), "unavailable"),
        (Fault(cut=True), "unavailable"),
        (Fault(hang=True), "timed_out"),
    ],
)
@over_both
async def test_what_may_pass_is_tried_again(
    start: Start, stub: StubIot, fault: Fault, code: str
) -> None:
    """The caller has its 202; whoever waits sees why it takes long; in the end it arrives."""
    stub.fault = fault
    async with start(read_timeout_s=0.3) as caller:
        status, answer, _ = await caller.post(Prefer="wait=1")
        assert (status, answer["status"]) == (202, "accepted")
        delivery = answer["addresses"]["user:42"]
        assert delivery["attempts"] >= 1
        assert (delivery["error"]["code"], delivery["error"]["retryable"]) == (code, True)
        stub.fault = None
        stub.released.set()
        assert (await caller.settled("i-1"))["status"] == "published"
        _, metrics = await caller.get("/metrics")
    assert f'gateway_retried_total{{kind="user",reason="{code}"}}' in metrics


@over_both
async def test_partly_published(start: Start, stub: StubIot) -> None:
    """What happened is told for each address."""
    stub.faults["shop/user/1"] = Fault(status=403, code="ForbiddenException")
    async with start() as caller:
        event = GOOD | {"to": ["user:1", "user:2"]}
        status, answer, _ = await caller.post(event, Prefer="wait=9")
    assert (status, answer["status"]) == (200, "failed")
    assert answer["addresses"]["user:1"]["state"] == "failed"
    assert answer["addresses"]["user:2"]["state"] == "published"


async def test_no_credentials(start: Start, stub: StubIot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without AWS credentials it keeps what comes, says why it cannot send it, and is not ready."""
    async with start(probe_s=0.1) as caller:
        monkeypatch.undo()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with start(probe_s=0.1) as caller:
        status, answer, _ = await caller.post(Prefer="wait=1")
        ready, troubles = await caller.get("/readyz")
    assert (status, answer["status"]) == (202, "accepted")
    assert answer["addresses"]["user:42"]["error"]["code"] == "credentials_failed"
    assert (ready, json.loads(troubles)["troubles"]) == (503, {"iot": "credentials_failed"})
    assert not stub.seen


async def test_readiness_follows_the_endpoint(start: Start) -> None:
    """Gone, it is not ready but keeps what comes; back, it delivers without a restart."""
    async with stub_iot() as first:
        port = int(first.url.rpartition(":")[2])
        async with start(probe_s=0.1, iot_endpoint=first.url) as caller:
            await until(caller, 200)
    async with start(probe_s=0.1, iot_endpoint=first.url) as caller:
        await until(caller, 503)
        assert (await caller.post())[0] == 202
        async with stub_iot(port) as again:
            await until(caller, 200)
            assert (await caller.settled("i-1"))["status"] == "published"
            assert len(again.seen) == 1


async def until(caller: Caller, status: int) -> None:
    """Ask for readiness until it answers so."""
    async with asyncio.timeout(10):
        while (await caller.get("/readyz"))[0] != status:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed_body"),
        (b'{"to":"user:1","to":"user:2"}', {}, 400, "malformed_body"),
        (b"[" * 5_000, {}, 400, "malformed_body"),
        (b"\xff\xfe", {}, 400, "malformed_body"),
        (b"{}", {}, 400, "invalid_event"),
        (b"x", {"Content-Encoding": "gzip"}, 400, "malformed_body"),
        (b"{}", {"Authorization": ""}, 401, "unauthenticated"),
        (b"{}", {"Authorization": "Bearer swk_unknown"}, 401, "unauthenticated"),
        (
            json.dumps(GOOD | {"to": ["user:1", "everyone"]}).encode(),
            {},
            403,
            "not_allowed",
        ),
        (b"x" * 1_100_000, {}, 413, "body_too_large"),
        (gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}, 413, "body_too_large"),
        (json.dumps(GOOD | {"data": "x" * 131_072}).encode(), {}, 413, "event_too_large"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media"),
        (b"{}", {"Content-Encoding": "br"}, 415, "unsupported_media"),
    ],
)
async def test_refuses(  # noqa: PLR0917
    start: Start, stub: StubIot, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """A problem document says what and why; nothing reaches AWS."""
    async with start(max_body_bytes=1_048_576) as caller:
        answered, answer, answer_headers = await caller.post(body=body, **headers)
        assert (answered, answer["code"]) == (status, code)
        assert answer_headers["Content-Type"] == "application/problem+json"
        assert (await caller.post(Prefer="wait=9"))[0] == 200
    assert len(stub.seen) == 1


async def test_reads_gzip(start: Start, stub: StubIot) -> None:
    """A compressed event is an event."""
    async with start() as caller:
        body = gzip.compress(json.dumps(GOOD).encode())
        headers = {"Content-Encoding": "gzip", "Prefer": "wait=9"}
        status, _, _ = await caller.post(body=body, **headers)
    assert status == 200
    assert json.loads(stub.seen[0].body)["data"] == {"n": 1}


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_answers_what_is_not_http(start: Start, sent: bytes) -> None:
    """A problem document, and the end of the connection."""
    async with start() as caller:
        reader, writer = await asyncio.open_connection(*address_of(caller))
        writer.write(sent)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert b"aiohttp" not in head
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "malformed_request"


async def test_answers_an_expectation_it_does_not_know(start: Start) -> None:
    """It is refused by aiohttp itself; the answer is like every other."""
    async with start() as caller:
        status, answer, headers = await caller.post(Expect="a miracle")
    assert (status, answer["code"]) == (417, "expectation_failed")
    assert headers["Content-Type"] == "application/problem+json"
    assert "aiohttp" not in headers["Server"]


async def test_gives_a_slow_body_up(start: Start) -> None:
    """A caller that stalls gets 408 and no more of this connection."""

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"to":'
        await asyncio.sleep(5)
        yield b'"user:1"}'

    async with start(body_timeout_s=0.2) as caller:
        sent = {"Content-Type": "application/json"}
        headers = sent | {"Authorization": f"Bearer {caller._key}"}
        async with caller.session.post("/v1/events", data=slowly(), headers=headers) as answer:
            assert answer.status == 408
            assert (await answer.json(content_type=None))["code"] == "body_too_slow"
            assert answer.headers["Connection"] == "close"


async def test_closes_a_connection_without_a_request(start: Start) -> None:
    """Who opens a connection and trickles headers does not hold it."""
    async with start(idle_timeout_s=0.3) as caller:
        reader, writer = await asyncio.open_connection(*address_of(caller))
        writer.write(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_stops_a_service_that_is_too_fast(start: Start) -> None:
    """Beyond its rate a key gets 429 with the time to wait."""
    async with start(rate_per_s=2) as caller:
        answers = [await caller.post() for _ in range(3)]
    assert [status for status, _, _ in answers] == [202, 202, 429]
    _, answer, headers = answers[-1]
    assert (answer["code"], answer["rate"], headers["Retry-After"]) == ("rate_exceeded", 2, "1")


async def test_wrong_paths_and_methods(start: Start) -> None:
    """They answer like everything else."""
    async with start() as caller:
        status, text = await caller.get("/v1/nothing")
        assert (status, json.loads(text)["code"]) == (404, "not_found")
        async with caller.session.put("/v1/events") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD,POST")
            assert (await answer.json(content_type=None))["code"] == "method_not_allowed"


async def test_pages_of_named_origins_may_call(start: Start) -> None:
    """The preflight, the answer and an error carry the header; other origins get none."""
    async with start(cors_origins=(ORIGIN,)) as caller:
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        async with caller.session.options("/v1/events", headers=asked) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        for origin, allowed in ((ORIGIN, ORIGIN), ("https://evil.example", None)):
            for body in (b"{", json.dumps(GOOD).encode()):
                _, _, headers = await caller.post(body=body, Origin=origin)
                assert headers.get("Access-Control-Allow-Origin") == allowed


async def test_counts_what_happens(start: Start) -> None:
    """Accepted, duplicate, refused, published and the seconds are there to be scraped."""
    async with start() as caller:
        await caller.post(Prefer="wait=9")
        await caller.post()
        await caller.post({})
        await caller.post([GOOD | {"id": "i-2"}, {}])
        await caller.settled("i-2")
        _, text = await caller.get("/metrics")
    for line in (
        'gateway_events_accepted_total{service="shop"} 2.0',
        'gateway_events_duplicate_total{service="shop"} 1.0',
        'gateway_events_refused_total{reason="invalid_event",service="shop"} 2.0',
        'gateway_published_total{kind="user",service="shop"} 2.0',
        'gateway_accepted_to_published_seconds_count{kind="user",service="shop"} 2.0',
        'gateway_publish_seconds_count{outcome="published"} 2.0',
        'gateway_request_seconds_count{method="POST",route="/v1/events",status="200"} 1.0',
        "gateway_publishes_in_flight 0.0",
        'gateway_outbox_depth{state="accepted"} 0.0',
        "gateway_outbox_oldest_seconds 0.0",
        "gateway_pacing_limit_per_second 2000.0",
    ):
        assert line in text
    assert "gateway_outbox_commit_seconds_count" in text


@over_both
async def test_a_request_under_way_at_shutdown_gets_its_answer(start: Start, stub: StubIot) -> None:
    """Also one that waits for an outcome; and what was accepted still goes out."""
    stub.fault = Fault(hang=True)
    async with start(drain_s=5.0) as caller:
        under_way = asyncio.create_task(caller.post(Prefer="wait=4"))
        await stub.arrived.wait()
        asyncio.get_running_loop().call_later(0.3, stub.released.set)
        # Keeps the client open while the gateway drains around it.
        await asyncio.sleep(0)
        status, _, _ = await under_way
    assert status == 200


@over_both
async def test_a_deadline_days_away_waits_on_disk(start: Start, stub: StubIot) -> None:
    """A scheduled event can be seen, cancelled, and is not sent."""
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    async with start() as caller:
        status, answer, _ = await caller.post(GOOD | {"deliverAt": later})
        assert (status, answer["status"]) == (202, "scheduled")
        status, answer, _ = await caller.call("DELETE", "/v1/events/i-1")
        assert (status, answer["status"]) == (200, "cancelled")
        status, answer, _ = await caller.call("DELETE", "/v1/events/i-1")
        assert (status, answer["code"]) == (409, "wrong_state")
    assert not stub.seen


@over_both
async def test_the_same_id_is_the_same_event(start: Start, stub: StubIot) -> None:
    """Sent again it is a duplicate, with a new trace too; changed, it is refused."""
    async with start() as caller:
        await caller.post(Prefer="wait=9", traceparent=TRACE)
        status, answer, _ = await caller.post(traceparent=TRACE.replace("4b", "5b"))
        assert (status, answer) == (
            202,
            {"id": "i-1", "status": "published", "duplicate": True},
        )
        status, answer, _ = await caller.post(GOOD | {"data": 2})
        assert (status, answer["code"]) == (409, "changed_event")
    assert len(stub.seen) == 1


async def test_a_thousand_lines_at_once(start: Start, stub: StubIot) -> None:
    """Each has its result, and all of them reach their topics in order."""
    lines = b"\n".join(
        json.dumps(
            GOOD | {"id": f"n-{number}", "to": f"user:{number % 7}", "data": number}
        ).encode()
        for number in range(1_000)
    )
    async with start() as caller:
        headers = {"Content-Type": "application/x-ndjson", "Prefer": "wait=30"}
        status, answer, _ = await caller.post(body=lines, **headers)
    assert (status, answer["accepted"], answer["refused"]) == (200, 1_000, 0)
    assert {one["status"] for one in answer["results"]} == {"published"}
    for user in range(7):
        sent = [json.loads(s.body)["data"] for s in stub.seen if s.topic == f"shop/user/{user}"]
        assert sent == list(range(user, 1_000, 7))


async def test_random_bytes_do_not_hurt(start: Start) -> None:
    """Whatever arrives, the next caller is served and nobody sees a 5xx."""
    rng = random.Random(7)  # noqa: S311
    heads = [b"", b"POST /v1/events HTTP/1.1\r\nHost: a\r\n", b"GET /readyz HTTP/1.1\r\n"]
    async with start() as caller:
        for _ in range(60):
            reader, writer = await asyncio.open_connection(*address_of(caller))
            writer.write(rng.choice(heads) + rng.randbytes(rng.randrange(200)) + b"\r\n\r\n")
            writer.write_eof()
            async with asyncio.timeout(5):
                assert b"HTTP/1.1 5" not in await reader.read()
            writer.close()
        assert (await caller.post())[0] == 202
