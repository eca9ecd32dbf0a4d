"""Where the stack is deployed, asked of the provider: partition, region, account.

Owns the look-up that turns a namespace into the `Place` that every policy is built from.
Does not own the policies (`infra.policies`). Calls the provider, so it is a function that the
program calls, never part of a component's constructor.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.policies import Place


def look_up_place(namespace: str) -> pulumi.Output[Place]:
    """Return the place of a namespace, as the AWS provider of this stack sees it."""
    return pulumi.Output.all(
        partition=aws.get_partition_output().partition,
        region=aws.get_region_output().region,
        account=aws.get_caller_identity_output().account_id,
    ).apply(lambda found: Place(namespace=namespace, **found))
