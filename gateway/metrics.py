"""What the gateway counts, for Prometheus.

Owns the names, labels and buckets of its metrics, in a registry of its own.
Does not: label anything with ids; the values of a label are few (services, kinds, codes, routes).
Source: docs/design.md, `GET /metrics`; prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

NOBODY: Final = "-"
"""The `service` label of a request whose sender was not let in."""

_PUBLISH_BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """The gateway's counters, gauges and histograms.

    Attributes:
        registry: Where they are registered; one for each gateway, so tests do not share numbers.
        accepted: Events taken, by service.
        refused: Events or requests refused, by service and problem code.
        published: Publishes that IoT Core took, by service and kind of address.
        failed: Publishes that failed, by service, kind of address and reason.
        publish_seconds: Seconds for one publish, by outcome (``published`` or the reason).
        in_flight: Publishes on their way now.
        pending: Publishes waiting for a connection or on their way now.
        requests: Seconds for one HTTP request, by method, route and status.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.accepted = self._counter("events_accepted", "Events taken.", "service")
        self.refused = self._counter(
            "events_refused", "Events or requests refused.", "service", "reason"
        )
        self.published = self._counter(
            "published", "Publishes that IoT Core took.", "service", "kind"
        )
        self.failed = self._counter("failed", "Publishes that failed.", "service", "kind", "reason")
        self.publish_seconds = Histogram(
            "gateway_publish_seconds",
            "Seconds for one publish.",
            ("outcome",),
            buckets=_PUBLISH_BUCKETS_S,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "gateway_publishes_in_flight", "Publishes on their way.", registry=self.registry
        )
        self.pending = Gauge(
            "gateway_publishes_pending", "Publishes waiting or in flight.", registry=self.registry
        )
        self.requests = Histogram(
            "gateway_request_seconds",
            "Seconds for one HTTP request.",
            ("method", "route", "status"),
            buckets=_PUBLISH_BUCKETS_S,
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    @property
    def content_type(self) -> str:
        """Media type of `text`."""
        return CONTENT_TYPE_PLAIN_0_0_4

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"gateway_{name}", documentation, labels, registry=self.registry)
