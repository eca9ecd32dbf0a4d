"""A plan as tables for a terminal.

Owns what is shown, in which order, and the marks on figures that AWS's own text does not confirm.
Without a terminal rich leaves colours out, so that the output can be kept in a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gateway.core.plan.figures import Standing
from gateway.core.plan.plan import UNKNOWN, Plan, most_clients
from gateway.plan.numbers import amount, duration, money, percent, price

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.core.plan.bill import Bill
    from gateway.core.plan.figures import Price
    from gateway.core.plan.workload import Workload

_MARKS: Final = {
    Standing.SECONDARY: "*",
    Standing.UNVERIFIED: "?",
    Standing.ASSUMED: "~",
    Standing.OURS: "",
    Standing.AWS: "",
    Standing.YOURS: "!",
}

_LEGEND: Final = (
    "* quoted by somebody else  ? not confirmed  ~ assumed  ! yours; "
    "--json has every source and date"
)


def show(plan: Plan, console: Console) -> None:
    """Write a plan to a console."""
    parts: list[RenderableType] = [
        _workload(plan),
        _quotas(plan),
        _storms(plan),
        *(_bill(bill, of_rival=number > 0) for number, bill in enumerate(plan.bills)),
        _comparison(plan),
        _unknown(),
    ]
    console.print(Group(*(Padding(part, (1, 0, 0, 0), expand=False) for part in parts)))


def _workload(plan: Plan) -> Text:
    load, traffic, figures = plan.workload, plan.traffic, plan.figures
    retained = f", {percent(load.retained)} retained" if load.retained else ""
    back = f", {amount(traffic.acknowledgements)} PUBACKs/s back" if load.qos else ""
    many = "s" * (load.gateways > 1)
    lines = (
        (
            f"{load.clients:,} clients, {load.groups:,} groups with {load.groups_per_client} for each "
            f"client, pages open for {load.session_h:g} h"
        ),
        (
            f"{load.events_per_s:g} events/s of {load.payload_bytes:,} bytes with their envelope, "
            f"QoS {load.qos}, {_audiences(load)}{retained}; busiest second {load.peak:g} x that"
        ),
        (
            f"{load.gateways} gateway{many}, {load.outbox} outbox, "
            f"{figures.region} ({figures.region_name})"
        ),
        "",
        (
            f"in   {amount(traffic.events)} events/s, {amount(traffic.connects)} connects/s, "
            f"{amount(traffic.credential_requests)} credential requests/s{back}"
        ),
        (
            f"out  {amount(traffic.deliveries)} messages/s; one event reaches up to "
            f"{amount(traffic.largest_fan_out)} clients: {duration(plan.fan_out_s)} of the whole quota"
        ),
    )
    text = Text("\n".join(lines))
    if figures.prices_of != figures.region:
        text.append(
            f"\nPrices are those of {figures.prices_of}, not of {figures.region}.", "yellow"
        )
    return text


def _audiences(load: Workload) -> str:
    if len(load.to) == 1:
        return f"each to one {next(iter(load.to))}".replace("one everyone", "everyone")
    return "to " + ", ".join(f"{to} {percent(share)}" for to, share in load.to.items())


def _quotas(plan: Plan) -> Group:
    table = _table("Quotas at the busiest second")
    for heading in ("of", "what it counts", "used", "quota", "share", ""):
        table.add_column(heading)
    _justify(table, "left", "left", "right", "right", "right", "left")
    service = ""
    for use in filter(lambda use: use.amount, plan.uses):
        notes = ["first limit"] * (use is plan.first_limit) + ["hard"] * use.quota.hard
        if use.service != service:
            table.add_section()
        table.add_row(
            "" if use.service == service else use.service,
            f"{use.quota.says}{_MARKS[use.quota.source.standing]}",
            amount(use.amount),
            amount(use.quota.value),
            Text(percent(use.share), _colour(use.share)),
            ", ".join(notes),
        )
        service = use.service
    return Group(table, _limit_words(plan))


def _limit_words(plan: Plan) -> Text:
    first = plan.first_limit
    words = Text()
    if first.share > 1:
        words.append(
            f"This does not fit: {first.quota.says} ({first.service}) is "
            f"{amount(first.share)} times the quota.",
            "bold red",
        )
    elif first.amount:
        words.append(
            f"The first limit is {first.quota.says} ({first.service}): "
            f"room for {amount(1 / first.share)} times this load."
        )
    most, quota = most_clients(plan.workload, plan.figures)
    words.append(f" With nothing but more clients: up to {most:,} ({quota.says}).")
    return words


def _storms(plan: Plan) -> Table:
    table = _table("Until everybody is back, at best")
    for heading in ("after", "waits for", "work", "per second", "takes"):
        table.add_column(heading)
    _justify(table, "left", "left", "right", "right", "right")
    for storm in plan.storms:
        table.add_section()
        for number, bound in enumerate(sorted(storm.bounds, key=lambda one: -one.seconds)):
            table.add_row(
                storm.says if number == 0 else "",
                f"{bound.quota.says}{_MARKS[bound.quota.source.standing]}",
                amount(bound.work),
                amount(bound.per_s),
                Text(duration(bound.seconds), "bold" if bound is storm.bound else ""),
            )
    return table


def _bill(bill: Bill, *, of_rival: bool) -> Table:
    """Return a bill; a rival's without the lines that are the same as ours."""
    table = _table(f"A month of {bill.says}", footer=True)
    for heading in ("line", "amount", "unit", "USD for one unit", "USD"):
        table.add_column(heading)
    _justify(table, "left", "right", "left", "right", "right")
    for line in bill.own if of_rival else bill.lines:
        table.add_row(
            line.what, amount(line.amount), line.price.thing, _price(line.price), money(line.usd)
        )
    if of_rival:
        same = math.fsum(line.usd for line in bill.intake)
        table.add_row("gateways, outbox, data out: the same", "", "", "", money(same))
    table.columns[0].footer = "a month"
    table.columns[-1].footer = money(bill.usd)
    return table


def _price(cost: Price) -> str:
    prices = " > ".join(price(usd) for _, usd in cost.tiers)
    per = "/M" if cost.lot > 1 else ""
    return f"{prices}{per}{_MARKS[cost.source.standing]}"


def _comparison(plan: Plan) -> Group:
    table = _table("The same work, a month")
    for heading in ("over", "USD", "USD for each client", "of ours"):
        table.add_column(heading)
    _justify(table, "left", "right", "right", "right")
    ours, *rivals = plan.bills
    rows = [(ours.says, ours.usd), *((bill.says, bill.usd) for bill in rivals)]
    if plan.unacknowledged is not None:
        rows.insert(1, (f"{ours.says}, with QoS 0", plan.unacknowledged.usd))
    for says, usd in rows:
        each = f"{usd / plan.workload.clients:.4f}"
        table.add_row(says, money(usd), each, f"{usd / ours.usd:.2f} x")
    return Group(table, Text("\n".join(_rival_words(plan))))


def _rival_words(plan: Plan) -> Iterator[str]:
    for use in plan.websocket_uses:
        if use.share > 1:
            yield (
                f"API Gateway WebSockets do not fit: {use.quota.says} is "
                f"{amount(use.share)} times the quota."
            )
    yield (
        "Neither rival acknowledges a delivery, keeps a last message, or hands over what was missed."
    )


def _unknown() -> Text:
    text = Text("What this does not know\n", "bold")
    for line in UNKNOWN:
        text.append(f"- {line}\n", "not bold")
    text.append(_LEGEND, "not bold dim")
    return text


def _table(title: str, *, footer: bool = False) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_footer=footer,
        pad_edge=False,
        header_style="dim",
        footer_style="bold",
    )


def _justify(table: Table, *sides: str) -> None:
    for column, side in zip(table.columns, sides, strict=True):
        column.justify = side  # type: ignore[assignment]


def _colour(share: float) -> str:
    return "bold red" if share > 1 else "yellow" if share > 0.5 else ""
