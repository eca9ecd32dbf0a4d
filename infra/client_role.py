"""The role that every browser's credentials belong to.

Owns the role and what any client may do at most. Does not narrow it to one client: that is the
session policy the credential Lambda passes to AssumeRole (`wire.policy`).

Source: docs/design.md, "Tokens, grants, session policy".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.policies import Place, client_role_policy, client_trust_policy, role_name

MAX_SESSION_S: Final = 3_600
"""Longest life of a client's credentials. Source: STS, role chaining is limited to one hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRoleArgs:
    """What a client role is made of.

    Attributes:
        place: Where its topics and client ids are.
        namespace: The namespace, for the role's name.
        credential_role_arn: The one role that may assume it.
        tags: For the role.
    """

    place: pulumi.Input[Place]
    namespace: str
    credential_role_arn: pulumi.Input[str]
    tags: Mapping[str, str]


class ClientRole(pulumi.ComponentResource):
    """Let browsers connect, subscribe, receive and publish inside the namespace.

    Pulumi type: ``serverless-websockets:infra:ClientRole``

    Creates:
        * IAM role, assumable by the credential Lambda's role alone, for at most an hour.
        * Its inline policy: IoT actions inside the namespace, nothing else.

    Outputs:
        arn: The role's ARN, usable once its policy is attached.
    """

    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: ClientRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:ClientRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            role_name(args.namespace, "client"),
            description="Browsers of one namespace; every session is narrowed by a session policy",
            assume_role_policy=pulumi.Output.from_input(args.credential_role_arn).apply(
                lambda arn: json.dumps(client_trust_policy(arn))
            ),
            max_session_duration=MAX_SESSION_S,
            tags=dict(args.tags),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=pulumi.Output.from_input(args.place).apply(
                lambda place: json.dumps(client_role_policy(place))
            ),
            opts=child,
        )
        self.arn = pulumi.Output.all(role.arn, policy.id).apply(lambda ready: str(ready[0]))
        self.register_outputs({"arn": self.arn})
