"""How callers inside the VPC reach the gateway service.

Owns the internal load balancer, its listener and target group, both security groups, and the name it is
called by. Does not own the tasks behind it (`infra.gateway_service`).

Health is asked of `/healthz`, not `/readyz`: when IoT Core is in trouble every gateway says it is
not ready, and a load balancer that believed them would have ECS replace all tasks, over and over.

Source: Elastic Load Balancing user guide, "Target groups for your Application Load Balancers";
ECS best practices, "Graceful shutdowns".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.service_settings import GatewayServiceSettings

PORT: Final = 8_080
"""Where a gateway listens in its task."""

IDLE_S: Final = 60
"""Longest silence on a caller's connection; shorter than the gateway's own 75 s, so that it is the
load balancer that closes first and no request meets a closing connection."""

DRAIN_S: Final = 30
"""Time a leaving task still answers what it was sent; see `infra.gateway_service`."""

TLS_POLICY: Final = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3 and 1.2. Source: "Security policies for your Application Load Balancer"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNetworkArgs:
    """What the network side is made of.

    Attributes:
        namespace: The namespace, for names.
        service: VPC, subnets, callers, certificate.
        protect: Whether the load balancer refuses deletion.
        tags: For everything that takes tags.
    """

    namespace: str
    service: GatewayServiceSettings
    protect: bool
    tags: Mapping[str, str]


class GatewayNetwork(pulumi.ComponentResource):
    """Balance callers of one VPC over the gateways.

    Pulumi type: ``serverless-websockets:infra:GatewayNetwork``

    Creates:
        * Security group of the load balancer: the configured ranges may call, it may reach tasks.
        * Security group of the tasks: the load balancer may call, tasks may call AWS over HTTPS.
        * Application Load Balancer, internal.
        * Target group with a health check on `/healthz`.
        * Listener: TLS with a certificate, plain HTTP without.
        * With a zone: the alias record of the domain.

    Outputs:
        url: Where services post events.
        target: The load balancer's own name, which a record made elsewhere must point to.
        target_group_arn: For the service, once the listener is there.
        tasks_group_id: Security group of the tasks.
        balancer_suffix: The load balancer, as CloudWatch names it.
        target_suffix: The target group, as CloudWatch names it.
    """

    url: pulumi.Output[str]
    target: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    tasks_group_id: pulumi.Output[str]
    balancer_suffix: pulumi.Output[str]
    target_suffix: pulumi.Output[str]

    def __init__(
        self, name: str, args: GatewayNetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:GatewayNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secure = bool(args.service.certificate_arn)
        port = 443 if secure else 80
        callers = _group(name, "callers", args, child)
        tasks = _group(name, "tasks", args, child)
        _open(self, name, args, port=port, callers=callers, tasks=tasks)
        balancer = aws.lb.LoadBalancer(
            _short(args.namespace),
            internal=True,
            load_balancer_type="application",
            security_groups=[callers.id],
            subnets=list(args.service.subnet_ids),
            idle_timeout=IDLE_S,
            drop_invalid_header_fields=True,
            enable_deletion_protection=args.protect,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        target = aws.lb.TargetGroup(
            _short(args.namespace),
            vpc_id=args.service.vpc_id,
            target_type="ip",
            port=PORT,
            protocol="HTTP",
            deregistration_delay=DRAIN_S,
            health_check={
                "path": "/healthz",
                "interval": 10,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
                "matcher": "200",
            },
            tags=dict(args.tags),
            opts=child,
        )
        listener = aws.lb.Listener(
            f"{name}-listener",
            load_balancer_arn=balancer.arn,
            port=port,
            protocol="HTTPS" if secure else "HTTP",
            certificate_arn=args.service.certificate_arn or None,
            ssl_policy=TLS_POLICY if secure else None,
            default_actions=[{"type": "forward", "target_group_arn": target.arn}],
            tags=dict(args.tags),
            opts=child,
        )
        if args.service.zone_id:
            _record(name, args.service, balancer, child)
        host = args.service.domain or balancer.dns_name
        self.url = pulumi.Output.concat("https://" if secure else "http://", host)
        self.target = balancer.dns_name
        self.target_group_arn = pulumi.Output.all(target.arn, listener.id).apply(
            lambda ready: str(ready[0])
        )
        self.tasks_group_id = tasks.id
        self.balancer_suffix = balancer.arn_suffix
        self.target_suffix = target.arn_suffix
        self.register_outputs({"url": self.url, "target_group_arn": self.target_group_arn})


def _short(namespace: str) -> str:
    # 32 characters in all, of which Pulumi takes 8; letters, digits and inner hyphens only.
    return f"gw-{namespace.replace('_', '-').strip('-')[:20]}"


def _record(
    name: str,
    service: GatewayServiceSettings,
    balancer: aws.lb.LoadBalancer,
    child: pulumi.ResourceOptions,
) -> None:
    # A alone: an internal load balancer in subnets without IPv6 has no AAAA to point to.
    aws.route53.Record(
        f"{name}-a",
        zone_id=service.zone_id,
        name=service.domain,
        type="A",
        aliases=[
            {
                "name": balancer.dns_name,
                "zone_id": balancer.zone_id,
                "evaluate_target_health": False,
            }
        ],
        opts=child,
    )


def _group(
    name: str, purpose: str, args: GatewayNetworkArgs, child: pulumi.ResourceOptions
) -> aws.ec2.SecurityGroup:
    return aws.ec2.SecurityGroup(
        f"{name}-{purpose}",
        description=f"The {purpose} of one gateway service",
        vpc_id=args.service.vpc_id,
        tags=dict(args.tags),
        opts=child,
    )


def _open(
    parent: pulumi.Resource,
    name: str,
    args: GatewayNetworkArgs,
    *,
    port: int,
    callers: aws.ec2.SecurityGroup,
    tasks: aws.ec2.SecurityGroup,
) -> None:
    for number, cidr in enumerate(args.service.allowed_cidrs):
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-caller-{number}",
            security_group_id=callers.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=cidr,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=parent),
        )
    aws.vpc.SecurityGroupEgressRule(
        f"{name}-to-tasks",
        security_group_id=callers.id,
        ip_protocol="tcp",
        from_port=PORT,
        to_port=PORT,
        referenced_security_group_id=tasks.id,
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-from-balancer",
        security_group_id=tasks.id,
        ip_protocol="tcp",
        from_port=PORT,
        to_port=PORT,
        referenced_security_group_id=callers.id,
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    aws.vpc.SecurityGroupEgressRule(
        f"{name}-to-aws",
        security_group_id=tasks.id,
        description="IoT Core, SQS, DynamoDB, the registry and CloudWatch, all over HTTPS",
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        cidr_ipv4="0.0.0.0/0",
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
