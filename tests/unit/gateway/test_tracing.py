"""Traces: the caller's trace goes on through request and publish, and nothing private stands in it."""

from __future__ import annotations

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode, Tracer

from gateway.core.publication import Publication
from gateway.errors import NotConfirmed, PublishDenied
from gateway.request_line import LINE
from gateway.settings import Settings
from gateway.tracing import TracedPublisher, open_tracing, traced
from tests.unit.gateway.publishers import RecordingPublisher
from tests.unit.gateway.requests import ok, request_for
from wire.address import Address
from wire.envelope import Envelope, parse_time

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


class Spans:
    """A tracer whose spans can be looked at."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("test")

    def one(self) -> ReadableSpan:
        """Return the one span there is."""
        (span,) = self._exporter.get_finished_spans()
        return span


def publication(**extensions: str) -> Publication:
    """Return a publication whose envelope carries extensions."""
    envelope = Envelope(
        id="secret-id",
        source="/services/shop",
        type="t",
        time=parse_time("2026-01-31T12:00:00Z"),
        data="secret-data",
        extensions=extensions,
    )
    address = Address.parse("user:secret-user")
    return Publication(
        address=address,
        topic=address.topic("n"),
        payload=envelope.encode(),
        content_type="application/cloudevents+json",
        qos=1,
        retain=False,
        message_expiry_s=None,
    )


async def test_a_request_goes_on_in_the_callers_trace() -> None:
    """Its span is a child of the caller's, and the log line has the trace's id."""
    spans = Spans()
    request = request_for("POST", "/v1/events", {"traceparent": PARENT})
    await traced(spans.tracer)(request, ok)
    span = spans.one()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert (span.attributes or {})["http.response.status_code"] == 200
    assert request[LINE].facts["trace_id"] == TRACE_ID


async def test_a_request_without_a_trace_begins_one() -> None:
    """Which events without a trace of their own carry on."""
    spans = Spans()
    request = request_for("GET", "/")
    await traced(spans.tracer)(request, ok)
    context = spans.one().context
    assert context is not None
    assert request[LINE].trace["traceparent"].startswith(f"00-{context.trace_id:032x}")


async def test_a_bug_of_ours_is_an_error_and_a_refusal_is_none() -> None:
    """OpenTelemetry: a 4xx is the client's error, not the server's."""
    for status, expected in ((503, StatusCode.ERROR), (404, StatusCode.UNSET)):
        spans = Spans()

        async def handler(_request: web.Request, status: int = status) -> web.Response:
            return web.Response(status=status)

        await traced(spans.tracer)(request_for(), handler)
        assert spans.one().status.status_code is expected


async def test_a_trace_that_is_not_taken_leaves_nothing() -> None:
    """Neither in the log nor in the envelope."""
    tracer = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("test")
    request = request_for()
    await traced(tracer)(request, ok)
    assert "trace_id" not in request[LINE].facts
    assert not request[LINE].trace


async def test_a_publish_goes_on_in_the_events_trace() -> None:
    """Read from the envelope, so that it works days later and in another process."""
    spans = Spans()
    recording = RecordingPublisher()
    await TracedPublisher(recording, spans.tracer).publish(publication(traceparent=PARENT))
    span = spans.one()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert len(recording.published) == 1
    assert "secret" not in span.to_json()


async def test_a_direct_message_goes_on_in_it_too() -> None:
    """Under a name of its own, with why no receipt came."""
    spans = Spans()
    recording = RecordingPublisher()
    recording.missing["user:secret-user"] = NotConfirmed("secret words")
    with pytest.raises(NotConfirmed):
        await TracedPublisher(recording, spans.tracer).deliver(
            publication(traceparent=PARENT), within_s=3
        )
    span = spans.one()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert (span.name, (span.attributes or {})["error.type"]) == ("deliver", "not_confirmed")
    assert "secret" not in span.to_json()


async def test_a_failed_publish_says_why() -> None:
    """By its code; what AWS said may hold a topic."""
    spans = Spans()
    recording = RecordingPublisher()
    recording.failures["user:secret-user"] = PublishDenied("secret words")
    with pytest.raises(PublishDenied):
        await TracedPublisher(recording, spans.tracer).publish(publication())
    span = spans.one()
    assert (span.attributes or {})["error.type"] == "denied"
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()


async def test_what_is_no_envelope_is_published_all_the_same() -> None:
    """It begins a trace of its own."""
    spans = Spans()
    recording = RecordingPublisher()
    plain = publication()._replace(payload=b"Hi!")
    await TracedPublisher(recording, spans.tracer).publish(plain)
    await TracedPublisher(recording, spans.tracer).check()
    assert (len(recording.published), recording.checks) == (1, 1)


async def test_traces_are_off_unless_configured() -> None:
    """There is not even a tracer."""
    settings = Settings(namespace="n", iot_endpoint="http://127.0.0.1:1", region="us-east-1")
    async with open_tracing(settings) as tracer:
        assert tracer is None
