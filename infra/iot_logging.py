"""IoT Core's own log, which a region has one of.

Owns the level and the role to write it with. The setting belongs to the account's region and not to
the stack: only one stack may hold it, and none does unless it is told to.

Source: AWS IoT developer guide, "Configure AWS IoT logging"; SetV2LoggingOptions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.bridge_policies import iot_logging_policy, iot_trust_policy
from infra.policies import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class IotLoggingArgs:
    """What the log is made of.

    Attributes:
        place: Where it is.
        namespace: The namespace, for the role's name.
        level: Least severe line: DEBUG, INFO, WARN, ERROR, or DISABLED.
        tags: For the role.
    """

    place: pulumi.Input[Place]
    namespace: str
    level: str
    tags: Mapping[str, str]


class IotLogging(pulumi.ComponentResource):
    """Set how much IoT Core logs in this region.

    Pulumi type: ``serverless-websockets:infra:IotLogging``

    Creates:
        * IoT logging options of the region.
        * IAM role with which IoT writes the log group `AWSIotLogsV2`.

    Outputs:
        role_arn: That role.
    """

    role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: IotLoggingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:IotLogging", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = pulumi.Output.from_input(args.place)
        role = aws.iam.Role(
            f"{args.namespace}-iot-logging",
            description="IoT Core writes its log",
            assume_role_policy=place.apply(lambda at: json.dumps(iot_trust_policy(at))),
            tags=dict(args.tags),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.id,
            policy=place.apply(lambda at: json.dumps(iot_logging_policy(at))),
            opts=child,
        )
        aws.iot.LoggingOptions(
            f"{name}-options",
            default_log_level=args.level,
            disable_all_logs=args.level == "DISABLED",
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn})
