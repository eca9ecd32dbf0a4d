"""Alarms on what is watched, to an SNS topic of the operator's.

Owns one alarm for each watch. Does not own what is watched (`infra.watches`) or the topic, which is
the operator's own: who is woken is not this stack's to say.

Source: CloudWatch user guide, "Using Amazon CloudWatch alarms".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.watches import PERIOD_S, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsArgs:
    """What the alarms are made of.

    Attributes:
        namespace: The namespace, for names.
        topic_arn: Where alarms go, when they begin and when they end.
        watches: What is watched.
        tags: For the alarms.
    """

    namespace: str
    topic_arn: str
    watches: Sequence[Watch]
    tags: Mapping[str, str]


class Alarms(pulumi.ComponentResource):
    """Tell the operator when something is wrong, and when it is over.

    Pulumi type: ``serverless-websockets:infra:Alarms``

    Creates:
        * CloudWatch alarm for each watch; no data means that nothing is wrong.
    """

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:Alarms", name, None, opts)
        for watch in args.watches:
            percentile = watch.statistic.startswith("p")
            aws.cloudwatch.MetricAlarm(
                f"{args.namespace}-{watch.name}",
                alarm_description=watch.meaning,
                namespace=watch.namespace,
                metric_name=watch.metric,
                dimensions=dict(watch.dimensions),
                statistic=None if percentile else watch.statistic,
                extended_statistic=watch.statistic if percentile else None,
                period=PERIOD_S,
                evaluation_periods=watch.periods,
                comparison_operator="GreaterThanThreshold",
                threshold=watch.limit,
                treat_missing_data="notBreaching",
                alarm_actions=[args.topic_arn],
                ok_actions=[args.topic_arn],
                tags=dict(args.tags),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
