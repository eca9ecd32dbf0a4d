"""The file of figures is part of the package and can be read."""

from __future__ import annotations

from gateway.plan.figures_file import read_figures


def test_the_file_has_its_tables() -> None:
    """Regions, prices, quotas, assumptions, and nothing else; us-east-1 is priced."""
    tables = read_figures()
    assert set(tables) == {"regions", "prices", "quotas", "assumptions"}
    assert "us-east-1" in tables["prices"]
    assert {"main", "small"} == {region["size"] for region in tables["regions"].values()}
