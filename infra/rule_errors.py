"""What the stack's topic rules could not deliver: dead letters, as everywhere else in the stack.

Owns the queue and the error action that every rule of the stack carries. Does not own the rules or
their roles (`infra.iot_to_sns`, `infra.presence`).

A queue and not a log: a message in it can be looked at, counted by one alarm, and sent again.

Source: AWS IoT developer guide, "Error handling (error action)": the message in base64, the rule,
and why each action failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

KEPT_S: Final = 1_209_600
"""Life of a dead letter: 14 days, SQS's most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleErrorsArgs:
    """What the dead letters are kept in.

    Attributes:
        namespace: The namespace, for the name.
        protect: Whether the queue is protected from deletion.
        tags: For the queue.
    """

    namespace: str
    protect: bool
    tags: Mapping[str, str]


class RuleErrors(pulumi.ComponentResource):
    """Keep what rules could not deliver, and why.

    Pulumi type: ``serverless-websockets:infra:RuleErrors``

    Creates:
        * SQS queue, encrypted.

    Outputs:
        queue_arn: For the roles of rules.
        queue_url: For their error actions.
        queue_name: For alarms.
    """

    queue_arn: pulumi.Output[str]
    queue_url: pulumi.Output[str]
    queue_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: RuleErrorsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:RuleErrors", name, None, opts)
        queue = aws.sqs.Queue(
            f"{args.namespace}-rule-errors",
            message_retention_seconds=KEPT_S,
            sqs_managed_sse_enabled=True,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.queue_arn = queue.arn
        self.queue_url = queue.url
        self.queue_name = queue.name
        self.register_outputs({"queue_url": self.queue_url, "queue_name": self.queue_name})


def error_action(
    queue_url: pulumi.Input[str], role_arn: pulumi.Input[str]
) -> aws.iot.TopicRuleErrorActionArgs:
    """Return the error action of a rule that runs under a role."""
    return aws.iot.TopicRuleErrorActionArgs(
        sqs=aws.iot.TopicRuleErrorActionSqsArgs(
            queue_url=queue_url, role_arn=role_arn, use_base64=False
        )
    )
