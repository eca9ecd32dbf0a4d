"""The claim on a namespace: two stacks must never hear each other.

Owns the one resource of the stack with a fixed name. An account has one IoT endpoint per region,
so two stacks with the same namespace there would share every topic and every client id. The
parameter's name is the namespace: the second stack's `pulumi up` fails before anything else exists.

Source: docs/decisions/0006-namespaces-in-one-account.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceClaimArgs:
    """What a claim is made of.

    Attributes:
        namespace: The namespace claimed, in this account and region.
        claimant: Who claims it, for the people who find the parameter.
        tags: For the parameter.
    """

    namespace: str
    claimant: Mapping[str, str]
    tags: Mapping[str, str]


class NamespaceClaim(pulumi.ComponentResource):
    """Claim a namespace for this stack, or fail.

    Pulumi type: ``serverless-websockets:infra:NamespaceClaim``

    Creates:
        * SSM parameter `/serverless-websockets/namespaces/<namespace>` (standard tier, no charge).

    Outputs:
        namespace: The namespace, once it is claimed.
    """

    namespace: pulumi.Output[str]

    def __init__(
        self, name: str, args: NamespaceClaimArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:NamespaceClaim", name, None, opts)
        parameter = aws.ssm.Parameter(
            f"{name}-parameter",
            name=f"/serverless-websockets/namespaces/{args.namespace}",
            type=aws.ssm.ParameterType.STRING,
            value=json.dumps(dict(args.claimant), sort_keys=True),
            description="Which stack owns this namespace of the region's IoT endpoint",
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = parameter.name.apply(lambda full: full.rpartition("/")[2])
        self.register_outputs({"namespace": self.namespace})
