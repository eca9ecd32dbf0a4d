"""The cost against the number of clients, as a picture.

Owns what the picture shows. matplotlib is needed for nothing else, so it is imported here only, when a
picture is asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.core.plan.plan import Plan, bills_of, client_counts, most_clients
from gateway.errors import PlanRefused
from gateway.plan.numbers import money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gateway.core.plan.workload import Workload

FORMATS: Final = (".svg", ".png")
"""What is written, by the file's ending."""

_COLOURS: Final = ("#2f6f9f", "#d98032", "#5a9a52")
"""Ours, then the rivals: the colours of the other plots in docs/images."""

_STYLE: Final[dict[Any, Any]] = {
    # The same plan gives the same bytes, so that a picture in a repository changes with its numbers.
    "svg.hashsalt": "plan",
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
        figure = Figure(figsize=(9.5, 5.2), layout="constrained")
        figure.suptitle(_title(plan), x=0.01, ha="left", fontsize=10.5)
        _draw(plan, figure.subplots())
        metadata: dict[str, Any] = {"Date": None} if file.suffix.lower() == ".svg" else {}
        try:
            figure.savefig(file, dpi=150, facecolor="white", metadata=metadata)
        except OSError as error:
            raise PlanRefused([f"--plot {file}: {error.strerror}"]) from None


def _draw(plan: Plan, axes: Axes) -> None:
    counts = client_counts(plan.workload.clients)
    for curve in _curves(plan, counts):
        axes.plot(counts, curve.costs, color=curve.colour, linestyle=curve.dash, linewidth=1.8)
        axes.plot([plan.workload.clients], [curve.here], "o", color=curve.colour, markersize=4.5)
    axes.set_xscale("log")
    axes.set_yscale("log", subs=[2, 5])
    axes.set_xlim(counts[0], counts[-1])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"${money(value).removesuffix('.00')}")
    axes.yaxis.set_minor_formatter(axes.yaxis.get_major_formatter())
    axes.tick_params(which="minor", axis="y", labelsize=8.5, labelcolor="#777777")
    axes.grid(visible=True, which="major", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("clients connected at the same time")
    axes.set_ylabel("USD a month")
    _name_curves(plan, axes, counts)
    _mark_limit(plan, axes, counts)


@dataclass(frozen=True, slots=True)
class _Curve:
    says: str
    colour: str
    dash: str
    costs: tuple[float, ...]
    here: float


def _curves(plan: Plan, counts: tuple[int, ...]) -> list[_Curve]:
    """Return a curve for each bill, and ours without acknowledgements beside it."""

    def costs(number: int, workload: Workload) -> tuple[float, ...]:
        months = (bills_of(replace(workload, clients=count), plan.figures) for count in counts)
        return tuple(month[number].usd for month in months)

    curves = [
        _Curve(bill.says, colour, "-", costs(number, plan.workload), bill.usd)
        for number, (bill, colour) in enumerate(zip(plan.bills, _COLOURS, strict=True))
    ]
    if plan.unacknowledged is not None:
        ours, load = curves[0], replace(plan.workload, qos=0)
        here = plan.unacknowledged.usd
        curves.append(_Curve(f"{ours.says}, QoS 0", ours.colour, "--", costs(0, load), here))
    return curves


def _title(plan: Plan) -> str:
    load, figures = plan.workload, plan.figures
    to = " and ".join(str(kind) for kind in load.to)
    return (
        f"A month of {load.events_per_s:g} events/s of {load.payload_bytes:,} bytes, to: {to}, "
        f"QoS {load.qos}, {load.outbox} outbox, prices of {figures.prices_of}; "
        f"\N{BULLET} {load.clients:,} clients"
    )


def _name_curves(plan: Plan, axes: Axes, counts: tuple[int, ...]) -> None:
    """Write each curve's name beside its end, moved apart where curves end close together."""
    curves = sorted(_curves(plan, counts), key=lambda curve: curve.costs[-1])
    low, high = (math.log(limit) for limit in axes.get_ylim())
    least = (high - low) * 0.09
    ends = [math.log(curve.costs[-1]) for curve in curves]
    places: list[float] = []
    for end in ends:
        places.append(max(end, places[-1] + least) if places else end)
    shift = (sum(ends) - sum(places)) / len(ends)
    shift = min(shift, high - places[-1])
    for curve, place in zip(curves, places, strict=True):
        axes.annotate(
            f"{curve.says}\n\N{BULLET} ${money(curve.here)}",
            (counts[-1], math.exp(place + shift)),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=curve.colour,
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
