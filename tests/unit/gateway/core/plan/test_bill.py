"""Bills: units, and lines that share a price."""

from __future__ import annotations

import math

import pytest

from gateway.core.plan.bill import Bill, line, lines_of_one_price, metered
from gateway.core.plan.figures import Price, Source, Standing

PRICE = Price(
    name="p",
    per="million messages",
    tiers=((1.0, 1.00), (math.inf, 0.50)),
    source=Source(text="a test", date="2026", standing=Standing.ASSUMED),
)


@pytest.mark.parametrize(
    ("size", "units"), [(0, 1), (1, 1), (5_120, 1), (5_121, 2), (10_240, 2), (131_072, 26)]
)
def test_begun_units_are_whole(size: int, units: int) -> None:
    """An empty message is one; one byte over is another."""
    assert metered(size, 5_120) == units


def test_lines_of_one_price_share_its_tiers() -> None:
    """1 M at 1.00 and 2 M at 0.50 are 2.00, a third and two thirds of it; what is nothing is no line."""
    lines = lines_of_one_price([("in", 1e6), ("none", 0.0), ("out", 2e6)], PRICE)
    assert [one.what for one in lines] == ["in", "out"]
    assert [one.usd for one in lines] == pytest.approx([2 / 3, 4 / 3])
    assert lines_of_one_price([("in", 0.0)], PRICE) == ()


def test_a_bill_is_the_sum_of_its_lines() -> None:
    """Its own and those of the intake."""
    bill = Bill(name="b", says="b", own=(line("a", 1e6, PRICE),), intake=(line("c", 3e6, PRICE),))
    assert [one.what for one in bill.lines] == ["a", "c"]
    assert bill.usd == pytest.approx(1.0 + 2.0)
