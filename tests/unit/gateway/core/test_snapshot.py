"""Snapshots: rates of one second, percentiles of ten, and nobody sees another's."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.snapshot import (
    MAX_SERVICES,
    Counts,
    Reading,
    Standing,
    merged,
    percentile,
    percentiles,
    snapshot_of,
)

STANDING = Standing(waiting=3, scheduled=1, oldest_s=2.5, in_flight=2, pacing_limit_per_s=2_000.0)
INF = math.inf


def reading(at_s: float, publish: dict[float, float] | None = None, **services: Counts) -> Reading:
    """Return a reading."""
    return Reading(
        at_s=at_s,
        at=f"T{at_s:g}",
        services=services,
        publish=publish or {},
        standing=STANDING,
    )


def members(*readings: Reading, service: str | None = None) -> Any:
    """Return the members of the snapshot of some readings."""
    return snapshot_of(readings).members(service)


def test_rates_are_those_of_the_last_period() -> None:
    """Whatever came before, and however long the period was."""
    told = members(
        reading(0.0, shop=Counts()),
        reading(1.0, shop=Counts(accepted=100)),
        reading(3.0, shop=Counts(accepted=110, published=4, delivered=10, failed=2, throttled=6)),
    )
    shop = told["services"]["shop"]
    counted = ("accepted", "published", "delivered", "failed", "throttled", "refused")
    assert [shop[name] for name in counted] == [5, 2, 5, 1, 3, 0]
    assert told["total"] == shop
    assert told["at"] == "T3"


def test_percentiles_are_those_of_all_readings() -> None:
    """One quiet second between does not hide them."""
    told = members(
        reading(0.0, {1.0: 5.0, INF: 5.0}, shop=Counts(delivery={1.0: 0.0, INF: 0.0})),
        reading(1.0, {1.0: 15.0, INF: 15.0}, shop=Counts(delivery={1.0: 10.0, INF: 10.0})),
        reading(2.0, {1.0: 15.0, INF: 15.0}, shop=Counts(delivery={1.0: 10.0, INF: 10.0})),
    )
    assert told["publishSeconds"]["p50"] == 0.5
    assert told["services"]["shop"]["deliverySeconds"] == {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def test_what_is_so_now_is_told_as_it_is() -> None:
    """The outbox, what is in flight, and the pace."""
    told = members(reading(0.0), reading(1.0))
    assert told["outbox"] == {"waiting": 3, "scheduled": 1, "oldestSeconds": 2.5}
    assert (told["inFlight"], told["pacingLimit"]) == (2, 2_000.0)


def test_a_service_sees_its_own_and_nothing_else() -> None:
    """Neither the others, nor the sum, nor the outbox they share."""
    readings = (
        reading(0.0),
        reading(1.0, shop=Counts(accepted=1), bank=Counts(accepted=9)),
    )
    assert list(members(*readings, service="shop")) == ["at", "services"]
    assert list(members(*readings, service="shop")["services"]) == ["shop"]
    assert members(*readings, service="nobody")["services"] == {}


def test_quiet_services_are_left_out_and_the_busiest_stand_first() -> None:
    """However many there are, a snapshot stays small."""
    many = {f"s{number}": Counts(accepted=number) for number in range(MAX_SERVICES + 9)}
    told = list(members(reading(0.0), reading(1.0, {}, **many))["services"])
    assert len(told) == MAX_SERVICES
    assert told[0] == f"s{MAX_SERVICES + 8}"
    assert "s0" not in told


@pytest.mark.parametrize(
    ("buckets", "share", "value"),
    [
        ({}, 0.5, None),
        ({1.0: 0.0, INF: 0.0}, 0.5, None),
        ({1.0: 10.0, INF: 10.0}, 0.5, 0.5),
        ({1.0: 0.0, 2.0: 10.0, INF: 10.0}, 0.5, 1.5),
        ({1.0: 5.0, 2.0: 5.0, 4.0: 10.0, INF: 10.0}, 0.95, 3.8),
        ({1.0: 1.0, INF: 10.0}, 0.5, 1.0),
    ],
)
def test_percentiles_of_histograms(
    buckets: dict[float, float], share: float, value: float | None
) -> None:
    """Spread evenly within a bucket; beyond the last bound there is no telling."""
    assert percentile(buckets, share) == value


@given(st.lists(st.floats(0.001, 20.0), min_size=1, max_size=50))
def test_percentiles_ascend_and_lie_in_their_bucket(values: list[float]) -> None:
    """Whatever was measured."""
    bounds = (0.01, 0.1, 1.0, 10.0, INF)
    buckets = {bound: float(sum(value <= bound for value in values)) for bound in bounds}
    told = percentiles(buckets)
    ascending = [value for value in told.values() if value is not None]
    assert len(ascending) == 3
    assert ascending == sorted(ascending)
    assert ascending[-1] <= 10.0


def test_histograms_with_the_same_bounds_add_up() -> None:
    """Bucket by bucket."""
    assert merged([{1.0: 1.0, INF: 2.0}, {1.0: 3.0, INF: 4.0}]) == {1.0: 4.0, INF: 6.0}
