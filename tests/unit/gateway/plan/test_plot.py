"""The plot: a real picture that shows what the plan says."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.image import imread

from gateway.core.plan.plan import Plan, plan_of
from gateway.core.plan.workload import To
from gateway.errors import PlanRefused
from gateway.plan.plot import draw
from tests.unit.gateway.core.plan.workloads import figures_of, workload_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return a plan whose curves reach a limit."""
    load = workload_of(clients=10_000, to={To.EVERYONE: 1.0}, events_per_s=1.0, qos=1)
    return plan_of(load, figures_of())


def test_a_png_is_a_picture(plan: Plan, tmp_path: Path) -> None:
    """It can be decoded, and has the colours of the curves and of the limit on white."""
    draw(plan, tmp_path / "plan.png")
    pixels = imread(tmp_path / "plan.png")
    height, width = pixels.shape[:2]
    assert width > 1_000 < 2 * height
    points = (pixels[..., :3] * 255).round().astype("uint8").reshape(-1, 3).tolist()
    found = set(map(tuple, points))
    for colour in ("ffffff", "2f6f9f", "d98032", "5a9a52", "b4534b"):
        assert tuple(bytes.fromhex(colour)) in found, colour


def test_an_svg_says_what_the_plan_says(plan: Plan, tmp_path: Path) -> None:
    """Each way by its name with its bill, and where the quotas end; the same bytes each time."""
    draw(plan, tmp_path / "one.svg")
    draw(plan, tmp_path / "two.SVG")
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.SVG").read_text()
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file
    assert root.tag == f"{SVG}svg"
    assert len(list(root.iter(f"{SVG}path"))) > 50
    for bill in plan.bills:
        assert bill.says in text
        assert f"${bill.usd:,.0f}" in text
    assert plan.unacknowledged is not None
    assert f"${plan.unacknowledged.usd:,.0f}" in text
    # 20,000 publishes out: one to everyone each second.
    assert "20,000: as many as the quotas allow" in text


def test_no_limit_is_drawn_that_is_far_away(tmp_path: Path) -> None:
    """The curves end at ten times the clients."""
    draw(plan_of(workload_of(), figures_of()), tmp_path / "plan.svg")
    text = (tmp_path / "plan.svg").read_text()
    assert "as many as" not in text
    assert "QoS 0 " not in text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("plan.pdf", "must end in .svg or .png"),
        ("plan", "must end in .svg or .png"),
        ("nowhere/plan.svg", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written(plan: Plan, tmp_path: Path, name: str, says: str) -> None:
    """The operator learns which and why."""
    with pytest.raises(PlanRefused, match=says):
        draw(plan, tmp_path / name)


def test_without_matplotlib(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlanRefused, match=r"pip install 'serverless-websockets\[plan\]'"):
        draw(plan, tmp_path / "plan.svg")
    assert not list(tmp_path.iterdir())
