"""The Pulumi program: everything the product needs in one AWS account and region.

     browser ── credential API ──► credential Lambda ──► client role ──┐
        └───────────────────────── IoT endpoint ◄──────────────────────┘
                                        ▲
                       gateway ── gateway access

Each box is a component in `infra/`; this file only joins them. Run by `pulumi up`; how to
configure it: docs/deploy.md.
"""

from pathlib import Path

import pulumi

from infra.bundle import build_bundle
from infra.client_role import ClientRole, ClientRoleArgs
from infra.credential_api import CredentialApi, CredentialApiArgs
from infra.credential_environment import credential_environment
from infra.credential_lambda import CredentialLambda, CredentialLambdaArgs
from infra.credential_role import CredentialRole, CredentialRoleArgs
from infra.gateway_access import GatewayAccess, GatewayAccessArgs
from infra.iot_endpoint import look_up_iot_endpoint
from infra.namespace_claim import NamespaceClaim, NamespaceClaimArgs
from infra.place import look_up_place
from infra.settings import load_settings

ROOT = Path(__file__).parent

settings = load_settings()
place = look_up_place(settings.namespace)
endpoint = look_up_iot_endpoint()

claim = NamespaceClaim(
    "namespace",
    NamespaceClaimArgs(
        namespace=settings.namespace,
        claimant={"project": pulumi.get_project(), "stack": pulumi.get_stack()},
        tags=settings.tags,
    ),
)
# Nothing of the stack exists before the namespace is its own.
claimed = pulumi.ResourceOptions(depends_on=[claim])

credential_role = CredentialRole(
    "credential-role",
    CredentialRoleArgs(namespace=settings.namespace, tags=settings.tags),
    opts=claimed,
)
client_role = ClientRole(
    "client-role",
    ClientRoleArgs(
        place=place,
        namespace=settings.namespace,
        credential_role_arn=credential_role.arn,
        tags=settings.tags,
    ),
    opts=claimed,
)
credential_lambda = CredentialLambda(
    "credential-lambda",
    CredentialLambdaArgs(
        namespace=settings.namespace,
        code=pulumi.FileArchive(str(build_bundle(ROOT, "credentials").path.relative_to(ROOT))),
        role_arn=credential_role.arn,
        role_name=credential_role.role_name,
        client_role_arn=client_role.arn,
        secret_arn=settings.jwt_secret_arn,
        environment=credential_environment(
            settings, place=place, endpoint=endpoint, client_role_arn=client_role.arn
        ),
        memory_mb=settings.lambda_memory_mb,
        timeout_s=settings.lambda_timeout_s,
        reserved_concurrency=settings.lambda_reserved_concurrency,
        log_level=settings.log_level,
        log_retention_days=settings.log_retention_days,
        tags=settings.tags,
    ),
    opts=claimed,
)
credential_api = CredentialApi(
    "credential-api",
    CredentialApiArgs(
        namespace=settings.namespace,
        function_name=credential_lambda.function_name,
        invoke_arn=credential_lambda.invoke_arn,
        allowed_origins=settings.allowed_origins,
        requests_per_s=settings.api_requests_per_s,
        burst_requests=settings.api_burst_requests,
        log_retention_days=settings.log_retention_days,
        tags=settings.tags,
    ),
    opts=claimed,
)
gateway_access = GatewayAccess(
    "gateway-access",
    GatewayAccessArgs(
        place=place,
        namespace=settings.namespace,
        principals=settings.gateway_principals,
        tags=settings.tags,
    ),
    opts=claimed,
)

# For the application's pages.
pulumi.export("credentialsUrl", credential_api.url)
# For the gateway, wherever it runs.
pulumi.export(
    "gatewayEnvironment",
    {
        "GATEWAY_NAMESPACE": settings.namespace,
        "GATEWAY_IOT_ENDPOINT": endpoint.https_url,
        "GATEWAY_REGION": place.region,
    },
)
pulumi.export("gatewayPolicyArn", gateway_access.policy_arn)
pulumi.export("gatewayRoleArn", gateway_access.role_arn)
