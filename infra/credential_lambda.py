"""The credential Lambda: its function, its log, and what it may do.

Owns how the function runs and which settings it gets. Does not own its code (`lambdas/credentials`),
its bundle (`infra.bundle`), its identity (`infra.credential_role`) or its URL
(`infra.credential_api`).

Source: docs/design.md, "Credential API"; AWS Lambda developer guide, "Advanced logging controls".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.policies import credential_lambda_policy, role_name


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLambdaArgs:
    """What the function is made of.

    Attributes:
        namespace: The namespace, for names.
        code: The bundle.
        role_arn: The role it runs under.
        role_name: The same role, to attach its policy to.
        client_role_arn: The one role it may assume.
        secret_arn: Where its token secret is kept, if it is kept in AWS.
        environment: Its settings, CREDENTIALS_*; secrets among them are Pulumi secrets.
        memory_mb: Memory; CPU grows with it.
        timeout_s: Longest run.
        reserved_concurrency: Most runs at once; -1 reserves none.
        tracing: Whether it sends traces to X-Ray.
        log_level: Level of its own log.
        log_retention_days: Life of a log line.
        tags: For everything that takes tags.
    """

    namespace: str
    code: pulumi.Archive
    role_arn: pulumi.Input[str]
    role_name: pulumi.Input[str]
    client_role_arn: pulumi.Input[str]
    secret_arn: str | None
    environment: Mapping[str, pulumi.Input[str]]
    memory_mb: int
    timeout_s: int
    reserved_concurrency: int
    tracing: bool
    log_level: str
    log_retention_days: int
    tags: Mapping[str, str]


class CredentialLambda(pulumi.ComponentResource):
    """Run the function that turns a JWT into short-lived credentials.

    Pulumi type: ``serverless-websockets:infra:CredentialLambda``

    Creates:
        * Log group with retention: were it left to Lambda, lines would be kept for ever.
        * Inline policy on the credential role: assume the client role, write this log.
        * Lambda function: arm64, python3.13, JSON logs.

    Outputs:
        function_name: Name of the function.
        invoke_arn: What an API integration calls.
        log_group_name: Its log group.
    """

    function_name: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: CredentialLambdaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:CredentialLambda", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name_prefix=f"/aws/lambda/{role_name(args.namespace, 'credentials')}-",
            retention_in_days=args.log_retention_days,
            tags=dict(args.tags),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=args.role_name,
            policy=pulumi.Output.all(
                client_role_arn=args.client_role_arn,
                log_group_arn=logs.arn,
                secret_arn=args.secret_arn,
            ).apply(
                lambda arns: json.dumps(credential_lambda_policy(**arns, tracing=args.tracing))
            ),
            opts=child,
        )
        function = aws.lambda_.Function(
            role_name(args.namespace, "credentials"),
            description="Turns an application's JWT into credentials for one MQTT client",
            code=args.code,
            handler="lambdas.credentials.handler.handler",
            runtime=aws.lambda_.Runtime.PYTHON3D13,
            architectures=["arm64"],
            role=args.role_arn,
            memory_size=args.memory_mb,
            timeout=args.timeout_s,
            reserved_concurrent_executions=args.reserved_concurrency,
            environment={"variables": dict(args.environment)},
            tracing_config={"mode": "Active" if args.tracing else "PassThrough"},
            logging_config={
                "log_format": "JSON",
                "log_group": logs.name,
                "application_log_level": args.log_level,
                "system_log_level": "WARN",
            },
            tags=dict(args.tags),
            # Without its policy the first invocations would fail and leave no log.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.function_name = function.name
        self.invoke_arn = function.invoke_arn
        self.log_group_name = logs.name
        self.register_outputs(
            {
                "function_name": self.function_name,
                "invoke_arn": self.invoke_arn,
                "log_group_name": self.log_group_name,
            }
        )
