"""`python -m gateway plan`: what a workload means for AWS's quotas and for the bill.

Owns its arguments and where the plan goes: tables or JSON on stdout, a picture in a file.
Does not: reckon (`gateway/core/plan`), lay out or draw (`gateway/plan`), or ask AWS anything.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from gateway.core.plan.figures import Figures, Kind, figures_for
from gateway.core.plan.plan import plan_of
from gateway.core.plan.workload import Outbox, To, Workload
from gateway.errors import PlanRefused
from gateway.plan.document import document_of
from gateway.plan.figures_file import read_figures
from gateway.plan.plot import draw
from gateway.plan.tables import show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.commands import Commands

WIDTH = 110
"""Columns where there is no terminal."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "plan",
        help="what a workload means for AWS's quotas and for the bill",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_workload(parser)
    figures = parser.add_argument_group("figures")
    figures.add_argument("--region", default="us-east-1", help="where the stack runs")
    figures.add_argument(
        "--prices-of", metavar="REGION", help="take another region's prices, and say so"
    )
    for kind in ("quota", "price", "assume"):
        figures.add_argument(
            f"--{kind}",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"your own {kind.replace('assume', 'assumption')}; names are in --json",
        )
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="write JSON instead of tables")
    output.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the cost against clients, .svg or .png"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the plan, draw it if asked to, show it."""
    plan = plan_of(_workload(options), _figures(options))
    if options.plot is not None:
        draw(plan, options.plot)
    if options.json:
        sys.stdout.write(json.dumps(document_of(plan), indent=2) + "\n")
    else:
        narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
        show(plan, Console(highlight=False, width=None if narrow else WIDTH))
    return 0


def _add_workload(parser: argparse.ArgumentParser) -> None:
    who = parser.add_argument_group("who is connected")
    who.add_argument("--clients", type=int, default=10_000, help="connected at the same time")
    who.add_argument("--groups", type=int, default=100, help="groups there are")
    who.add_argument("--groups-per-client", type=int, default=1, help="groups of one client")
    who.add_argument("--clients-per-user", type=float, default=1, help="tabs and devices of a user")
    who.add_argument("--session-hours", type=float, default=8, help="how long a page stays open")
    who.add_argument(
        "--credential-life-s", type=int, default=3_600, help="life of a client's credentials"
    )
    what = parser.add_argument_group("what is sent")
    what.add_argument("--events-per-s", type=float, default=10, help="events posted, on average")
    what.add_argument("--peak", type=float, default=1, help="busiest second, times the average")
    what.add_argument("--payload-bytes", type=int, default=1_000, help="an event's data as JSON")
    what.add_argument("--topic-bytes", type=int, default=40, help="length of a topic's name")
    what.add_argument("--qos", type=int, default=1, help="0 or 1")
    what.add_argument(
        "--to",
        action="append",
        metavar="KIND[=SHARE]",
        help=f"{', '.join(To)}; with shares of all events, repeat for more (default: group)",
    )
    what.add_argument("--retained", type=float, default=0, help="share of events retained, 0 to 1")
    what.add_argument("--events-per-post", type=int, default=1, help="events in one request")
    how = parser.add_argument_group("how they are taken in")
    how.add_argument(
        "--outbox", choices=[str(outbox) for outbox in Outbox], default="sqlite", help="its outbox"
    )
    how.add_argument(
        "--gateways", type=int, help="how many (default: 1 with sqlite, 2 with shared)"
    )


def _workload(options: argparse.Namespace) -> Workload:
    outbox = Outbox(options.outbox)
    gateways = options.gateways
    return Workload(
        clients=options.clients,
        groups=options.groups,
        groups_per_client=options.groups_per_client,
        clients_per_user=options.clients_per_user,
        to=_audiences(options.to or [To.GROUP]),
        events_per_s=options.events_per_s,
        data_bytes=options.payload_bytes,
        topic_bytes=options.topic_bytes,
        qos=options.qos,
        retained=options.retained,
        session_h=options.session_hours,
        credential_life_s=options.credential_life_s,
        events_per_post=options.events_per_post,
        peak=options.peak,
        outbox=outbox,
        gateways=gateways if gateways is not None else 1 if outbox is Outbox.SQLITE else 2,
    )


def _audiences(texts: Sequence[str]) -> Mapping[To, float]:
    found: dict[To, float] = {}
    for text in texts:
        name, equals, share = text.partition("=")
        try:
            kind, part = To(name), float(share) if equals else 1.0
        except ValueError:
            wanted = f"{', '.join(To)}, with =SHARE if there are several"
            raise PlanRefused([f"--to {text}: it must be one of {wanted}"]) from None
        if kind in found:
            raise PlanRefused([f"--to {name} was given twice"])
        found[kind] = part
    return found


def _figures(options: argparse.Namespace) -> Figures:
    figures = figures_for(read_figures(), options.region, options.prices_of)
    kinds: tuple[tuple[str, Kind], ...] = (
        ("quota", "quota"),
        ("price", "price"),
        ("assume", "assumption"),
    )
    for option, kind in kinds:
        for text in getattr(options, option):
            name, _, value = text.partition("=")
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if math.isnan(number):
                raise PlanRefused([f"--{option} {text}: it must be NAME=NUMBER"])
            figures = figures.with_yours(kind, name, number)
    return figures
