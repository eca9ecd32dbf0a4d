"""A snapshot: what the gateway did in the last second, from two readings of its metrics.

Owns rates and percentiles, and who sees what of them.
Does not: read metrics or clocks (`gateway/sampler.py`), or send anything (`routes/stream.py`).
Source: docs/design.md, `GET /metrics`; Prometheus, `histogram_quantile`, for the interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Buckets: TypeAlias = Mapping[float, float]
"""A histogram: by upper bound, ascending and ending with infinity, how many were at most that."""

PERCENTILES: Final = (50, 95, 99)

MAX_SERVICES: Final = 50
"""Most services told apart in one snapshot, the busiest first: an issuer may name any number."""

_COUNTED: Final = ("accepted", "published", "delivered", "failed", "throttled", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted for one service since the gateway started.

    Attributes:
        accepted: Events taken.
        published: Deliveries that IoT Core took.
        delivered: Deliveries that the client confirmed.
        failed: Deliveries that failed for good.
        throttled: Attempts that IoT Core refused as too fast.
        refused: Events or requests refused at the door.
        delivery: Seconds from being taken (or due) to being published.
    """

    accepted: float = 0.0
    published: float = 0.0
    delivered: float = 0.0
    failed: float = 0.0
    throttled: float = 0.0
    refused: float = 0.0
    delivery: Buckets = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is so at one moment, for the gateway as a whole.

    Attributes:
        waiting: Deliveries that are due and not settled.
        scheduled: Deliveries that are not due yet.
        oldest_s: Age of the oldest delivery that is due, seconds.
        in_flight: Publishes on their way.
        pacing_limit_per_s: Publishes each second that pacing allows.
    """

    waiting: int
    scheduled: int
    oldest_s: float
    in_flight: int
    pacing_limit_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The metrics at one moment.

    Attributes:
        at_s: When, seconds of a monotonic clock.
        at: When, RFC 3339.
        services: What was counted, by service.
        publish: Seconds for one publish, whatever became of it.
        standing: What is so now.
    """

    at_s: float
    at: str
    services: Mapping[str, Counts]
    publish: Buckets
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What happened in one second, for one service or all.

    Attributes:
        rates: Events or deliveries each second, by what is counted.
        delivery: Percentiles from being taken (or due) to being published, seconds.
    """

    rates: Mapping[str, float]
    delivery: Mapping[str, float | None]

    @property
    def busy(self) -> float:
        """How much happened."""
        return sum(self.rates.values())

    def members(self) -> dict[str, object]:
        """Return it as members of an answer."""
        return {**self.rates, "deliverySeconds": dict(self.delivery)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is told about one second.

    Attributes:
        at: Its end, RFC 3339.
        total: All services together.
        services: Each service where anything happened lately, the busiest first.
        publish: Percentiles of one publish, seconds.
        standing: What is so at its end.
    """

    at: str
    total: Pace
    services: Mapping[str, Pace]
    publish: Mapping[str, float | None]
    standing: Standing

    def members(self, service: str | None = None) -> dict[str, object]:
        """Return it as members of an answer.

        Args:
            service: The one service that is told about, and nothing else; None for everything.
        """
        services = {
            name: pace.members()
            for name, pace in self.services.items()
            if service is None or name == service
        }
        if service is not None:
            return {"at": self.at, "services": services}
        now = self.standing
        return {
            "at": self.at,
            "total": self.total.members(),
            "services": services,
            "publishSeconds": dict(self.publish),
            "outbox": {
                "waiting": now.waiting,
                "scheduled": now.scheduled,
                "oldestSeconds": round(now.oldest_s, 3),
            },
            "inFlight": now.in_flight,
            "pacingLimit": round(now.pacing_limit_per_s, 1),
        }


def snapshot_of(readings: Sequence[Reading]) -> Snapshot:
    """Return what the last of some readings tells.

    Rates are those since the reading before it; percentiles are those since the first, because one
    quiet second holds too few publishes to have any.

    Args:
        readings: Two or more, the oldest first.
    """
    first, before, last = readings[0], readings[-2], readings[-1]
    seconds = max(last.at_s - before.at_s, 0.001)
    nothing = Counts()
    paces = {
        name: _pace(
            seconds,
            first=first.services.get(name, nothing),
            before=before.services.get(name, nothing),
            now=counts,
        )
        for name, counts in last.services.items()
    }
    told = [name for name, pace in paces.items() if pace.busy or pace.delivery["p50"] is not None]
    told.sort(key=lambda name: (-paces[name].busy, name))
    return Snapshot(
        at=last.at,
        total=_pace(
            seconds,
            first=_total(first.services.values()),
            before=_total(before.services.values()),
            now=_total(last.services.values()),
        ),
        services={name: paces[name] for name in told[:MAX_SERVICES]},
        publish=percentiles(_since(first.publish, last.publish)),
        standing=last.standing,
    )


def percentiles(buckets: Buckets) -> dict[str, float | None]:
    """Return percentiles of a histogram as ``p50``, ``p95``, ``p99``; None where it is empty."""
    return {f"p{percent}": percentile(buckets, percent / 100) for percent in PERCENTILES}


def percentile(buckets: Buckets, share: float) -> float | None:
    """Return the value that a share of a histogram is at most, or None if it is empty.

    Within a bucket, values are taken to be spread evenly; what lies beyond the last bound is told
    as that bound.

    Args:
        buckets: The histogram.
        share: Above 0, at most 1.
    """
    total = max(buckets.values(), default=0.0)
    if total <= 0:
        return None
    rank = share * total
    low, below = 0.0, 0.0
    for high, upto in buckets.items():
        if upto >= rank:
            inside = 0.0 if math.isinf(high) else (high - low) * (rank - below) / (upto - below)
            return round(low + inside, 6)
        low, below = high, upto
    return low  # pragma: no cover - the last bucket holds every rank


def merged(histograms: Iterable[Buckets]) -> Buckets:
    """Return histograms with the same bounds as one."""
    together: dict[float, float] = {}
    for buckets in histograms:
        for bound, count in buckets.items():
            together[bound] = together.get(bound, 0.0) + count
    return together


def _pace(seconds: float, *, first: Counts, before: Counts, now: Counts) -> Pace:
    return Pace(
        rates={
            name: round((getattr(now, name) - getattr(before, name)) / seconds, 3)
            for name in _COUNTED
        },
        delivery=percentiles(_since(first.delivery, now.delivery)),
    )


def _since(before: Buckets, now: Buckets) -> Buckets:
    return {bound: count - before.get(bound, 0.0) for bound, count in now.items()}


def _total(every: Iterable[Counts]) -> Counts:
    counts = list(every)
    sums = {name: sum(getattr(one, name) for one in counts) for name in _COUNTED}
    return Counts(**sums, delivery=merged(one.delivery for one in counts))
