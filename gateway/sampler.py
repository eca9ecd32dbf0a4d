"""The sampler: reads the metrics once a second and tells what they say.

Owns the readings and the last minutes of snapshots, so that a page that opens has something to
draw. Does not: compute anything (`core/snapshot.py`) or count anything (`gateway/metrics.py`).
Source: docs/design.md, `GET /metrics`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.core.snapshot import Buckets, Counts, Reading, Snapshot, Standing, merged, snapshot_of
from wire.envelope import format_time

if TYPE_CHECKING:
    from prometheus_client import Gauge

    from gateway.feed import Feed
    from gateway.instruments import Counter, Histogram
    from gateway.metrics import Metrics

PERIOD_S: Final = 1.0
"""Time between two readings, seconds."""

_WINDOW: Final = 10
"""Seconds that percentiles are taken over."""

_HISTORY: Final = 300
"""Snapshots remembered: five minutes, some hundred bytes each and as much for each busy service."""


class Sampler:
    """Reads the metrics again and again.

    Args:
        metrics: What is read.
        feed: Who is told.
    """

    def __init__(self, metrics: Metrics, feed: Feed) -> None:
        self._metrics = metrics
        self._feed = feed
        self._readings: deque[Reading] = deque(maxlen=_WINDOW + 1)
        self._history: deque[Snapshot] = deque(maxlen=_HISTORY)

    @property
    def history(self) -> tuple[Snapshot, ...]:
        """The last snapshots, the oldest first."""
        return tuple(self._history)

    @property
    def services(self) -> frozenset[str]:
        """Every service that was counted since the start."""
        return frozenset(self._readings[-1].services) if self._readings else frozenset()

    def sample(self) -> None:
        """Read the metrics once."""
        self._readings.append(read(self._metrics))
        if len(self._readings) > 1:
            snapshot = snapshot_of(self._readings)
            self._history.append(snapshot)
            self._feed.show(snapshot)

    async def sample_forever(self) -> None:
        """Read the metrics every second."""
        while True:
            self.sample()
            await asyncio.sleep(PERIOD_S)


@asynccontextmanager
async def sampling(metrics: Metrics, feed: Feed) -> AsyncIterator[Sampler]:
    """Read metrics inside a block."""
    sampler = Sampler(metrics, feed)
    task = asyncio.create_task(sampler.sample_forever(), name="sample")
    try:
        yield sampler
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def read(metrics: Metrics) -> Reading:
    """Return the metrics as they are now."""
    counted: dict[str, dict[str, float]] = {}
    for name, counter in (
        ("accepted", metrics.accepted),
        ("published", metrics.published),
        ("delivered", metrics.delivered),
        ("failed", metrics.failed),
        ("throttled", metrics.throttled),
        ("refused", metrics.refused),
    ):
        for service, value in _by_service(counter):
            of_service = counted.setdefault(service, {})
            of_service[name] = of_service.get(name, 0.0) + value
    delivery = _buckets_by(metrics.accepted_to_published_seconds, "service")
    depth = {labels["state"]: value for labels, value in _values(metrics.outbox_depth)}
    return Reading(
        at_s=time.monotonic(),
        at=format_time(datetime.now(UTC)),
        services={
            name: Counts(**counts, delivery=delivery.get(name, {}))
            for name, counts in counted.items()
        },
        publish=merged(_buckets_by(metrics.publish_seconds, "outcome").values()),
        standing=Standing(
            waiting=int(depth.get("accepted", 0)),
            scheduled=int(depth.get("scheduled", 0)),
            oldest_s=_only(metrics.outbox_oldest_seconds),
            in_flight=int(_only(metrics.in_flight)),
            pacing_limit_per_s=_only(metrics.pacing_limit),
        ),
    )


def _by_service(counter: Counter) -> Iterable[tuple[str, float]]:
    for labels, row in counter.rows():
        yield labels["service"], row.value


def _buckets_by(histogram: Histogram, label: str) -> dict[str, Buckets]:
    grouped: dict[str, list[Buckets]] = {}
    for labels, row in histogram.rows():
        grouped.setdefault(labels[label], []).append(histogram.buckets(row))
    return {name: merged(histograms) for name, histograms in grouped.items()}


def _values(gauge: Gauge) -> Iterable[tuple[dict[str, str], float]]:
    for metric in gauge.collect():
        for sample in metric.samples:
            yield sample.labels, sample.value


def _only(gauge: Gauge) -> float:
    return next((value for _, value in _values(gauge)), 0.0)
