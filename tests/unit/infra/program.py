"""The Pulumi program, run whole against a make-believe AWS account.

Owns what AWS would answer: names, ids, ARNs, look-ups. A resource type it does not know fails the
run by name, so that a new resource is never silently unchecked. Runs the repository as a directory,
as the Pulumi host does.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import runpy
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import SETTINGS, get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

ROOT = Path(__file__).resolve().parents[3]
PROJECT = "serverless-websockets"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
IOT_HOST = "abcdefghijklmn-ats.iot.eu-west-1.amazonaws.com"
SECRET = "0123456789abcdef0123456789abcdef"

MINIMAL = {
    "jwtAlgorithms": '["RS256"]',
    "jwksUrl": "https://login.example.com/.well-known/jwks.json",
    "allowedOrigins": '["https://app.example.com"]',
}
"""The settings that have no default."""

EVERYTHING = {
    "namespace": "push-prod",
    "tags": '["Team=web", "CostCentre=4711"]',
    "jwtAlgorithms": '["HS256", "HS512"]',
    "jwtSecret": SECRET,
    "jwtIssuer": "https://login.example.com/",
    "jwtAudience": "push,shop",
    "allowedOrigins": '["https://app.example.com", "http://localhost:5173"]',
    "credentialLifetimeS": "900",
    "lambdaMemoryMb": "1024",
    "lambdaTimeoutS": "5",
    "lambdaReservedConcurrency": "20",
    "apiRequestsPerS": "200",
    "apiBurstRequests": "400",
    "logRetentionDays": "90",
    "logLevel": "DEBUG",
    "gatewayPrincipals": '["arn:aws:iam::123456789012:role/services/gateway"]',
    "tracing": "true",
    "apiDomain": "push.example.com",
    "apiCertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b2c3d-0a1b",
    "apiZoneId": "Z0123456789ABC",
    "presence": "true",
    "iotLogLevel": "WARN",
    "iotToSns": json.dumps(
        ["group:support/* -> support", f"user:* -> arn:aws:sns:{REGION}:{ACCOUNT}:audit raw"]
    ),
    "snsToIot": json.dumps(
        [
            "orders.fifo -> group:orders/*",
            "support -> group:support/hall",
            f"arn:aws:sns:{REGION}:{ACCOUNT}:news -> everyone raw",
        ]
    ),
    "outbox": "true",
    "inbox": "true",
    "inboxSenders": f'["arn:aws:iam::{ACCOUNT}:role/billing", "arn:aws:iam::210987654321:user/shop"]',
    "inboxRules": json.dumps(
        [
            'group:orders/eu <- {"source": ["com.example.orders"]}',
            'everyone <- shop {"detail-type": ["Sale"]}',
        ]
    ),
    "protectData": "false",
    "alarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call",
    "dashboard": "true",
    "gatewayVpcId": "vpc-0a1b2c3d",
    "gatewaySubnetIds": '["subnet-0a1b2c3d", "subnet-1a1b2c3d"]',
    "gatewayAllowedCidrs": '["10.0.0.0/16", "10.1.0.0/16"]',
    "gatewayImage": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/push/gateway:1.4.2",
    "gatewayKeysSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:keys-AbCdEf",
    "gatewayDomain": "gateway.example.com",
    "gatewayZoneId": "Z1123456789ABC",
    "gatewayCertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1a1b2c3d-0a1b",
    "gatewayCpu": "1024",
    "gatewayMemoryMb": "2048",
    "gatewayMinTasks": "3",
    "gatewayMaxTasks": "9",
}
"""Every setting that can stand next to the others, none at its default."""

LOOK_UPS: Mapping[str, dict[str, Any]] = {
    "aws:index/getPartition:getPartition": {"id": "aws", "partition": "aws"},
    "aws:index/getRegion:getRegion": {"id": REGION, "region": REGION, "name": REGION},
    "aws:index/getCallerIdentity:getCallerIdentity": {"id": ACCOUNT, "accountId": ACCOUNT},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One resource of the program.

    Attributes:
        type: Pulumi type token.
        name: Logical name.
        inputs: As the provider would get them, secrets in the clear.
        secret_inputs: The names among them that Pulumi encrypts in its state.
        outputs: What AWS would answer: the inputs, the physical name, ARNs.
        protect: Whether Pulumi refuses to delete it.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    secret_inputs: frozenset[str]
    outputs: dict[str, Any]
    protect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a run of the program asked for, in order, and what it exported."""

    resources: list[Registered]
    exports: dict[str, Any]

    def all(self, type_: str) -> list[Registered]:
        """Return the AWS resources of a type, such as `iam/role:Role`."""
        return [found for found in self.resources if found.type == f"aws:{type_}"]

    def one(self, type_: str, name_part: str = "") -> Registered:
        """Return the only AWS resource of a type whose name holds a part."""
        (found,) = [found for found in self.all(type_) if name_part in found.name]
        return found

    def texts(self) -> Iterator[str]:
        """Yield every text in every input, those inside JSON documents included."""
        for resource in self.resources:
            yield from _texts(resource.inputs)


@dataclass(slots=True)
class Account(mocks.Mocks):
    """The make-believe account: gives names and ARNs, and remembers what was asked.

    A subclass may create things for real: it answers look-ups and makes resources its own way.
    """

    resources: list[Registered] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    protected: set[tuple[str, str]] = field(default_factory=set)

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Answer a look-up."""
        if args.token == "aws:iot/getEndpoint:getEndpoint":
            assert args.args["endpointType"] == "iot:Data-ATS"
            return {"id": IOT_HOST, "endpointAddress": IOT_HOST}
        return LOOK_UPS[args.token]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Create a resource, that is: name it."""
        secret = frozenset(name for name, value in args.inputs.items() if _is_secret(value))
        inputs = {name: _plain(value) for name, value in args.inputs.items()}
        id_, outputs = (args.name, {}) if not args.custom else self.create(args, inputs)
        with self.lock:
            self.resources.append(
                Registered(
                    type=args.typ,
                    name=args.name,
                    inputs=inputs,
                    secret_inputs=secret,
                    outputs={**outputs, "id": id_},
                    protect=(args.typ, args.name) in self.protected,
                )
            )
        return id_, outputs

    def create(
        self, args: mocks.MockResourceArgs, inputs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Return the id and outputs of one resource, its secrets in the clear."""
        return created(args, inputs)

    def note_protection(
        self, args: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        """Remember whether a resource about to be registered is protected; change nothing."""
        if args.opts.protect:
            with self.lock:
                self.protected.add((args.type_, args.name))
        return None


def run_program(
    config: Mapping[str, str], *, stack: str = "prod", account: Account | None = None
) -> Program:
    """Run the repository's program for one configuration.

    Args:
        config: The stack configuration, without the project's name.
        stack: Its name.
        account: What it runs against; None for a new make-believe one.

    Raises:
        pulumi.RunError: As `pulumi up` would show it.
    """
    # Pulumi keeps the run in context variables; a context of its own leaves nothing behind.
    return contextvars.copy_context().run(_run, config, stack, account or Account())


def _run(config: Mapping[str, str], stack: str, account: Account) -> Program:
    exports: dict[str, Any] = {}

    async def program() -> None:
        pulumi.runtime.register_stack_transformation(account.note_protection)
        runpy.run_path(str(ROOT), run_name="__main__")
        exports.update(await pulumi.Output.from_input(_exported()).future() or {})

    loop = asyncio.new_event_loop()
    loops = [loop]

    def give_thread_a_loop() -> None:
        # The mock monitor wants one in each thread, and would never close those it makes itself.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    threads = ThreadPoolExecutor(max_workers=4, initializer=give_thread_a_loop)
    loop.set_default_executor(threads)
    asyncio.set_event_loop(loop)
    try:
        set_root_resource(None)  # type: ignore[arg-type]  # a new run has none yet
        pulumi.runtime.set_mocks(account, project=PROJECT, stack=stack, preview=False)
        pulumi.runtime.set_all_config(
            {f"{PROJECT}:{key}": value for key, value in config.items()},
            [f"{PROJECT}:jwtSecret"],
        )
        loop.run_until_complete(run_pulumi_func(program))
    finally:
        # A run that failed leaves these behind, and the next one would wait for them.
        SETTINGS.outputs.clear()
        SETTINGS.rpc_manager.clear()
        threads.shutdown()
        asyncio.set_event_loop(None)
        for each in loops:
            each.close()
    return Program(resources=account.resources, exports=exports)


def _exported() -> dict[str, Any]:
    root = get_root_resource()
    assert isinstance(root, Stack)
    return dict(root.outputs)


def created(args: mocks.MockResourceArgs, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the id and outputs that AWS would give one resource.

    Raises:
        KeyError: The type is not known here: a new resource is to be looked at, not waved through.
    """
    name = inputs.get("name") or f"{inputs.get('namePrefix') or args.name + '-'}1a2b3c4"
    if inputs.get("fifoQueue") or inputs.get("fifoTopic"):
        name += ".fifo"
    kind = args.typ.removeprefix("aws:")
    outputs = {**inputs, "name": name, **_MORE_OUTPUTS.get(kind, {})}
    if kind in WITHOUT_ARN:
        return f"{args.name}-id", outputs
    outputs["arn"] = ARNS[kind].format(local=f"{REGION}:{ACCOUNT}", account=ACCOUNT, name=name)
    if kind == "lambda/function:Function":
        outputs["invokeArn"] = (
            f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{outputs['arn']}"
            "/invocations"
        )
    if kind == "apigatewayv2/api:Api":
        return "a1b2c3d4e5", outputs
    if kind == "sqs/queue:Queue":
        outputs["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        return outputs["url"], outputs
    if kind in {"iam/policy:Policy", "sns/topic:Topic", "lb/targetGroup:TargetGroup"}:
        return outputs["arn"], outputs
    return name, outputs


ARNS: Mapping[str, str] = {
    "iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "iam/policy:Policy": "arn:aws:iam::{account}:policy/{name}",
    "lambda/function:Function": "arn:aws:lambda:{local}:function:{name}",
    "lambda/eventSourceMapping:EventSourceMapping": "arn:aws:lambda:{local}:event-source-mapping:{name}",
    "cloudwatch/logGroup:LogGroup": "arn:aws:logs:{local}:log-group:{name}",
    "cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:{local}:alarm:{name}",
    "apigatewayv2/api:Api": f"arn:aws:apigateway:{REGION}::/apis/a1b2c3d4e5",
    "apigatewayv2/stage:Stage": f"arn:aws:apigateway:{REGION}::/apis/a1b2c3d4e5/stages/x",
    "apigatewayv2/domainName:DomainName": f"arn:aws:apigateway:{REGION}::/domainnames/{{name}}",
    "cloudwatch/eventRule:EventRule": "arn:aws:events:{local}:rule/{name}",
    "ssm/parameter:Parameter": "arn:aws:ssm:{local}:parameter{name}",
    "iot/topicRule:TopicRule": "arn:aws:iot:{local}:rule/{name}",
    "sns/topic:Topic": "arn:aws:sns:{local}:{name}",
    "sns/topicSubscription:TopicSubscription": "arn:aws:sns:{local}:{name}",
    "sqs/queue:Queue": "arn:aws:sqs:{local}:{name}",
    "dynamodb/table:Table": "arn:aws:dynamodb:{local}:table/{name}",
    "ecs/cluster:Cluster": "arn:aws:ecs:{local}:cluster/{name}",
    "ecs/taskDefinition:TaskDefinition": "arn:aws:ecs:{local}:task-definition/{name}:1",
    "ecs/service:Service": "arn:aws:ecs:{local}:service/{name}",
    "lb/loadBalancer:LoadBalancer": "arn:aws:elasticloadbalancing:{local}:loadbalancer/app/{name}/0",
    "lb/targetGroup:TargetGroup": "arn:aws:elasticloadbalancing:{local}:targetgroup/{name}/0",
    "lb/listener:Listener": "arn:aws:elasticloadbalancing:{local}:listener/app/{name}/0/1",
    "ec2/securityGroup:SecurityGroup": "arn:aws:ec2:{local}:security-group/{name}",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "arn:aws:ec2:{local}:security-group-rule/{name}",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "arn:aws:ec2:{local}:security-group-rule/{name}",
    "appautoscaling/target:Target": "arn:aws:application-autoscaling:{local}:scalable-target/{name}",
    "appautoscaling/policy:Policy": "arn:aws:autoscaling:{local}:scalingPolicy:{name}",
}
"""The ARN of each type of resource that has one."""

WITHOUT_ARN = frozenset(
    {
        "iam/rolePolicy:RolePolicy",
        "iam/rolePolicyAttachment:RolePolicyAttachment",
        "lambda/permission:Permission",
        "apigatewayv2/integration:Integration",
        "apigatewayv2/route:Route",
        "apigatewayv2/apiMapping:ApiMapping",
        "route53/record:Record",
        "sqs/queuePolicy:QueuePolicy",
        "iot/loggingOptions:LoggingOptions",
        "cloudwatch/logMetricFilter:LogMetricFilter",
        "cloudwatch/dashboard:Dashboard",
        "cloudwatch/eventTarget:EventTarget",
    }
)
"""Types of resources that have none; they take no tags either."""

_MORE_OUTPUTS: Mapping[str, dict[str, Any]] = {
    "iam/role:Role": {"uniqueId": "AROAJ2UCCR6DPCEXAMPLE"},
    "apigatewayv2/api:Api": {
        "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5",
        "apiEndpoint": f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com",
    },
    "apigatewayv2/domainName:DomainName": {
        "domainNameConfiguration": {
            "targetDomainName": f"d-x.execute-api.{REGION}.amazonaws.com",
            "hostedZoneId": "ZAPIGATEWAY",
        }
    },
    "lb/loadBalancer:LoadBalancer": {
        "dnsName": f"internal-gw.{REGION}.elb.amazonaws.com",
        "arnSuffix": "app/gw/0",
        "zoneId": "ZBALANCER",
    },
    "lb/targetGroup:TargetGroup": {"arnSuffix": "targetgroup/gw/0"},
    "cloudwatch/dashboard:Dashboard": {"dashboardName": "push"},
}


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return rpc._special_sig_key in value or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return _plain(value["value"])
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        # A metric filter's pattern begins with a brace too, and a blank.
        if value.startswith(("{", "[")) and not value.startswith("{ "):
            yield from _texts(json.loads(value))
        else:
            yield value
