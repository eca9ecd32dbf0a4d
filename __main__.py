"""The Pulumi program: everything the product needs in one AWS account and region.

     browser ── credential API ──► credential Lambda ──► client role ──┐
        └───────────────────────── IoT endpoint ◄──────────────────────┘
                                    ▲   │
                  gateway service ──┘   ├── topic rules ──► SNS topics, presence queue
                    │  ▲                ▲
                  outbox └── inbox      └── bridge Lambda ◄── queues ◄── SNS topics

Each box is a component in `infra/`; this file only joins them. All but the first line is made as
the configuration asks for it. Run by `pulumi up`; how to configure it: docs/deploy.md.
"""

from pathlib import Path

import pulumi

from infra.alarms import Alarms, AlarmsArgs
from infra.api_domain import CredentialDomain, CredentialDomainArgs
from infra.bridge_topics import BridgeTopics, BridgeTopicsArgs
from infra.bundle import build_bundle
from infra.client_role import ClientRole, ClientRoleArgs
from infra.credential_api import CredentialApi, CredentialApiArgs
from infra.credential_environment import credential_environment
from infra.credential_lambda import CredentialLambda, CredentialLambdaArgs
from infra.credential_role import CredentialRole, CredentialRoleArgs
from infra.dashboard import Dashboard, DashboardArgs
from infra.gateway_access import GatewayAccess, GatewayAccessArgs
from infra.gateway_network import GatewayNetwork, GatewayNetworkArgs
from infra.gateway_service import GatewayService, GatewayServiceArgs
from infra.inbox import Inbox, InboxArgs
from infra.inbox_rules import InboxRules, InboxRulesArgs
from infra.iot_endpoint import look_up_iot_endpoint
from infra.iot_logging import IotLogging, IotLoggingArgs
from infra.iot_to_sns import IotToSns, IotToSnsArgs
from infra.log_metrics import LogMetrics, LogMetricsArgs
from infra.namespace_claim import NamespaceClaim, NamespaceClaimArgs
from infra.outbox import Outbox, OutboxArgs
from infra.place import look_up_place
from infra.presence import Presence, PresenceArgs
from infra.rule_errors import RuleErrors, RuleErrorsArgs
from infra.settings import load_settings
from infra.sns_to_iot import SnsToIot, SnsToIotArgs
from infra.watches import (
    credential_api_watches,
    dead_letter_watch,
    function_watches,
    gateway_watches,
    iot_watches,
    session_policy_watches,
)

ROOT = Path(__file__).parent


def bundle(function: str) -> pulumi.Archive:
    """Return the bundle of one Lambda function, built now, by a path that every machine shares."""
    return pulumi.FileArchive(str(build_bundle(ROOT, function).path.relative_to(ROOT)))


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
        code=bundle("credentials"),
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
        tracing=settings.tracing,
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
credentials_url = credential_api.url
if settings.api_domain:
    domain = CredentialDomain(
        "credential-domain",
        CredentialDomainArgs(
            domain=settings.api_domain,
            api_id=credential_api.api_id,
            stage_name=credential_api.stage_name,
            tags=settings.tags,
        ),
        opts=claimed,
    )
    credentials_url = domain.url
    pulumi.export("apiDomainTarget", domain.target)

outbox = None
if settings.outbox:
    outbox = Outbox(
        "outbox",
        OutboxArgs(namespace=settings.namespace, protect=settings.protect_data, tags=settings.tags),
        opts=claimed,
    )
inbox = None
inbox_rules = None
if settings.inbox:
    inbox = Inbox(
        "inbox",
        InboxArgs(
            namespace=settings.namespace,
            senders=settings.inbox.senders,
            protect=settings.protect_data,
            tags=settings.tags,
        ),
        opts=claimed,
    )
    if settings.inbox.rules:
        inbox_rules = InboxRules(
            "inbox-rules",
            InboxRulesArgs(
                place=place,
                namespace=settings.namespace,
                rules=settings.inbox.rules,
                inbox_arn=inbox.arn,
                protect=settings.protect_data,
                tags=settings.tags,
            ),
            opts=claimed,
        )
        pulumi.export("inboxPrincipals", inbox_rules.principals)
gateway_access = GatewayAccess(
    "gateway-access",
    GatewayAccessArgs(
        place=place,
        namespace=settings.namespace,
        principals=settings.gateway_principals,
        outbox_policy_arn=outbox.policy_arn if outbox else None,
        inbox_policy_arn=inbox.policy_arn if inbox else None,
        tags=settings.tags,
    ),
    opts=claimed,
)

gateway_environment: dict[str, pulumi.Input[str]] = {
    "GATEWAY_NAMESPACE": settings.namespace,
    "GATEWAY_IOT_ENDPOINT": endpoint.https_url,
    "GATEWAY_REGION": place.region,
}
if outbox:
    gateway_environment["GATEWAY_OUTBOX"] = outbox.url
if inbox:
    gateway_environment["GATEWAY_INBOX"] = inbox.url

service = None
network = None
if settings.gateway_service and outbox:
    network = GatewayNetwork(
        "gateway-network",
        GatewayNetworkArgs(
            namespace=settings.namespace,
            service=settings.gateway_service,
            protect=settings.protect_data,
            tags=settings.tags,
        ),
        opts=claimed,
    )
    service = GatewayService(
        "gateway-service",
        GatewayServiceArgs(
            place=place,
            namespace=settings.namespace,
            service=settings.gateway_service,
            environment=gateway_environment,
            policy_arns=[
                gateway_access.policy_arn,
                outbox.policy_arn,
                *([inbox.policy_arn] if inbox else []),
            ],
            tasks_group_id=network.tasks_group_id,
            target_group_arn=network.target_group_arn,
            log_retention_days=settings.log_retention_days,
            tags=settings.tags,
        ),
        opts=claimed,
    )
    pulumi.export("gatewayUrl", network.url)
    if settings.gateway_service.domain:
        pulumi.export("gatewayDomainTarget", network.target)

rule_errors = None
if settings.presence or settings.bridges.outward:
    rule_errors = RuleErrors(
        "rule-errors",
        RuleErrorsArgs(
            namespace=settings.namespace,
            protect=settings.protect_data,
            tags=settings.tags,
        ),
        opts=claimed,
    )
if settings.presence and rule_errors:
    presence = Presence(
        "presence",
        PresenceArgs(
            place=place,
            namespace=settings.namespace,
            error_queue_arn=rule_errors.queue_arn,
            error_queue_url=rule_errors.queue_url,
            tags=settings.tags,
        ),
        opts=claimed,
    )
    pulumi.export("presenceQueueUrl", presence.queue_url)
if settings.iot_log_level:
    IotLogging(
        "iot-logging",
        IotLoggingArgs(
            place=place,
            namespace=settings.namespace,
            level=settings.iot_log_level,
            tags=settings.tags,
        ),
        opts=claimed,
    )

bridge = None
if settings.bridges.topics:
    topics = BridgeTopics(
        "bridge-topics",
        BridgeTopicsArgs(
            namespace=settings.namespace,
            topics=settings.bridges.topics,
            protect=settings.protect_data,
            tags=settings.tags,
        ),
        opts=claimed,
    )
    pulumi.export("snsTopicArns", dict(topics.made))
    if settings.bridges.outward and rule_errors:
        IotToSns(
            "iot-to-sns",
            IotToSnsArgs(
                place=place,
                namespace=settings.namespace,
                bridges=settings.bridges.outward,
                topic_arns=topics.arns,
                error_queue_arn=rule_errors.queue_arn,
                error_queue_url=rule_errors.queue_url,
                tags=settings.tags,
            ),
            opts=claimed,
        )
    if settings.bridges.inward:
        bridge = SnsToIot(
            "sns-to-iot",
            SnsToIotArgs(
                place=place,
                namespace=settings.namespace,
                bridges=settings.bridges.inward,
                topic_arns=topics.arns,
                code=bundle("sns_bridge"),
                iot_endpoint=endpoint.https_url,
                tracing=settings.tracing,
                protect=settings.protect_data,
                log_level=settings.log_level,
                log_retention_days=settings.log_retention_days,
                tags=settings.tags,
            ),
            opts=claimed,
        )

watches = [
    *credential_api_watches(credential_api.api_id),
    *function_watches("credentials", credential_lambda.function_name),
    *session_policy_watches(settings.namespace),
    *iot_watches(),
]
if rule_errors:
    watches.append(
        dead_letter_watch(
            "rule-errors", rule_errors.queue_name, "Topic rules could not deliver messages."
        )
    )
if bridge:
    watches += function_watches("bridge", bridge.function_name)
    watches += [
        dead_letter_watch(
            f"bridge-{line.key}-dead-letters", name, "Messages from SNS could not be published."
        )
        for line, name in zip(settings.bridges.inward, bridge.dead_letter_names, strict=True)
    ]
if outbox:
    watches.append(
        dead_letter_watch(
            "outbox-dead-letters", outbox.dead_letter_name, "Poison messages left the outbox."
        )
    )
if inbox:
    watches.append(
        dead_letter_watch(
            "inbox-dead-letters", inbox.dead_letter_name, "Messages to the inbox were refused."
        )
    )
if inbox_rules:
    watches.append(
        dead_letter_watch(
            "inbox-rules-dead-letters",
            inbox_rules.errors_name,
            "EventBridge could not send events to the inbox.",
        )
    )
if service and network:
    watches += gateway_watches(
        namespace=settings.namespace,
        cluster_name=service.cluster_name,
        service_name=service.service_name,
        balancer_suffix=network.balancer_suffix,
        target_suffix=network.target_suffix,
    )
if settings.alarm_topic_arn or settings.dashboard:
    LogMetrics(
        "log-metrics",
        LogMetricsArgs(
            namespace=settings.namespace,
            credential_log_group=credential_lambda.log_group_name,
            gateway_log_group=service.log_group_name if service else None,
        ),
        opts=claimed,
    )
if settings.alarm_topic_arn:
    Alarms(
        "alarms",
        AlarmsArgs(
            namespace=settings.namespace,
            topic_arn=settings.alarm_topic_arn,
            watches=watches,
            tags=settings.tags,
        ),
        opts=claimed,
    )
if settings.dashboard:
    dashboard = Dashboard(
        "dashboard",
        DashboardArgs(namespace=settings.namespace, region=place.region, watches=watches),
        opts=claimed,
    )
    pulumi.export("dashboardName", dashboard.dashboard_name)

# For the application's pages.
pulumi.export("credentialsUrl", credentials_url)
# For gateways, wherever they run.
pulumi.export("gatewayEnvironment", gateway_environment)
pulumi.export("gatewayPolicyArn", gateway_access.policy_arn)
pulumi.export("gatewayRoleArn", gateway_access.role_arn)
if outbox:
    pulumi.export("outboxPolicyArn", outbox.policy_arn)
if inbox:
    pulumi.export("inboxPolicyArn", inbox.policy_arn)
    pulumi.export("inboxUrl", inbox.url)
