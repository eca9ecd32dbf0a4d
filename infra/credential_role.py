"""The role that the credential Lambda runs under.

Owns the bare role. It stands apart from the function because the client role must name it in its
trust policy before the function, which needs the client role, can be made. What the role may do is
attached by `infra.credential_lambda`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.policies import lambda_trust_policy, role_name


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRoleArgs:
    """What the role is made of.

    Attributes:
        namespace: The namespace, for the role's name.
        tags: For the role.
    """

    namespace: str
    tags: Mapping[str, str]


class CredentialRole(pulumi.ComponentResource):
    """Give the credential Lambda an identity that the client role can trust.

    Pulumi type: ``serverless-websockets:infra:CredentialRole``

    Creates:
        * IAM role, assumable by the Lambda service.

    Outputs:
        arn: The role's ARN.
        role_name: The role's name, to attach policies to.
    """

    arn: pulumi.Output[str]
    role_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: CredentialRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:CredentialRole", name, None, opts)
        role = aws.iam.Role(
            role_name(args.namespace, "credentials"),
            description="The credential Lambda: may become a client, and nothing more",
            assume_role_policy=json.dumps(lambda_trust_policy()),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = role.arn
        self.role_name = role.name
        self.register_outputs({"arn": self.arn, "role_name": self.role_name})
