"""Traces against a real collector: one trace from the caller to the publish and the envelope."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import aiohttp
import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.integration.gateway_process import environment, gateway_process
from tests.integration.gateway_stub import stub_iot

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
EVENT = {"to": "user:42", "type": "t", "data": "the-payload", "id": "the-id"}


class Collector(service.TraceServiceServicer):
    """Takes spans as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[str] = []

    def Export(  # noqa: N802
        self, request: messages.ExportTraceServiceRequest, _context: object
    ) -> messages.ExportTraceServiceResponse:
        """Keep what came."""
        for resource in request.resource_spans:
            self.resources.append(str(resource.resource))
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return messages.ExportTraceServiceResponse()

    def named(self, name: str) -> Span:
        """Return the one span of this name in the caller's trace."""
        (span,) = [s for s in self.spans if s.name == name and s.trace_id.hex() == TRACE_ID]
        return span


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """Run a collector on a port of its own."""
    collector = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    add: Any = service.add_TraceServiceServicer_to_server  # generated without types
    add(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


async def post(url: str, **headers: str) -> int:
    """Post the event and wait for its outcome; return the status."""
    sent = {"Prefer": "wait=10"} | headers
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/events", json=EVENT, headers=sent) as answer,
    ):
        return answer.status


async def test_one_trace_from_the_caller_to_the_browser() -> None:
    """Request and publish are spans in it, the envelope carries it on, the log names it."""
    with collecting() as (collector, url):
        async with stub_iot() as stub:
            environ = environment(
                GATEWAY_IOT_ENDPOINT=stub.url,
                GATEWAY_INSECURE_NO_AUTH="1",
                GATEWAY_OTLP_ENDPOINT=url,
            )
            async with gateway_process(environ) as gateway:
                assert await post(gateway.url, traceparent=PARENT) == 200
                line = await gateway.line("request")
                gateway.stop()
                # What is left of traces is sent at the end.
                assert await gateway.ended() == 0
            envelope = json.loads(stub.seen[0].body)
    request, publish = collector.named("POST /v1/events"), collector.named("publish")
    assert request.parent_span_id.hex() == PARENT[36:52]
    assert publish.parent_span_id.hex() == PARENT[36:52]
    assert envelope["traceparent"] == PARENT
    assert line["trace_id"] == TRACE_ID
    assert "serverless-websockets-gateway" in collector.resources[0]
    told = str(collector.spans)
    for private in ("the-payload", "the-id", "user:42", "user/42"):
        assert private not in told


async def test_a_caller_without_a_trace_gets_one() -> None:
    """The envelope carries the gateway's own."""
    with collecting() as (_, url):
        async with stub_iot() as stub:
            environ = environment(
                GATEWAY_IOT_ENDPOINT=stub.url,
                GATEWAY_INSECURE_NO_AUTH="1",
                GATEWAY_OTLP_ENDPOINT=url,
            )
            async with gateway_process(environ) as gateway:
                assert await post(gateway.url) == 200
                line = await gateway.line("request")
            envelope = json.loads(stub.seen[0].body)
    assert envelope["traceparent"].split("-")[1] == line["trace_id"]


async def test_without_a_collector_events_flow_all_the_same() -> None:
    """Nothing waits for traces, neither in requests nor for long at the end."""
    async with stub_iot() as stub:
        environ = environment(
            GATEWAY_IOT_ENDPOINT=stub.url,
            GATEWAY_INSECURE_NO_AUTH="1",
            GATEWAY_OTLP_ENDPOINT="http://127.0.0.1:9",
        )
        async with gateway_process(environ) as gateway:
            async with asyncio.timeout(10):
                assert await post(gateway.url) == 200
            with gateway.reading():
                gateway.stop()
                async with asyncio.timeout(6):
                    assert await gateway.exit_code() == 0
