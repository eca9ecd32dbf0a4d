"""Traces: a span for each request and each publish, sent to an OpenTelemetry collector.

Owns the tracer, which is there only where `GATEWAY_OTLP_ENDPOINT` is set, and what spans say: names
and attributes of OpenTelemetry's conventions, never ids of users, payloads or keys.
Does not: carry the caller's trace into envelopes (`formats/trace_context.py`): that happens always.
The exporter's own OTEL_ settings (headers, certificates, resource attributes) apply as documented
by OpenTelemetry.
Source: OpenTelemetry semantic conventions, HTTP server spans and messaging spans.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.errors import PublishFailed
from gateway.request_line import LINE, Handler, route_of
from wire.envelope import Envelope
from wire.errors import InvalidEnvelope

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

    from gateway.core.publication import Publication
    from gateway.publisher import Publisher
    from gateway.settings import Settings

NAME: Final = "serverless-websockets-gateway"
"""`service.name` of the spans, unless OTEL_SERVICE_NAME says another."""

_W3C: Final = TraceContextTextMapPropagator()


_FLUSH_S: Final = 2.0
"""Longest wait at the end for a collector to take what is left: spans are worth no late stop."""


@asynccontextmanager
async def open_tracing(settings: Settings) -> AsyncIterator[Tracer | None]:
    """Make the tracer and, at the end, send what is left.

    Args:
        settings: Where the collector is; without one there is no tracer.
    """
    if settings.otlp_endpoint is None:
        yield None
        return
    # Together they take a tenth of a second to import, and most gateways have no use for them.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import (  # noqa: PLC0415
        ParentBased,
        TraceIdRatioBased,
    )

    provider = TracerProvider(
        resource=Resource.create({"service.name": NAME}),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_ratio)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        endpoint=settings.otlp_endpoint, insecure=settings.otlp_endpoint.startswith("http:")
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider.get_tracer("gateway")
    finally:
        # It waits for the collector, and must not stop the loop meanwhile.
        late = asyncio.get_running_loop().call_later(_FLUSH_S, exporter.shutdown)
        await asyncio.to_thread(provider.shutdown)
        late.cancel()


def traced(tracer: Tracer) -> Middleware:
    """Return the middleware that makes the span of a request; just inside the canonical line.

    Args:
        tracer: Makes spans.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        with tracer.start_as_current_span(
            f"{request.method} {route}",
            context=_W3C.extract(request.headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": request.method, "http.route": route},
        ) as span:
            if span.is_recording():
                own: dict[str, str] = {}
                _W3C.inject(own)
                request[LINE].trace = own
                request[LINE].facts["trace_id"] = f"{span.get_span_context().trace_id:032x}"
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            service = request[LINE].facts.get("service")
            if isinstance(service, str):
                span.set_attribute("gateway.service", service)
            if response.status >= 500:
                span.set_status(StatusCode.ERROR)
            return response

    return middleware


class TracedPublisher:
    """A publisher that makes a span of whatever it sends, in the trace that the envelope carries.

    Args:
        publisher: The way to IoT Core.
        tracer: Makes spans.
    """

    def __init__(self, publisher: Publisher, tracer: Tracer) -> None:
        self._publisher = publisher
        self._tracer = tracer

    async def publish(self, publication: Publication) -> None:
        """Publish, see `Publisher.publish`."""
        with self._span("publish", publication):
            await self._publisher.publish(publication)

    async def deliver(self, publication: Publication, *, within_s: int) -> None:
        """Send to one client, see `Publisher.deliver`."""
        with self._span("deliver", publication):
            await self._publisher.deliver(publication, within_s=within_s)

    async def check(self) -> None:
        """Look whether a publish could be sent, see `Publisher.check`."""
        await self._publisher.check()

    @contextmanager
    def _span(self, name: str, publication: Publication) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name,
            context=_context_of(publication),
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "aws_iot_core",
                "messaging.operation.type": "send",
                "messaging.message.body.size": len(publication.payload),
                "gateway.address.kind": str(publication.address.kind),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except PublishFailed as failure:
                span.set_attribute("error.type", failure.code)
                span.set_status(StatusCode.ERROR)
                raise


def _context_of(publication: Publication) -> Context | None:
    # Read back from the envelope: an event may be published by another process, days later.
    try:
        return _W3C.extract(Envelope.decode(publication.payload).extensions)
    except InvalidEnvelope:
        return None
