"""The credential API: the HTTP API in front of the credential Lambda.

Owns the route, CORS, throttling and the access log. Does not check tokens: the Lambda does, and
says why it refuses, which an API Gateway authorizer cannot.

With CORS configured here, API Gateway answers preflights itself, adds the headers to every response
and drops those of the Lambda, which therefore sends none.

Source: API Gateway developer guide, "Working with HTTP APIs": CORS, throttling, logging variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.policies import role_name

ROUTE: Final = "POST /credentials"
"""The only route. Source: docs/design.md, "Credential API"."""

CORS_MAX_AGE_S: Final = 3_600
"""How long a browser may remember a preflight; Chromium caps it at two hours."""

ACCESS_LOG_FIELDS: Final = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "userAgent": "$context.identity.userAgent",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
}
"""What is logged of each request: no header and no body, so no token and no credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialApiArgs:
    """What the API is made of.

    Attributes:
        namespace: The namespace, for names.
        function_name: The Lambda behind it.
        invoke_arn: What the integration calls.
        allowed_origins: Browser origins that may ask.
        requests_per_s: Steady rate; above it API Gateway answers 429 itself.
        burst_requests: Burst above that rate.
        log_retention_days: Life of an access log line.
        tags: For everything that takes tags.
    """

    namespace: str
    function_name: pulumi.Input[str]
    invoke_arn: pulumi.Input[str]
    allowed_origins: tuple[str, ...]
    requests_per_s: int
    burst_requests: int
    log_retention_days: int
    tags: Mapping[str, str]


class CredentialApi(pulumi.ComponentResource):
    """Serve `POST /credentials` over HTTPS.

    Pulumi type: ``serverless-websockets:infra:CredentialApi``

    Creates:
        * HTTP API with CORS for the configured origins.
        * Integration (payload 2.0) and the route.
        * Permission for this API's route, and no other, to invoke the function.
        * Log group for access logs, JSON, without tokens.
        * Default stage, deployed automatically, throttled.

    Outputs:
        url: Where browsers ask for credentials.
        api_id: Id of the API, for names of its own and metrics.
        stage_name: Its stage, once it is there.
    """

    url: pulumi.Output[str]
    api_id: pulumi.Output[str]
    stage_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: CredentialApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:CredentialApi", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        api = aws.apigatewayv2.Api(
            role_name(args.namespace, "credentials"),
            description="Credentials for MQTT clients, in exchange for a JWT",
            protocol_type="HTTP",
            cors_configuration={
                "allow_origins": list(args.allowed_origins),
                "allow_methods": ["POST"],
                "allow_headers": ["authorization", "content-type"],
                "expose_headers": ["retry-after"],
                "max_age": CORS_MAX_AGE_S,
            },
            tags=dict(args.tags),
            opts=child,
        )
        route = _route(name, api, args, child)
        stage = aws.apigatewayv2.Stage(
            f"{name}-stage",
            api_id=api.id,
            name="$default",
            auto_deploy=True,
            default_route_settings={
                "throttling_rate_limit": args.requests_per_s,
                "throttling_burst_limit": args.burst_requests,
            },
            access_log_settings={
                "destination_arn": _access_log(name, args, child).arn,
                "format": json.dumps(ACCESS_LOG_FIELDS),
            },
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route]),
        )
        # The stage's own invoke_url ends in a slash or not, by provider version; the API's does not.
        self.url = pulumi.Output.all(api.api_endpoint, stage.id).apply(
            lambda ready: f"{ready[0]}/credentials"
        )
        self.api_id = api.id
        self.stage_name = stage.name
        self.register_outputs(
            {"url": self.url, "api_id": self.api_id, "stage_name": self.stage_name}
        )


def _route(
    name: str,
    api: aws.apigatewayv2.Api,
    args: CredentialApiArgs,
    child: pulumi.ResourceOptions,
) -> aws.apigatewayv2.Route:
    integration = aws.apigatewayv2.Integration(
        f"{name}-integration",
        api_id=api.id,
        integration_type="AWS_PROXY",
        integration_uri=args.invoke_arn,
        payload_format_version="2.0",
        opts=child,
    )
    method, path = ROUTE.split()
    aws.lambda_.Permission(
        f"{name}-permission",
        action="lambda:InvokeFunction",
        function=args.function_name,
        principal="apigateway.amazonaws.com",
        source_arn=pulumi.Output.concat(api.execution_arn, f"/*/{method}{path}"),
        opts=child,
    )
    return aws.apigatewayv2.Route(
        f"{name}-route",
        api_id=api.id,
        route_key=ROUTE,
        target=pulumi.Output.concat("integrations/", integration.id),
        opts=child,
    )


def _access_log(
    name: str, args: CredentialApiArgs, child: pulumi.ResourceOptions
) -> aws.cloudwatch.LogGroup:
    # Below /aws/vendedlogs/ the groups do not each add to the account's one log resource policy,
    # which otherwise overflows its 5,120 characters after a few dozen APIs.
    return aws.cloudwatch.LogGroup(
        f"{name}-access-log",
        name_prefix=f"/aws/vendedlogs/apis/{role_name(args.namespace, 'credentials')}-",
        retention_in_days=args.log_retention_days,
        tags=dict(args.tags),
        opts=child,
    )
