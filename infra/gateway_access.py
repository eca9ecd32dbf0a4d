"""What the gateway may do, wherever it runs.

Owns the policy, and a role for those who are named to assume it. Does not run the gateway.

Source: docs/design.md, "The gateway reaches AWS in one place".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.policies import Place, gateway_policy, gateway_trust_policy, role_name


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAccessArgs:
    """What the access is made of.

    Attributes:
        place: Where its topics and client ids are.
        namespace: The namespace, for names.
        principals: ARNs of roles and users that may assume the role; none: no role.
        outbox_policy_arn: What the shared outbox needs, if there is one.
        inbox_policy_arn: What the inbox needs, if there is one.
        tags: For everything that takes tags.
    """

    place: pulumi.Input[Place]
    namespace: str
    principals: tuple[str, ...]
    outbox_policy_arn: pulumi.Input[str] | None
    inbox_policy_arn: pulumi.Input[str] | None
    tags: Mapping[str, str]


class GatewayAccess(pulumi.ComponentResource):
    """Allow publishing and connection operations inside the namespace.

    Pulumi type: ``serverless-websockets:infra:GatewayAccess``

    Creates:
        * IAM managed policy, to attach to whatever the gateway runs as.
        * With principals: IAM role that they may assume, with the policy (and the outbox's and inbox's) attached.

    Outputs:
        policy_arn: The policy.
        role_arn: The role, or None without principals.
    """

    policy_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: GatewayAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:GatewayAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        policy = aws.iam.Policy(
            f"{role_name(args.namespace, 'gateway')}-policy",
            description="Publish to one namespace and look after its connections",
            policy=pulumi.Output.from_input(args.place).apply(
                lambda place: json.dumps(gateway_policy(place))
            ),
            tags=dict(args.tags),
            opts=child,
        )
        self.policy_arn = policy.arn
        self.role_arn = _role(name, args, policy, child) if args.principals else None
        self.register_outputs({"policy_arn": self.policy_arn, "role_arn": self.role_arn})


def _role(
    name: str, args: GatewayAccessArgs, policy: aws.iam.Policy, child: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    role = aws.iam.Role(
        role_name(args.namespace, "gateway"),
        description="The event gateway of one namespace",
        assume_role_policy=json.dumps(gateway_trust_policy(args.principals)),
        tags=dict(args.tags),
        opts=child,
    )
    attached = [
        aws.iam.RolePolicyAttachment(
            f"{name}-attachment", role=role.name, policy_arn=policy.arn, opts=child
        ).id
    ]
    for kind, arn in (("outbox", args.outbox_policy_arn), ("inbox", args.inbox_policy_arn)):
        if arn is not None:
            attached.append(
                aws.iam.RolePolicyAttachment(
                    f"{name}-{kind}-attachment", role=role.name, policy_arn=arn, opts=child
                ).id
            )
    return pulumi.Output.all(role.arn, *attached).apply(lambda ready: str(ready[0]))
