"""Prices, quotas and assumptions, each with where it stands and since when.

Owns what a figure is, how tiers are added up, which figures hold for a region, and replacing one by
the operator's own. Does not: know any number, or read the file (`gateway/plan/figures_file.py`).
Source: gateway/plan/figures.toml, which says what its keys mean.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias, TypeVar

from gateway.errors import PlanRefused

Kind: TypeAlias = Literal["quota", "price", "assumption"]

MILLION: Final = 1_000_000

Figure = TypeVar("Figure")


class Standing(StrEnum):
    """How far a figure can be relied on."""

    AWS = "aws"
    SECONDARY = "secondary"
    UNVERIFIED = "unverified"
    OURS = "ours"
    ASSUMED = "assumed"
    YOURS = "yours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a figure comes from.

    Attributes:
        text: A page, a document, a file.
        date: Its day, or the day on which it was read; year and month where no day is known.
        standing: How far it can be relied on.
    """

    text: str
    date: str
    standing: Standing


YOURS: Final = Source(text="the command line", date="now", standing=Standing.YOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What something costs.

    Attributes:
        name: Its name in the file.
        per: What one price buys, e.g. ``million requests``.
        tiers: Up to how many `per`, and USD for each; the last one has no end.
        source: Where it stands.
    """

    name: str
    per: str
    tiers: tuple[tuple[float, float], ...]
    source: Source

    @property
    def lot(self) -> int:
        """How many of the thing one price buys."""
        return MILLION if self.per.startswith("million ") else 1

    @property
    def thing(self) -> str:
        """What is counted, e.g. ``requests``."""
        return self.per.removeprefix("million ")

    def cost(self, amount: float) -> float:
        """Return USD for an amount of the thing in one month, each tier at its own price."""
        lots = amount / self.lot
        usd = begin = 0.0
        for end, price in self.tiers:
            usd += max(0.0, min(lots, end) - begin) * price
            begin = end
        return usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The most that AWS, or this project, takes.

    Attributes:
        name: Its name in the file.
        says: What it counts.
        value: The most.
        hard: Whether it cannot be raised.
        source: Where it stands.
    """

    name: str
    says: str
    value: float
    hard: bool
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number that the plan needs and nobody promises.

    Attributes:
        name: Its name in the file.
        says: What it is.
        value: The number.
        source: Where it comes from.
    """

    name: str
    says: str
    value: float
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of one plan.

    Attributes:
        region: The region whose quotas hold, e.g. ``us-east-1``.
        region_name: Its name.
        prices_of: The region whose prices hold.
        prices: By name.
        quotas: By name.
        assumptions: By name.
    """

    region: str
    region_name: str
    prices_of: str
    prices: Mapping[str, Price]
    quotas: Mapping[str, Quota]
    assumptions: Mapping[str, Assumption]

    def assumed(self, name: str) -> float:
        """Return the value of an assumption."""
        return self.assumptions[name].value

    def metered_bytes(self, kb: int) -> float:
        """Return how many bytes AWS meters as so many KB."""
        return kb * self.assumed("metering_kb_bytes")

    def with_yours(self, kind: Kind, name: str, value: float) -> Figures:
        """Return the same figures with one replaced by the operator's own.

        Raises:
            PlanRefused: There is no figure of that name, or it cannot have that value.
        """
        if not (math.isfinite(value) and (value > 0 or (kind == "price" and value == 0))):
            raise PlanRefused([f"{kind} {name}: {value:g} is not a positive number"])
        if kind == "quota":
            quota = replace(_known(kind, self.quotas, name), value=value, source=YOURS)
            return replace(self, quotas={**self.quotas, name: quota})
        if kind == "price":
            tiers = ((math.inf, value),)
            price = replace(_known(kind, self.prices, name), tiers=tiers, source=YOURS)
            return replace(self, prices={**self.prices, name: price})
        assumption = replace(_known(kind, self.assumptions, name), value=value, source=YOURS)
        return replace(self, assumptions={**self.assumptions, name: assumption})


def figures_for(tables: Mapping[str, Any], region: str, prices_of: str | None = None) -> Figures:
    """Return the figures that hold for a region.

    Args:
        tables: The parsed file of figures.
        region: Where the stack runs.
        prices_of: The region whose prices to take instead; None for the region's own.

    Raises:
        PlanRefused: Nothing, or no prices, are known of the region.
    """
    regions, priced = tables["regions"], tables["prices"]
    if region not in regions:
        raise PlanRefused([f"region {region} is not known; known are {', '.join(regions)}"])
    if (prices_of or region) not in priced:
        known = ", ".join(priced)
        if prices_of:
            raise PlanRefused([f"no prices of {prices_of} are known, only of {known}"])
        instead = f"--prices-of {next(iter(priced))} takes them instead, and says so"
        problem = f"of {region} the quotas are known, but no prices, only those of {known}"
        raise PlanRefused([f"{problem}; {instead}"])
    size = regions[region]["size"]
    return Figures(
        region=region,
        region_name=regions[region]["name"],
        prices_of=prices_of or region,
        prices={
            name: Price(name=name, per=row["per"], tiers=_tiers(row), source=_source(row))
            for name, row in priced[prices_of or region].items()
        },
        quotas={
            name: Quota(
                name=name,
                says=row["says"],
                value=float(row.get(region, row.get(size, row.get("all")))),
                hard=row.get("hard", False),
                source=_source(row),
            )
            for name, row in tables["quotas"].items()
        },
        assumptions={
            name: Assumption(
                name=name, says=row["says"], value=float(row["value"]), source=_source(row)
            )
            for name, row in tables["assumptions"].items()
        },
    )


def _tiers(row: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    if "usd" in row:
        return ((math.inf, float(row["usd"])),)
    return tuple((float(end), float(usd)) for end, usd in row["tiers"])


def _source(row: Mapping[str, Any]) -> Source:
    return Source(text=row["source"], date=row["date"], standing=Standing(row["standing"]))


def _known(kind: Kind, figures: Mapping[str, Figure], name: str) -> Figure:
    found = figures.get(name)
    if found is None:
        near = difflib.get_close_matches(name, figures, n=1)
        meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(figures)}"
        raise PlanRefused([f"there is no {kind} {name}: {meant}"])
    return found
