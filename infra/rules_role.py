"""The role that topic rules act under.

Owns one role with exactly the deliveries its rules make. Does not own the rules.

Source: AWS IoT developer guide, "Granting an AWS IoT rule the access it requires".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.bridge_policies import iot_trust_policy, rules_policy
from infra.policies import Place, role_name


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesRoleArgs:
    """What the role is made of.

    Attributes:
        place: Whose rules may use it: this account's, in this region.
        namespace: The namespace, for the name.
        error_queue_arn: Where error actions send.
        topic_arns: SNS topics the rules deliver to.
        queue_arns: SQS queues the rules deliver to.
        tags: For the role.
    """

    place: pulumi.Input[Place]
    namespace: str
    error_queue_arn: pulumi.Input[str]
    topic_arns: Sequence[pulumi.Input[str]] = ()
    queue_arns: Sequence[pulumi.Input[str]] = ()
    tags: Mapping[str, str]


class RulesRole(pulumi.ComponentResource):
    """Let the rules engine deliver for this namespace's rules.

    Pulumi type: ``serverless-websockets:infra:RulesRole``

    Creates:
        * IAM role, assumable by IoT for this account and region.
        * Its inline policy: these topics, these queues, the dead letters.

    Outputs:
        arn: The role's ARN, usable once its policy is attached.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: RulesRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:RulesRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{role_name(args.namespace, 'rules')}-{name}",
            description="Topic rules of one namespace: deliver, and keep what cannot be delivered",
            assume_role_policy=pulumi.Output.from_input(args.place).apply(
                lambda place: json.dumps(iot_trust_policy(place))
            ),
            tags=dict(args.tags),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=pulumi.Output.all(
                topic_arns=list(args.topic_arns),
                queue_arns=[args.error_queue_arn, *args.queue_arns],
            ).apply(lambda arns: json.dumps(rules_policy(**arns))),
            opts=child,
        )
        self.arn = pulumi.Output.all(role.arn, policy.id).apply(lambda ready: str(ready[0]))
        self.register_outputs({"arn": self.arn})
