"""A month's bill: lines, each an amount of something at a price.

Owns what a line and a bill are, and what a month is. Does not: know who is billed for what
(`own_bill.py`, `websocket_bill.py`, `appsync_bill.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.plan.figures import Price

MONTH_MIN: Final = 43_800
"""Minutes in AWS's month of 730 hours."""

MONTH_H: Final = MONTH_MIN / 60
MONTH_S: Final = MONTH_MIN * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line.

    Attributes:
        what: What it is for.
        amount: How much of it in a month, in the price's thing.
        usd: What that costs.
        price: The price.
    """

    what: str
    amount: float
    usd: float
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """All lines of one way to do the work.

    Attributes:
        name: Which way, one word.
        says: What it is.
        own: The lines that only it has.
        intake: The lines of taking events in, the same in every bill of a plan.
    """

    name: str
    says: str
    own: tuple[Line, ...]
    intake: tuple[Line, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """All its lines."""
        return (*self.own, *self.intake)

    @property
    def usd(self) -> float:
        """What the month costs."""
        return math.fsum(line.usd for line in self.lines)


def line(what: str, amount: float, price: Price) -> Line:
    """Return the line for an amount in a month that has its price to itself."""
    return Line(what=what, amount=amount, usd=price.cost(amount), price=price)


def lines_of_one_price(amounts: Sequence[tuple[str, float]], price: Price) -> tuple[Line, ...]:
    """Return lines whose amounts are added up before tiers apply.

    Each has its part of the whole, so that they add up to what AWS bills.
    """
    total = math.fsum(amount for _, amount in amounts)
    each = price.cost(total) / total if total else 0.0
    return tuple(
        Line(what=what, amount=amount, usd=amount * each, price=price)
        for what, amount in amounts
        if amount
    )


def metered(size_bytes: float, unit_bytes: float) -> int:
    """Return how many units something is metered as: at least one, begun ones whole."""
    return max(1, math.ceil(size_bytes / unit_bytes))
