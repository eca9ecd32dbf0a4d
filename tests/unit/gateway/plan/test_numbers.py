"""Numbers for people."""

from __future__ import annotations

import pytest

from gateway.plan.numbers import amount, duration, money, percent, price


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.3472, "0.3472"),
        (3.714, "3.71"),
        (12.54, "12.5"),
        (1_500, "1,500"),
        (10_000, "10 k"),
        (524_288, "524 k"),
        (999_999, "1 M"),
        (2_628_000_000, "2.63 B"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    """Three digits that matter."""
    assert amount(value) == text


def test_money_shares_and_times() -> None:
    """Cents below a thousand dollars; the unit that suits."""
    assert (money(0.029), money(999.994), money(4_990.4)) == ("0.03", "999.99", "4,990")
    assert (price(0.08), price(1), price(0.03238), price(13.3334)) == (
        "0.08",
        "1.00",
        "0.03238",
        "13.3334",
    )
    assert (percent(0), percent(0.00001), percent(0.5)) == ("0 %", "< 0.01 %", "50 %")
    assert [duration(s) for s in (0.005, 20, 200, 90_000)] == ["5 ms", "20 s", "3.33 min", "25 h"]
