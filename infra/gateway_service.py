"""The gateway as a service: several tasks behind an internal load balancer.

Owns cluster, task definition, service, scaling, log and roles. Does not own the image (the
`Dockerfile` makes it), the way in (`infra.gateway_network`) or what the gateway may do
(`infra.gateway_access`, `infra.outbox`).

How a task leaves: ECS takes it out of the load balancer and sends SIGTERM. The gateway says it is
not ready, waits NOTICE_S for the load balancer to have noticed, closes its port, lets requests and
deliveries under way finish within its own 20 s, and leaves what is unsent in the outbox. STOP_S is
longer than all of that.

The service keys come as an environment variable, which ECS fills from the secret, and the gateway
reads a file: the task writes the one into the other, in a volume of its own memory of the task, and
drops the variable. Hashes of keys only; the keys themselves are nowhere.

Source: ECS developer guide, "Fargate task definitions", "Service auto scaling", "Deployment circuit
breaker"; Dockerfile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.gateway_network import PORT
from infra.policies import Place, role_name
from infra.service_policies import task_execution_policy, tasks_trust_policy
from infra.service_settings import GatewayServiceSettings

NOTICE_S: Final = 15
"""Time for the load balancer to stop sending; its health checks come every 10 s."""

STOP_S: Final = 60
"""Time between SIGTERM and SIGKILL: NOTICE_S, the gateway's 20 s of draining, and room for closing
the outbox (at most 10 s, where a disk hangs) and the traces (2 s)."""

CPU_TARGET_PERCENT: Final = 60
"""Average CPU that scaling aims at: room for the loss of one task in three."""

KEYS_FOLDER: Final = "/run/gateway"
"""The one place a task may write; the image makes it, owned by its user."""

START: Final = (
    f'umask 077 && printf %s "$SERVICE_KEYS" > {KEYS_FOLDER}/keys.json && '
    "unset SERVICE_KEYS && exec python -m gateway serve"
)
"""What a task runs; `exec`, so that SIGTERM reaches the gateway itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayServiceArgs:
    """What the service is made of.

    Attributes:
        place: Where it runs.
        namespace: The namespace, for names.
        service: Image, size, counts, subnets.
        environment: The gateway's settings.
        policy_arns: What its tasks may do.
        tasks_group_id: Security group of the tasks.
        target_group_arn: Where the load balancer finds them.
        log_retention_days: Life of a log line.
        tags: For everything that takes tags.
    """

    place: pulumi.Input[Place]
    namespace: str
    service: GatewayServiceSettings
    environment: Mapping[str, pulumi.Input[str]]
    policy_arns: Sequence[pulumi.Input[str]]
    tasks_group_id: pulumi.Input[str]
    target_group_arn: pulumi.Input[str]
    log_retention_days: int
    tags: Mapping[str, str]


class GatewayService(pulumi.ComponentResource):
    """Run the gateway in ECS on Fargate, arm64, scaled by CPU.

    Pulumi type: ``serverless-websockets:infra:GatewayService``

    Creates:
        * Log group.
        * Task role with the given policies; execution role that pulls, logs and reads the keys.
        * ECS cluster, task definition (non-root, read-only root file system), service with rolling
          updates that roll back by themselves.
        * Auto scaling between the configured counts.

    Outputs:
        cluster_name: For metrics.
        service_name: For metrics.
        log_group_name: The gateways' log.
        task_role_arn: What the tasks run as.
    """

    cluster_name: pulumi.Output[str]
    service_name: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    task_role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: GatewayServiceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:GatewayService", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name_prefix=f"/ecs/{role_name(args.namespace, 'gateway')}-",
            retention_in_days=args.log_retention_days,
            tags=dict(args.tags),
            opts=child,
        )
        task_role, attached = _task_role(name, args, child)
        execution_role, execution_policy = _execution_role(name, args, logs, child)
        cluster = aws.ecs.Cluster(
            role_name(args.namespace, "gateway"),
            settings=[{"name": "containerInsights", "value": "disabled"}],
            tags=dict(args.tags),
            opts=child,
        )
        definition = aws.ecs.TaskDefinition(
            f"{name}-task",
            family=role_name(args.namespace, "gateway"),
            cpu=str(args.service.cpu),
            memory=str(args.service.memory_mb),
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            runtime_platform={"cpu_architecture": "ARM64", "operating_system_family": "LINUX"},
            task_role_arn=task_role.arn,
            execution_role_arn=execution_role.arn,
            volumes=[{"name": "keys"}],
            container_definitions=pulumi.Output.all(
                environment=dict(args.environment), log_group=logs.name, place=args.place
            ).apply(lambda found: json.dumps([_container(args.service, **found)])),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*attached, execution_policy]),
        )
        service = aws.ecs.Service(
            role_name(args.namespace, "gateway"),
            cluster=cluster.arn,
            task_definition=definition.arn,
            desired_count=args.service.min_tasks,
            launch_type="FARGATE",
            platform_version="LATEST",
            network_configuration={
                "subnets": list(args.service.subnet_ids),
                "security_groups": [args.tasks_group_id],
                "assign_public_ip": False,
            },
            load_balancers=[
                {
                    "target_group_arn": args.target_group_arn,
                    "container_name": "gateway",
                    "container_port": PORT,
                }
            ],
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            health_check_grace_period_seconds=60,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            tags=dict(args.tags),
            # How many there are is the scaling's to say after the first deployment.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["desiredCount"]),
        )
        _scaling(name, args, cluster, service, child)
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.log_group_name = logs.name
        self.task_role_arn = task_role.arn
        self.register_outputs(
            {"cluster_name": self.cluster_name, "service_name": self.service_name}
        )


def _container(
    service: GatewayServiceSettings,
    *,
    environment: Mapping[str, str],
    log_group: str,
    place: Place,
) -> dict[str, object]:
    variables = {
        **environment,
        "GATEWAY_PORT": str(PORT),
        "GATEWAY_KEYS_FILE": f"{KEYS_FOLDER}/keys.json",
        "GATEWAY_LOG_FORMAT": "json",
        "GATEWAY_NOTICE_S": str(NOTICE_S),
    }
    probe = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/healthz', timeout=3)"
    return {
        "name": "gateway",
        "image": service.image,
        "essential": True,
        "entryPoint": ["sh", "-c"],
        "command": [START],
        "portMappings": [{"containerPort": PORT, "protocol": "tcp"}],
        "environment": [{"name": key, "value": value} for key, value in sorted(variables.items())],
        "secrets": [{"name": "SERVICE_KEYS", "valueFrom": service.keys_secret_arn}],
        "readonlyRootFilesystem": True,
        "mountPoints": [{"sourceVolume": "keys", "containerPath": KEYS_FOLDER}],
        "linuxParameters": {"initProcessEnabled": False, "capabilities": {"drop": ["ALL"]}},
        "stopTimeout": STOP_S,
        "healthCheck": {
            "command": ["CMD", "python", "-c", probe],
            "interval": 10,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 20,
        },
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": place.region,
                "awslogs-stream-prefix": "gateway",
                # A full buffer must not stop the gateway: lines are lost rather than events late.
                "mode": "non-blocking",
            },
        },
    }


def _task_role(
    name: str, args: GatewayServiceArgs, child: pulumi.ResourceOptions
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    role = aws.iam.Role(
        f"{role_name(args.namespace, 'gateway')}-task",
        description="The gateways of one namespace",
        assume_role_policy=_trust(args),
        tags=dict(args.tags),
        opts=child,
    )
    return role, [
        aws.iam.RolePolicyAttachment(
            f"{name}-attachment-{number}", role=role.name, policy_arn=arn, opts=child
        )
        for number, arn in enumerate(args.policy_arns)
    ]


def _execution_role(
    name: str,
    args: GatewayServiceArgs,
    logs: aws.cloudwatch.LogGroup,
    child: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    role = aws.iam.Role(
        f"{role_name(args.namespace, 'gateway')}-start",
        description="ECS starts the gateways: pulls the image, reads the service keys",
        assume_role_policy=_trust(args),
        tags=dict(args.tags),
        opts=child,
    )
    policy = aws.iam.RolePolicy(
        f"{name}-start-policy",
        role=role.id,
        policy=pulumi.Output.all(place=args.place, log_group_arn=logs.arn).apply(
            lambda found: json.dumps(
                task_execution_policy(
                    partition=found["place"].partition,
                    image=args.service.image,
                    log_group_arn=found["log_group_arn"],
                    keys_secret_arn=args.service.keys_secret_arn,
                )
            )
        ),
        opts=child,
    )
    return role, policy


def _trust(args: GatewayServiceArgs) -> pulumi.Output[str]:
    return pulumi.Output.from_input(args.place).apply(
        lambda place: json.dumps(tasks_trust_policy(place))
    )


def _scaling(
    name: str,
    args: GatewayServiceArgs,
    cluster: aws.ecs.Cluster,
    service: aws.ecs.Service,
    child: pulumi.ResourceOptions,
) -> None:
    target = aws.appautoscaling.Target(
        f"{name}-scaling",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster.name, "/", service.name),
        min_capacity=args.service.min_tasks,
        max_capacity=args.service.max_tasks,
        tags=dict(args.tags),
        opts=child,
    )
    aws.appautoscaling.Policy(
        f"{name}-scaling-cpu",
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration={
            "predefined_metric_specification": {
                "predefined_metric_type": "ECSServiceAverageCPUUtilization"
            },
            "target_value": CPU_TARGET_PERCENT,
            "scale_in_cooldown": 300,
            "scale_out_cooldown": 60,
        },
        opts=child,
    )
