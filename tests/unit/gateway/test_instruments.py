"""Counters and histograms say what prometheus_client's own would say."""

from __future__ import annotations

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from gateway.instruments import Counter, Histogram

BOUNDS = (0.1, 1.0, 2.5)
LABELS = ("kind", "reason")
VALUES = st.one_of(st.sampled_from(BOUNDS), st.floats(0, 10))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), VALUES)))
def test_a_scrape_reads_the_same(seen: list[tuple[str, str, float]]) -> None:
    """Byte for byte, but for the times of creation, which the gateway does not show."""
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # has no types
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    count = Counter("events", "Said.", LABELS, ours)
    seconds = Histogram("seconds", "Said.", LABELS, ours, bounds=BOUNDS)
    their_count = prometheus_client.Counter("events", "Said.", LABELS, registry=theirs)
    their_seconds = prometheus_client.Histogram(
        "seconds", "Said.", LABELS, registry=theirs, buckets=BOUNDS
    )
    for kind, reason, value in seen:
        count.labels(kind, reason).inc(value)
        their_count.labels(kind, reason).inc(value)
        seconds.labels(kind, reason).observe(value)
        their_seconds.labels(kind, reason).observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


def test_an_instrument_without_labels_has_one_row() -> None:
    """It is shown before anything was counted, so that rates have a beginning."""
    registry = CollectorRegistry()
    seconds = Histogram("seconds", "Said.", (), registry, bounds=BOUNDS)
    assert registry.get_sample_value("seconds_count") == 0
    seconds.observe(0.2)
    assert registry.get_sample_value("seconds_bucket", {"le": "1.0"}) == 1
    assert registry.get_sample_value("seconds_sum") == 0.2


def test_labels_must_be_all_there() -> None:
    """A row without one of them would be another metric."""
    count = Counter("events", "Said.", LABELS, CollectorRegistry())
    with pytest.raises(ValueError, match="kind, reason"):
        count.labels("a")
    count.labels("a", "x").inc()
    assert [(labels, row.value) for labels, row in count.rows()] == [
        ({"kind": "a", "reason": "x"}, 1.0)
    ]
