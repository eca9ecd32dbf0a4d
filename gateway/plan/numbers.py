"""Numbers for people: amounts, money, shares and times in a few characters.

Owns the rounding. Does not: lay anything out.
"""

from __future__ import annotations

from typing import Final

_SCALES: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def amount(value: float) -> str:
    """Return three digits that matter, large ones scaled: `0.0139`, `1,500`, `43.8 M`, `500 k`."""
    if value < 10_000:
        return _three(value)
    scale, letter = next(scale for scale in _SCALES if value >= 0.9995 * scale[0])
    return f"{_three(value / scale)} {letter}"


def money(usd: float) -> str:
    """Return dollars and cents; whole dollars from a thousand on."""
    return f"{usd:,.0f}" if usd >= 1_000 else f"{usd:,.2f}"


def price(usd: float) -> str:
    """Return a price as AWS prints it: `0.08`, `1.00`, `0.03238`."""
    text = f"{usd:.6f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:0<2}"


def percent(share: float) -> str:
    """Return a share in percent, small ones with more digits."""
    hundredth = share * 100
    if 0 < hundredth < 0.01:
        return "< 0.01 %"
    return f"{_three(hundredth)} %"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    if seconds < 1:
        return f"{_three(seconds * 1000)} ms"
    if seconds < 120:
        return f"{_three(seconds)} s"
    if seconds < 7_200:
        return f"{_three(seconds / 60)} min"
    return f"{_three(seconds / 3_600)} h"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    if value >= 100:
        return f"{value:,.0f}"
    digits = 1 if value >= 10 else 2 if value >= 1 else 4
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")
