"""The cost against the number of clients, as a picture.

Owns what the picture shows. matplotlib is needed for nothing else, so it is imported here only, when a
picture is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.core.plan.plan import Plan, bills_of, client_counts, most_clients
from gateway.errors import PlanRefused
from gateway.plan.numbers import amount, money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS: Final = (".svg", ".png")
"""What is written, by the file's ending."""

_COLOURS: Final = ("#2f6f9f", "#d98032", "#5a9a52")
"""Ours, then the rivals: the colours of the other plots in docs/images."""

_STYLE: Final = {
    # The same plan gives the same bytes, so that a picture in a repository changes with its numbers.
    "svg.hashsalt": "plan",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(plan: Plan, file: Path) -> None:
    """Write the picture.

    Args:
        plan: The plan; everything but its clients stays as it is.
        file: Where to; an SVG or a PNG, by its ending.

    Raises:
        PlanRefused: The ending is another, matplotlib is missing, or the file cannot be written.
    """
    if file.suffix.lower() not in FORMATS:
        raise PlanRefused([f"--plot {file}: the file's name must end in {' or '.join(FORMATS)}"])
    try:
        import matplotlib as mpl  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        wanted = "pip install 'serverless-websockets[plan]'"
        raise PlanRefused([f"--plot needs matplotlib, which is not installed: {wanted}"]) from None
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 5.4), layout="constrained")
        _draw(plan, figure.subplots())
        metadata: dict[str, Any] = {"Date": None} if file.suffix.lower() == ".svg" else {}
        try:
            figure.savefig(file, dpi=150, facecolor="white", metadata=metadata)
        except OSError as error:
            raise PlanRefused([f"--plot {file}: {error.strerror}"]) from None


def _draw(plan: Plan, axes: Axes) -> None:
    counts = client_counts(plan.workload.clients)
    months = [bills_of(replace(plan.workload, clients=count), plan.figures) for count in counts]
    for number, bill in enumerate(plan.bills):
        costs = [month[number].usd for month in months]
        colour = _COLOURS[number]
        axes.plot(counts, costs, color=colour, linewidth=2.4 if number == 0 else 1.6)
        axes.plot([plan.workload.clients], [bill.usd], "o", color=colour, markersize=5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(counts[0], counts[-1])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(
        lambda value, _: f"${value:,.0f}" if value >= 1 else f"${value:g}"
    )
    axes.grid(visible=True, which="major", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("clients connected at the same time")
    axes.set_ylabel("USD a month")
    axes.set_title(_title(plan), loc="left", fontsize=10)
    _name_lines(plan, axes, counts[-1], [bill.usd for bill in months[-1]])
    _mark_limit(plan, axes, counts)


def _title(plan: Plan) -> str:
    load, figures = plan.workload, plan.figures
    to = " and ".join(str(kind) for kind in load.to)
    return (
        f"What a month costs: {load.events_per_s:g} events/s of {load.payload_bytes:,} bytes "
        f"to {to}, QoS {load.qos}, {load.outbox} outbox\n"
        f"prices of {figures.prices_of}; dots: {load.clients:,} clients"
    )


def _name_lines(plan: Plan, axes: Axes, right: int, ends: list[float]) -> None:
    """Write each line's name beside its end, moved apart where lines end close together."""
    low, high = axes.get_ylim()
    least = (high / low) ** 0.085
    taken = 0.0
    for number in sorted(range(len(ends)), key=lambda one: ends[one]):
        at = max(ends[number], taken * least)
        taken = at
        bill = plan.bills[number]
        axes.annotate(
            f"{bill.says}\n${money(bill.usd)} at {amount(plan.workload.clients)}",
            (right, at),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=_COLOURS[number],
            annotation_clip=False,
        )


def _mark_limit(plan: Plan, axes: Axes, counts: tuple[int, ...]) -> None:
    most, quota = most_clients(plan.workload, plan.figures)
    if not counts[0] < most < counts[-1]:
        return
    axes.axvline(most, color="#b4534b", linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        f"{most:,}: as many as the quotas allow\n({quota.says})",
        (most, axes.get_ylim()[0]),
        xytext=(-6, 8),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8.5,
        color="#b4534b",
    )
