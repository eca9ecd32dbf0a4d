"""The sampler: what is counted is what is told."""

from __future__ import annotations

import math
from typing import Any

from gateway.feed import Feed
from gateway.metrics import Metrics
from gateway.sampler import Sampler, read


def counted() -> Metrics:
    """Return metrics with something in each that is read."""
    metrics = Metrics()
    metrics.accepted.labels("shop").inc(3)
    metrics.published.labels("shop", "user").inc(2)
    metrics.published.labels("shop", "group").inc()
    metrics.delivered.labels("shop", "client").inc(6)
    metrics.failed.labels("bank", "user", "denied").inc()
    metrics.throttled.labels("shop").inc(4)
    metrics.refused.labels("shop", "rate_exceeded").inc(5)
    metrics.accepted_to_published_seconds.labels("shop", "user").observe(0.003)
    metrics.accepted_to_published_seconds.labels("shop", "group").observe(0.003)
    metrics.publish_seconds.labels("published").observe(0.003)
    metrics.publish_seconds.labels("throttled").observe(0.003)
    metrics.outbox_depth.labels("accepted").set(7)
    metrics.outbox_depth.labels("scheduled").set(1)
    metrics.outbox_oldest_seconds.set(1.5)
    metrics.in_flight.set(2)
    metrics.pacing_limit.set(1_500)
    return metrics


def test_reads_every_metric_it_tells() -> None:
    """Kinds and reasons are summed; services stay apart."""
    found = read(counted())
    shop, bank = found.services["shop"], found.services["bank"]
    assert (shop.accepted, shop.published, shop.failed) == (3, 3, 0)
    assert shop.delivered == 6
    assert (shop.throttled, shop.refused, bank.failed) == (4, 5, 1)
    assert (shop.delivery[0.002], shop.delivery[0.005], shop.delivery[math.inf]) == (0, 2, 2)
    assert found.publish[0.005] == 2
    assert (found.standing.waiting, found.standing.scheduled) == (7, 1)
    assert (found.standing.oldest_s, found.standing.in_flight) == (1.5, 2)
    assert found.standing.pacing_limit_per_s == 1_500


def test_a_gateway_where_nothing_happened_can_be_read() -> None:
    """Right after its start."""
    found = read(Metrics())
    assert (found.services, found.publish, found.standing.waiting) == ({}, {}, 0)


async def test_the_second_reading_tells_the_first_snapshot() -> None:
    """To everybody who listens, and to those who come later."""
    metrics, feed = counted(), Feed(most_listeners=1, most_notices=5)
    sampler, listener = Sampler(metrics, feed), feed.join(service=None, payloads=False)
    assert sampler.services == frozenset()
    sampler.sample()
    before = sampler.history
    metrics.accepted.labels("shop").inc()
    sampler.sample()
    (snapshot,) = sampler.history
    assert before == ()
    assert listener.take()[0] is snapshot
    told: Any = snapshot.members()
    assert told["services"]["shop"]["accepted"] > 0
    assert sampler.services == {"shop", "bank"}
