"""What the gateway counts, for Prometheus.

Owns the names, labels and buckets of its metrics, in a registry of its own.
Does not: label anything with ids; the values of a label are few (services, kinds, codes, routes).
Source: docs/design.md, `GET /metrics`; prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from gateway.instruments import Counter, Histogram

NOBODY: Final = "-"
"""The `service` label of a request whose sender was not let in."""

_PUBLISH_BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_DELIVERY_BUCKETS_S: Final = (*_PUBLISH_BUCKETS_S, 30.0, 60.0, 300.0, 3_600.0)
_COMMIT_BUCKETS_S: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_COMMIT_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


class Metrics:
    """The gateway's counters, gauges and histograms.

    Attributes:
        registry: Where they are registered; one for each gateway, so tests do not share numbers.
        accepted: Events taken for the first time, by service.
        duplicate: Events that were sent again and taken as the same, by service.
        refused: Events or requests refused, by service and problem code.
        published: Deliveries settled as published, by service and kind of address.
        delivered: Deliveries settled as delivered, by service and kind of address.
        receipts_missed: Deliveries published whose receipt did not come, by service and reason.
        failed: Deliveries settled as failed, by service, kind of address and reason.
        expired: Deliveries whose ttl ran out first, by service and kind of address.
        cancelled: Deliveries cancelled, by service and kind of address.
        collapsed: Deliveries replaced by a newer event, by service and kind of address.
        retried: Attempts that failed and are tried again, by kind of address and reason.
        throttled: Attempts that IoT Core refused as too fast, by service.
        accepted_to_published_seconds: Seconds from the 202 (or from `deliverAt`) until IoT Core
            took the publish, by service and kind of address.
        accepted_to_delivered_seconds: Seconds from the same moment until the client had confirmed
            it, by service and kind of address.
        publish_seconds: Seconds for one publish or direct message, by outcome (``published``,
            ``delivered``, or the reason).
        commit_seconds: Seconds for one commit of the outbox.
        commit_events: Changes in one commit of the outbox.
        outbox_depth: Deliveries kept and not settled, by state.
        outbox_oldest_seconds: Age of the oldest delivery that is due and not settled.
        in_flight: Publishes on their way now.
        pending: Publishes waiting for a connection or on their way now.
        pacing_limit: Publishes each second that pacing allows now.
        requests: Seconds for one HTTP request, by method, route and status.
        inbox_messages: Messages of the inbox, by service and what became of them.
        inbox_failures: Receives of the inbox that failed, by reason.
        inbox_in_hand: Messages of the inbox received and not done with.
        inbox_seconds: Seconds from when a message was sent until it was done with, by outcome.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.accepted = self._counter("events_accepted", "Events taken.", "service")
        self.duplicate = self._counter(
            "events_duplicate", "Events sent again and taken as the same.", "service"
        )
        self.refused = self._counter(
            "events_refused", "Events or requests refused.", "service", "reason"
        )
        self.published = self._settled("published", "Deliveries that IoT Core took.")
        self.delivered = self._settled("delivered", "Deliveries that the client confirmed.")
        self.receipts_missed = self._counter(
            "receipts_missed", "Deliveries published without a receipt.", "service", "reason"
        )
        self.failed = self._settled("failed", "Deliveries that failed for good.", "reason")
        self.expired = self._settled("expired", "Deliveries whose ttl ran out first.")
        self.cancelled = self._settled("cancelled", "Deliveries cancelled before they were sent.")
        self.collapsed = self._settled("collapsed", "Deliveries replaced by a newer event.")
        self.retried = self._counter("retried", "Attempts to be made again.", "kind", "reason")
        self.throttled = self._counter(
            "throttled", "Attempts that IoT Core refused as too fast.", "service"
        )
        self.accepted_to_published_seconds = self._histogram(
            "accepted_to_published_seconds",
            "Seconds from being taken (or due) to being published.",
            "service",
            "kind",
            buckets=_DELIVERY_BUCKETS_S,
        )
        self.accepted_to_delivered_seconds = self._histogram(
            "accepted_to_delivered_seconds",
            "Seconds from being taken (or due) to being confirmed by the client.",
            "service",
            "kind",
            buckets=_DELIVERY_BUCKETS_S,
        )
        self.publish_seconds = self._histogram(
            "publish_seconds", "Seconds for one publish or direct message.", "outcome"
        )
        self.commit_seconds = self._histogram(
            "outbox_commit_seconds", "Seconds for one commit.", buckets=_COMMIT_BUCKETS_S
        )
        self.commit_events = self._histogram(
            "outbox_commit_changes", "Changes in one commit.", buckets=_COMMIT_BUCKETS
        )
        self.outbox_depth = self._gauge("outbox_depth", "Deliveries not settled.", "state")
        self.outbox_oldest_seconds = self._gauge(
            "outbox_oldest_seconds", "Age of the oldest delivery that is due."
        )
        self.in_flight = self._gauge("publishes_in_flight", "Publishes on their way.")
        self.pending = self._gauge("publishes_pending", "Publishes waiting or in flight.")
        self.pacing_limit = self._gauge(
            "pacing_limit_per_second", "Publishes each second that pacing allows."
        )
        self.requests = self._histogram(
            "request_seconds", "Seconds for one HTTP request.", "method", "route", "status"
        )
        self.inbox_messages = self._counter(
            "inbox_messages", "Messages of the inbox.", "service", "outcome"
        )
        self.inbox_failures = self._counter(
            "inbox_failures", "Receives of the inbox that failed.", "reason"
        )
        self.inbox_in_hand = self._gauge("inbox_in_hand", "Messages received and not done with.")
        self.inbox_seconds = self._histogram(
            "inbox_seconds",
            "Seconds from a message's being sent until it is done with.",
            "outcome",
            buckets=_DELIVERY_BUCKETS_S,
        )

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    @property
    def content_type(self) -> str:
        """Media type of `text`."""
        return CONTENT_TYPE_PLAIN_0_0_4

    def _settled(self, name: str, documentation: str, *more: str) -> Counter:
        return self._counter(name, documentation, "service", "kind", *more)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"gateway_{name}", documentation, labels, self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"gateway_{name}", documentation, labels, registry=self.registry)

    def _histogram(
        self,
        name: str,
        documentation: str,
        *labels: str,
        buckets: Sequence[float] = _PUBLISH_BUCKETS_S,
    ) -> Histogram:
        return Histogram(f"gateway_{name}", documentation, labels, self.registry, bounds=buckets)
