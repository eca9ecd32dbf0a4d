"""Bridges from IoT to SNS: what is published to an address also goes to an SNS topic.

Owns the topic rules, their SQL and their role. Does not own the SNS topics (`infra.bridge_topics`)
or the way back (`infra.sns_to_iot`).

The loop guard's rule half stands in the SQL: all that came in by a bridge carries the MQTT user
property `viasns` (`lambdas/sns_bridge`), and a rule takes only what does not. It looks at no payload,
so raw bridges carry any bytes.

Without `raw`, the rule adds where the message was published and by which client, by which the bridge
back knows its own echo. That needs a JSON object; any other payload becomes a dead letter. That what
is added wins over members of the same names is so in localaws and unverified on AWS.

Source: AWS IoT developer guide, "AWS IoT SQL reference" (version 2016-03-23) and "SNS" (rule action:
standard topics only, no order).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.bridge_settings import Bridge, SnsTopic
from infra.policies import Place
from infra.rule_errors import error_action
from infra.rule_names import rule_name
from infra.rules_role import RulesRole, RulesRoleArgs

SQL_VERSION: Final = "2016-03-23"
"""The version AWS recommends."""

MARK: Final = "viasns"
"""MQTT user property of every message that came in from SNS; its value names the SNS topic.
`lambdas/sns_bridge/publication.py` sets it; a test holds the two equal."""

ORIGIN_TOPIC: Final = "iottopic"
"""Member a rule adds: the MQTT topic the message was published to."""

ORIGIN_CLIENT: Final = "iotclient"
"""Member a rule adds: the client id of the publisher; the gateway, over HTTP, has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IotToSnsArgs:
    """What the bridges are made of.

    Attributes:
        place: Where the addresses' topics are.
        namespace: The namespace, for topics and names.
        bridges: The bridges.
        topic_arns: The SNS topics' ARNs.
        error_queue_arn: For the role.
        error_queue_url: Where error actions send.
        tags: For the rules.
    """

    place: pulumi.Input[Place]
    namespace: str
    bridges: tuple[Bridge, ...]
    topic_arns: Mapping[SnsTopic, pulumi.Input[str]]
    error_queue_arn: pulumi.Input[str]
    error_queue_url: pulumi.Input[str]
    tags: Mapping[str, str]


class IotToSns(pulumi.ComponentResource):
    """Copy what is published to some addresses into SNS topics.

    Pulumi type: ``serverless-websockets:infra:IotToSns``

    Creates:
        * Topic rule for each bridge, with an error action.
        * RulesRole that may publish to these topics and no others.

    Outputs:
        rule_names: The rules.
    """

    rule_names: list[pulumi.Output[str]]

    def __init__(
        self, name: str, args: IotToSnsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:IotToSns", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        used = dict.fromkeys(bridge.topic for bridge in args.bridges)
        role = RulesRole(
            f"{name}-role",
            RulesRoleArgs(
                place=args.place,
                namespace=args.namespace,
                error_queue_arn=args.error_queue_arn,
                topic_arns=[args.topic_arns[topic] for topic in used],
                tags=args.tags,
            ),
            opts=child,
        )
        self.rule_names = [
            aws.iot.TopicRule(
                f"{name}-{bridge.key}",
                name=rule_name(args.namespace, f"out_{bridge.key}"),
                description=f"{bridge.pattern} to {bridge.topic.name}",
                enabled=True,
                sql=bridge_sql(bridge, args.namespace),
                sql_version=SQL_VERSION,
                sns=[
                    {
                        "target_arn": args.topic_arns[bridge.topic],
                        "role_arn": role.arn,
                        "message_format": "RAW",
                    }
                ],
                error_action=error_action(args.error_queue_url, role.arn),
                tags=dict(args.tags),
                opts=child,
            ).name
            for bridge in args.bridges
        ]
        self.register_outputs({"rule_names": self.rule_names})


def bridge_sql(bridge: Bridge, namespace: str) -> str:
    """Return the SQL of one bridge; addresses hold no quotes, so nothing needs escaping."""
    topic = bridge.pattern.topic_prefix(namespace)
    topic_filter = f"{topic}#" if bridge.pattern.subtree else topic
    added = "" if bridge.raw else f", topic() AS {ORIGIN_TOPIC}, clientid() AS {ORIGIN_CLIENT}"
    # The function gives a list, as a key may come twice; of none, and of an empty one, get() gives
    # Undefined.
    fresh = f"isUndefined(get(get_user_properties('{MARK}'), 0))"
    return f"SELECT *{added} FROM '{topic_filter}' WHERE {fresh}"  # noqa: S608 (no database)
