"""Who comes and goes: lifecycle events of this stack's clients, in a queue.

Owns the rule and the queue. Does not read it: that is for a gateway, or any service of yours.

IoT sends lifecycle events of every client of the account, in any order and sometimes twice, and
advises to wait before acting on a disconnect; hence the WHERE, and the delay. Nobody may be reading
the queue, so events are kept for an hour only.

Source: AWS IoT developer guide, "Lifecycle events"; decision 0001 (client ids start with the
namespace and a dot).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.iot_to_sns import SQL_VERSION
from infra.policies import Place
from infra.rule_errors import error_action
from infra.rule_names import rule_name
from infra.rules_role import RulesRole, RulesRoleArgs

DELAY_S: Final = 5
"""Wait before an event can be read. Source: "Lifecycle events", "Handling client disconnections"."""

KEPT_S: Final = 3_600
"""Life of an event that nobody reads: older news of who is connected is wrong anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceArgs:
    """What presence is made of.

    Attributes:
        place: Where the clients are.
        namespace: The namespace whose clients are meant.
        error_queue_arn: For the role.
        error_queue_url: Where error actions send.
        tags: For queue and rule.
    """

    place: pulumi.Input[Place]
    namespace: str
    error_queue_arn: pulumi.Input[str]
    error_queue_url: pulumi.Input[str]
    tags: Mapping[str, str]


class Presence(pulumi.ComponentResource):
    """Send every connect and disconnect of the namespace's clients to a queue.

    Pulumi type: ``serverless-websockets:infra:Presence``

    Creates:
        * SQS queue, encrypted, with a delay.
        * Topic rule on the presence topics, with an error action.
        * RulesRole that may send to this queue.

    Outputs:
        queue_url: Where to read.
        queue_arn: For the reader's policy.
    """

    queue_url: pulumi.Output[str]
    queue_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: PresenceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:Presence", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        queue = aws.sqs.Queue(
            f"{args.namespace}-presence",
            delay_seconds=DELAY_S,
            message_retention_seconds=KEPT_S,
            receive_wait_time_seconds=20,
            sqs_managed_sse_enabled=True,
            tags=dict(args.tags),
            opts=child,
        )
        role = RulesRole(
            f"{name}-role",
            RulesRoleArgs(
                place=args.place,
                namespace=args.namespace,
                error_queue_arn=args.error_queue_arn,
                queue_arns=[queue.arn],
                tags=args.tags,
            ),
            opts=child,
        )
        aws.iot.TopicRule(
            f"{name}-rule",
            name=rule_name(args.namespace, "presence"),
            description="Connects and disconnects of this namespace's clients",
            enabled=True,
            sql=presence_sql(args.namespace),
            sql_version=SQL_VERSION,
            sqs=[{"queue_url": queue.url, "role_arn": role.arn, "use_base64": False}],
            error_action=error_action(args.error_queue_url, role.arn),
            tags=dict(args.tags),
            opts=child,
        )
        self.queue_url = queue.url
        self.queue_arn = queue.arn
        self.register_outputs({"queue_url": self.queue_url, "queue_arn": self.queue_arn})


def presence_sql(namespace: str) -> str:
    """Return the SQL that picks one namespace's clients out of the account's."""
    own = f"startswith(clientId, '{namespace}.')"  # a namespace holds no quote
    return f"SELECT * FROM '$aws/events/presence/+/+' WHERE {own}"  # noqa: S608 (no database)
