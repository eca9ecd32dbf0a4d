"""One CloudWatch dashboard that shows everything that is watched.

Owns its layout: a graph for each watch, its limit drawn in. Does not own what is watched
(`infra.watches`).

Source: CloudWatch user guide, "Dashboard body structure and syntax".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.watches import PERIOD_S, Watch

COLUMNS: Final = 3
WIDTH: Final = 24 // COLUMNS
"""A dashboard is 24 units wide."""

HEIGHT: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardArgs:
    """What the dashboard is made of.

    Attributes:
        namespace: The namespace, for its name.
        region: Where the metrics are.
        watches: What it shows.
    """

    namespace: str
    region: pulumi.Input[str]
    watches: Sequence[Watch]


class Dashboard(pulumi.ComponentResource):
    """Show the stack on one page.

    Pulumi type: ``serverless-websockets:infra:Dashboard``

    Creates:
        * CloudWatch dashboard.

    Outputs:
        dashboard_name: Its name in the console.
    """

    dashboard_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:Dashboard", name, None, opts)
        facts = [
            {"namespace": watch.namespace, "dimensions": dict(watch.dimensions)}
            for watch in args.watches
        ]
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-page",
            # Required, so not made unique by Pulumi; the namespace is this stack's own in its region,
            # and dashboards, which an account has one set of, get the region's name as well.
            dashboard_name=pulumi.Output.concat("push-", args.namespace, "-", args.region),
            dashboard_body=pulumi.Output.all(region=args.region, facts=facts).apply(
                lambda found: json.dumps(dashboard_body(args.watches, **found))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dashboard_name = dashboard.dashboard_name
        self.register_outputs({"dashboard_name": self.dashboard_name})


def dashboard_body(
    watches: Sequence[Watch], *, region: str, facts: Sequence[Mapping[str, Any]]
) -> dict[str, object]:
    """Return the dashboard's body.

    Args:
        watches: What it shows.
        region: Where the metrics are.
        facts: Namespace and dimensions of each watch, known by now.
    """
    return {
        "widgets": [
            {
                "type": "metric",
                "x": number % COLUMNS * WIDTH,
                "y": number // COLUMNS * HEIGHT,
                "width": WIDTH,
                "height": HEIGHT,
                "properties": {
                    "title": watch.name,
                    "region": region,
                    "period": PERIOD_S,
                    "stat": watch.statistic,
                    "metrics": [
                        [
                            fact["namespace"],
                            watch.metric,
                            *(part for pair in fact["dimensions"].items() for part in pair),
                        ]
                    ],
                    "annotations": {"horizontal": [{"label": "alarm above", "value": watch.limit}]},
                },
            }
            for number, (watch, fact) in enumerate(zip(watches, facts, strict=True))
        ]
    }
