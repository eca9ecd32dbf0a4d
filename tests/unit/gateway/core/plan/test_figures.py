"""Figures: each says where it stands; a region without any is refused; the operator's own count."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core.plan.figures import Kind, Price, Source, Standing, figures_for
from gateway.errors import PlanRefused
from tests.unit.gateway.core.plan.workloads import TABLES, figures_of

CORE = Path(__file__).resolve().parents[5] / "gateway/core/plan"
FREE = Source(text="a test", date="2026", standing=Standing.ASSUMED)


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every figure of the file by its full name."""
    for region, prices in TABLES["prices"].items():
        yield from ((f"prices.{region}.{name}", row) for name, row in prices.items())
    for table in ("quotas", "assumptions"):
        yield from ((f"{table}.{name}", row) for name, row in TABLES[table].items())


@pytest.mark.parametrize(("name", "row"), list(rows()), ids=lambda value: str(value)[:60])
def test_every_figure_has_source_date_and_standing(name: str, row: dict[str, Any]) -> None:
    """No number without where it is from, since when, and how far it can be relied on."""
    assert len(row["source"]) > 8, name
    assert re.fullmatch(r"20\d\d-[01]\d(-[0-3]\d)?", row["date"]), name
    assert Standing(row["standing"]) is not Standing.YOURS
    assert "per" in row or row["says"], name


def test_no_figure_is_idle() -> None:
    """What stands in the file is reckoned with."""
    text = "".join(path.read_text() for path in CORE.glob("*.py"))
    for name, _ in rows():
        assert f'"{name.rpartition(".")[2]}"' in text, name


@pytest.mark.parametrize("region", TABLES["regions"])
def test_every_region_has_every_quota(region: str) -> None:
    """A quota is looked up by region, by size, or holds everywhere; none is made up."""
    figures = figures_of(region, "us-east-1")
    assert all(quota.value > 0 for quota in figures.quotas.values())
    assert all(end > 0 and usd > 0 for p in figures.prices.values() for end, usd in p.tiers)


def test_small_regions_have_small_quotas() -> None:
    """Stockholm has a tenth of most; queues are slower wherever nothing else is said."""
    large, small = figures_of(), figures_of("eu-north-1", "us-east-1")
    of = {name: (quota.value, small.quotas[name].value) for name, quota in large.quotas.items()}
    assert of["iot_publishes_out_per_s"] == (20_000, 2_000)
    assert of["iot_connects_per_s"] == (500, 100)
    assert of["iot_subscribes_per_s"] == (500, 200)
    assert of["iot_connection_publishes_per_s"] == (100, 100)
    assert of["sqs_fifo_requests_per_s"] == (70_000, 2_400)
    assert (small.region, small.prices_of, large.prices_of) == (
        "eu-north-1",
        "us-east-1",
        "us-east-1",
    )


@pytest.mark.parametrize(
    ("region", "prices_of", "says"),
    [
        ("mars-1", None, "region mars-1 is not known; known are us-east-1, eu-west-1"),
        ("eu-north-1", None, "no prices, only those of us-east-1; --prices-of us-east-1 takes"),
        ("us-east-1", "eu-west-1", "no prices of eu-west-1 are known, only of us-east-1"),
    ],
)
def test_what_is_not_known_is_not_assumed(region: str, prices_of: str | None, says: str) -> None:
    """The refusal names what is known."""
    with pytest.raises(PlanRefused, match=re.escape(says)):
        figures_for(TABLES, region, prices_of)


def test_each_tier_has_its_own_price() -> None:
    """1 M at 1.00, 4 M at 0.80, the rest at 0.70; nothing costs nothing."""
    tiers = ((1.0, 1.00), (5.0, 0.80), (math.inf, 0.70))
    price = Price(name="p", per="million messages", tiers=tiers, source=FREE)
    assert (price.lot, price.thing) == (1_000_000, "messages")
    assert price.cost(0) == 0
    assert price.cost(500_000) == pytest.approx(0.5)
    assert price.cost(1_000_000) == pytest.approx(1.0)
    assert price.cost(6_000_000) == pytest.approx(1 + 3.2 + 0.7)
    hourly = Price(name="h", per="hour", tiers=((math.inf, 0.5),), source=FREE)
    assert (hourly.lot, hourly.thing, hourly.cost(3)) == (1, "hour", 1.5)


def test_the_operators_own_figures_replace_the_files() -> None:
    """One each, marked as such; a price loses its tiers; the others stay."""
    figures = (
        figures_of()
        .with_yours("quota", "iot_connects_per_s", 3_000)
        .with_yours("price", "iot_message", 0.6)
        .with_yours("price", "appsync_operation", 0)
        .with_yours("assumption", "appsync_ping_s", 60)
    )
    assert figures.quotas["iot_connects_per_s"].value == 3_000
    assert figures.quotas["iot_connects_per_s"].source.standing is Standing.YOURS
    assert figures.prices["iot_message"].cost(10e9) == pytest.approx(6_000)
    assert figures.prices["appsync_operation"].cost(10e9) == 0
    assert figures.assumed("appsync_ping_s") == 60
    assert figures.quotas["iot_connections"] == figures_of().quotas["iot_connections"]


@pytest.mark.parametrize(
    ("kind", "name", "value", "says"),
    [
        ("quota", "iot_conects_per_s", 1, "did you mean iot_connects_per_s?"),
        ("price", "zzz", 1, "there is no price zzz: there are iot_connection,"),
        ("assumption", "appsync_ping", 1, "did you mean appsync_ping_s?"),
        ("quota", "iot_connections", 0, "quota iot_connections: 0 is not a positive number"),
        ("price", "iot_message", -1, "price iot_message: -1 is not a positive number"),
        ("quota", "iot_connections", math.inf, "inf is not a positive number"),
    ],
)
def test_wrong_figures_are_refused(kind: Kind, name: str, value: float, says: str) -> None:
    """An unknown name gets the nearest one, a senseless number what is wrong with it."""
    with pytest.raises(PlanRefused, match=re.escape(says)):
        figures_of().with_yours(kind, name, value)
