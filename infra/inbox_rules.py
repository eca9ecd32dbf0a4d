"""Rules of EventBridge that send to the inbox, each under a role of its own.

Owns the rules, their roles and targets, and a queue for what EventBridge cannot deliver. Does not own
the inbox (`infra.inbox`).

A role for each rule is what makes a rule a service: the gateway sees the role's unique id on every
message, only EventBridge may take the role on, and only for this rule. So no putter of events and no
other rule can speak in its name, and the keys file gives it a name, addresses and a rate as it gives
them to any sender. docs/decisions/0013-inbox.md.

Source: EventBridge user guide, "Amazon SQS FIFO queue targets", "Using dead-letter queues" (standard
queues only) and "Cross-service confused deputy prevention" (the source ARN is the rule's).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.inbox_policies import (
    inbox_rule_errors_policy,
    inbox_rule_policy,
    inbox_rule_trust_policy,
)
from infra.inbox_settings import InboxRule
from infra.policies import Place, role_name

KEPT_S: Final = 1_209_600
"""Life of an event that could not be delivered, 14 days, SQS's most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRulesArgs:
    """What the rules are made of.

    Attributes:
        place: Whose rules they are.
        namespace: The namespace, for names.
        rules: The rules.
        inbox_arn: Where they send.
        protect: Whether the queue of what is not delivered is protected from deletion.
        tags: For everything that takes tags.
    """

    place: pulumi.Input[Place]
    namespace: str
    rules: tuple[InboxRule, ...]
    inbox_arn: pulumi.Input[str]
    protect: bool
    tags: Mapping[str, str]


class InboxRules(pulumi.ComponentResource):
    """Send events of event buses to the inbox.

    Pulumi type: ``serverless-websockets:infra:InboxRules``

    Creates:
        * EventBridge rule, IAM role, role policy and target for each; the message group is the
          address.
        * SQS queue, encrypted, for what EventBridge cannot deliver in a day, and its policy.

    Outputs:
        principals: Unique id of each rule's role by its address and key, for the keys file.
        errors_name: Name of the queue, for alarms.
    """

    principals: dict[str, pulumi.Output[str]]
    errors_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: InboxRulesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:InboxRules", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        errors = aws.sqs.Queue(
            f"{name}-dead-letters",
            name_prefix=f"{args.namespace}-{name}-dead-letters-",
            message_retention_seconds=KEPT_S,
            sqs_managed_sse_enabled=True,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        rules = [_rule(rule, args, child) for rule in args.rules]
        letting = aws.sqs.QueuePolicy(
            f"{name}-dead-letters-queue-policy",
            queue_url=errors.url,
            policy=pulumi.Output.all(
                queue_arn=errors.arn, rule_arns=pulumi.Output.all(*(rule.arn for rule in rules))
            ).apply(lambda arns: json.dumps(inbox_rule_errors_policy(**arns))),
            opts=child,
        )
        self.principals = {}
        for rule, made in zip(args.rules, rules, strict=True):
            role, policy = _role(f"{name}-{rule.key}", rule, made, args, child)
            aws.cloudwatch.EventTarget(
                f"{name}-{rule.key}-target",
                rule=made.name,
                event_bus_name=rule.bus,
                arn=args.inbox_arn,
                role_arn=role.arn,
                sqs_target={"message_group_id": rule.address},
                dead_letter_config={"arn": errors.arn},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, letting]),
            )
            self.principals[f"{rule.address} {rule.key}"] = role.unique_id
        self.errors_name = errors.name
        self.register_outputs({"principals": self.principals, "errors_name": self.errors_name})


def _rule(
    rule: InboxRule, args: InboxRulesArgs, child: pulumi.ResourceOptions
) -> aws.cloudwatch.EventRule:
    return aws.cloudwatch.EventRule(
        f"{args.namespace}-inbox-{rule.key}",
        description=f"Events for {rule.address}",
        event_bus_name=rule.bus,
        event_pattern=rule.pattern,
        tags=dict(args.tags),
        opts=child,
    )


def _role(
    name: str,
    rule: InboxRule,
    made: aws.cloudwatch.EventRule,
    args: InboxRulesArgs,
    child: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    role = aws.iam.Role(
        f"{role_name(args.namespace, 'inbox')}-{rule.key}",
        description=f"A rule of EventBridge sends events for {rule.address}",
        assume_role_policy=pulumi.Output.all(rule_arn=made.arn, place=args.place).apply(
            lambda found: json.dumps(
                inbox_rule_trust_policy(rule_arn=found["rule_arn"], account=found["place"].account)
            )
        ),
        tags=dict(args.tags),
        opts=child,
    )
    policy = aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.id,
        policy=pulumi.Output.from_input(args.inbox_arn).apply(
            lambda arn: json.dumps(inbox_rule_policy(queue_arn=arn))
        ),
        opts=child,
    )
    return role, policy
