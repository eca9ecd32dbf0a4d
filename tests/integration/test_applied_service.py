"""The gateway service, applied: what it refers to is there, and a task of it does its work and leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from gateway.settings import Settings
from infra.gateway_service import NOTICE_S, STOP_S
from tests.integration.applied_stack import AppliedStack, applied
from tests.integration.applied_task import running_task, task_definition

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AppliedStack]:
    """Apply the program once for all tests here."""
    async with applied(tmp_path_factory.mktemp("service")) as running:
        yield running


async def test_what_the_task_refers_to_is_there(stack: AppliedStack) -> None:
    """Roles, log group, secret, queue, table: each is asked for at the service that has it."""
    definition = await task_definition(stack)
    (container,) = definition["containerDefinitions"]
    for role in ("taskRoleArn", "executionRoleArn"):
        name = definition[role].rpartition("/")[2]
        assert (await stack.call("iam", "get_role", RoleName=name))["Role"]["Arn"] == (
            definition[role]
        )
    log = container["logConfiguration"]["options"]["awslogs-group"]
    groups = await stack.call("logs", "describe_log_groups", logGroupNamePrefix=log)
    assert [group["logGroupName"] for group in groups["logGroups"]] == [log]
    for secret in container["secrets"]:
        await stack.call("secretsmanager", "describe_secret", SecretId=secret["valueFrom"])
    settings = settings_of(container)
    assert settings.shared_outbox is not None
    queue = settings.shared_outbox.queue_url
    await stack.call("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["QueueArn"])
    await stack.call("dynamodb", "describe_table", TableName=settings.shared_outbox.table)
    assert definition["runtimePlatform"]["cpuArchitecture"] == "ARM64"


async def test_callers_reach_the_tasks_and_nobody_else_does(stack: AppliedStack) -> None:
    """Listener, target group, service and both security groups are joined to one another."""
    (balancer,) = (await stack.call("elbv2", "describe_load_balancers"))["LoadBalancers"]
    assert balancer["Scheme"] == "internal"
    arn = balancer["LoadBalancerArn"]
    (listener,) = (await stack.call("elbv2", "describe_listeners", LoadBalancerArn=arn))[
        "Listeners"
    ]
    (target,) = (await stack.call("elbv2", "describe_target_groups", LoadBalancerArn=arn))[
        "TargetGroups"
    ]
    assert listener["DefaultActions"][0]["TargetGroupArn"] == target["TargetGroupArn"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTPS", 443)
    made = stack.program.one("ecs/service:Service")
    (service,) = (
        await stack.call(
            "ecs",
            "describe_services",
            cluster=made.inputs["cluster"],
            services=[made.outputs["name"]],
        )
    )["services"]
    assert service["loadBalancers"][0]["targetGroupArn"] == target["TargetGroupArn"]
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == set(network["subnets"])
    tasks, callers = await groups(stack, *network["securityGroups"], *balancer["SecurityGroups"])
    port = service["loadBalancers"][0]["containerPort"]
    assert port == target["Port"]
    assert ways(tasks["IpPermissions"]) == [(port, callers["GroupId"])]
    assert ways(tasks["IpPermissionsEgress"]) == [(443, "0.0.0.0/0")]
    assert ways(callers["IpPermissions"]) == [(443, "10.20.0.0/16")]
    assert ways(callers["IpPermissionsEgress"]) == [(port, tasks["GroupId"])]


async def test_the_service_scales(stack: AppliedStack) -> None:
    """The scaling's target is this very service."""
    scaling = await stack.call(
        "application-autoscaling", "describe_scalable_targets", ServiceNamespace="ecs"
    )
    (target,) = scaling["ScalableTargets"]
    cluster = stack.program.one("ecs/cluster:Cluster").outputs["name"]
    service = stack.program.one("ecs/service:Service").outputs["name"]
    assert target["ResourceId"] == f"service/{cluster}/{service}"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)


async def test_every_alarm_looks_at_something_and_tells_somebody(stack: AppliedStack) -> None:
    """Each topic exists; each dimension names a queue, function, API or part of the service."""
    program = stack.program
    known = {
        "QueueName": {one.outputs["name"] for one in program.all("sqs/queue:Queue")},
        "FunctionName": {one.outputs["name"] for one in program.all("lambda/function:Function")},
        "ApiId": {api["ApiId"] for api in (await stack.call("apigatewayv2", "get_apis"))["Items"]},
        "ClusterName": {program.one("ecs/cluster:Cluster").outputs["name"]},
        "ServiceName": {program.one("ecs/service:Service").outputs["name"]},
        "LoadBalancer": {
            one["LoadBalancerArn"].partition(":loadbalancer/")[2]
            for one in (await stack.call("elbv2", "describe_load_balancers"))["LoadBalancers"]
        },
        "TargetGroup": {
            one["TargetGroupArn"].rpartition(":")[2]
            for one in (await stack.call("elbv2", "describe_target_groups"))["TargetGroups"]
        },
        "Protocol": {"MQTT", "HTTP"},
    }
    alarms = (await stack.call("cloudwatch", "describe_alarms"))["MetricAlarms"]
    ours = [alarm for alarm in alarms if alarm["AlarmName"].startswith("applied-")]
    assert len(ours) == len(program.all("cloudwatch/metricAlarm:MetricAlarm"))
    for alarm in ours:
        for topic in {*alarm["AlarmActions"], *alarm["OKActions"]}:
            await stack.call("sns", "get_topic_attributes", TopicArn=topic)
        for dimension in alarm["Dimensions"]:
            assert dimension["Value"] in known[dimension["Name"]], alarm["AlarmName"]


async def test_the_domain_leads_to_the_api(stack: AppliedStack) -> None:
    """Certificate, mapping and records belong to the one name."""
    name = stack.program.one("apigatewayv2/domainName:DomainName").inputs["domainName"]
    found = await stack.call("apigatewayv2", "get_domain_name", DomainName=name)
    (told,) = found["DomainNameConfigurations"]
    await stack.call("acm", "describe_certificate", CertificateArn=told["CertificateArn"])
    mappings = await stack.call("apigatewayv2", "get_api_mappings", DomainName=name)
    (api,) = (await stack.call("apigatewayv2", "get_apis"))["Items"]
    assert [one["ApiId"] for one in mappings["Items"]] == [api["ApiId"]]
    target = stack.program.exports["apiDomainTarget"]
    assert await aliases(stack, name) == {"A": target, "AAAA": target}


async def test_the_gateways_name_leads_to_its_balancer(stack: AppliedStack) -> None:
    """What services are told to call is in DNS, and it is the internal load balancer."""
    (balancer,) = (await stack.call("elbv2", "describe_load_balancers"))["LoadBalancers"]
    url = urlsplit(stack.program.exports["gatewayUrl"])
    assert url.scheme == "https"
    assert await aliases(stack, url.netloc) == {"A": balancer["DNSName"]}


async def test_a_task_works_and_leaves_its_work_to_the_next(
    stack: AppliedStack, tmp_path: Path
) -> None:
    """Service to shared outbox to IoT to a browser; a rolling update loses and repeats nothing."""
    event = {"to": "user:42", "type": "order.shipped", "data": {"n": 1}}
    async with (
        stack.browser("42") as ada,
        running_task(stack, tmp_path / "old") as old,
        aiohttp.ClientSession(old.url) as caller,
    ):
        assert await old.healthy(old.container["healthCheck"]["command"])
        assert await old.healthy(old.stage.command("HEALTHCHECK"))
        async with caller.post("/v1/events", json=event) as answer:
            assert answer.status == 401
        key = stack.premises.service_key.reveal()
        caller.headers["Authorization"] = f"Bearer {key}"
        async with caller.post("/v1/events", json=event) as answer:
            assert answer.status == 202, await answer.text()
            id_ = (await answer.json())["id"]
        topic, envelope = await ada.next()
        assert (topic, envelope["id"], envelope["data"]) == ("applied/user/42", id_, {"n": 1})
        assert (await settled(caller, id_))["status"] == "published"
        async with caller.get("/") as page:
            assert (page.status, page.content_type) == (200, "text/html")

        # A deployment: the next task is there before this one is told to go.
        async with (
            running_task(stack, tmp_path / "new") as new,
            aiohttp.ClientSession(new.url, headers=caller.headers) as next_caller,
        ):
            left = time.monotonic()
            with old.gateway.reading(), new.gateway.reading():
                old.gateway.stop()
                await unready(caller)
                # The load balancer still sends: it has not noticed yet.
                assert await old.healthy(old.container["healthCheck"]["command"])
                due = datetime.now(UTC) + timedelta(seconds=NOTICE_S + 3)
                later = {**event, "data": {"n": 2}, "deliverAt": due.isoformat()}
                async with caller.post("/v1/events", json=later) as answer:
                    assert answer.status == 202, await answer.text()
                    id_ = (await answer.json())["id"]
                async with asyncio.timeout(STOP_S):
                    assert await old.gateway.exit_code() == 0
                assert NOTICE_S <= time.monotonic() - left < STOP_S
                assert not await old.healthy(old.container["healthCheck"]["command"])
                _, envelope = await ada.next()
                assert (envelope["id"], envelope["data"]) == (id_, {"n": 2})
                assert (await settled(next_caller, id_))["status"] == "published"
        assert ada.received.empty()
    written = [path for path in (tmp_path / "old" / "app").rglob("*") if "__pycache__" in path.name]
    assert written == []
    assert [path.name for path in (tmp_path / "old" / "run" / "gateway").iterdir()] == ["keys.json"]


def settings_of(container: dict[str, Any]) -> Settings:
    """Return the settings that the gateway reads in a container."""
    return Settings.from_env({one["name"]: one["value"] for one in container["environment"]})


async def aliases(stack: AppliedStack, name: str) -> dict[str, str]:
    """Return what a name in the zone is an alias of, by type of record."""
    zone = stack.premises.config["apiZoneId"]
    found = await stack.call("route53", "list_resource_record_sets", HostedZoneId=zone)
    return {
        record["Type"]: record["AliasTarget"]["DNSName"].rstrip(".")
        for record in found["ResourceRecordSets"]
        if record["Name"].rstrip(".") == name
    }


async def groups(stack: AppliedStack, *ids: str) -> list[dict[str, Any]]:
    """Return security groups in the order of their ids."""
    found = await stack.call("ec2", "describe_security_groups", GroupIds=list(ids))
    by_id = {group["GroupId"]: group for group in found["SecurityGroups"]}
    return [by_id[id_] for id_ in ids]


def ways(permissions: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return port and peer of each permission."""
    return [
        (permission["FromPort"], peer)
        for permission in permissions
        for peer in (
            *(one["CidrIp"] for one in permission.get("IpRanges", [])),
            *(one["GroupId"] for one in permission.get("UserIdGroupPairs", [])),
        )
        if permission["FromPort"] == permission["ToPort"] and permission["IpProtocol"] == "tcp"
    ]


async def settled(caller: aiohttp.ClientSession, id_: str) -> dict[str, Any]:
    """Return an event once nothing is under way any more."""
    async with asyncio.timeout(10):
        while True:
            async with caller.get(f"/v1/events/{id_}") as answer:
                found: dict[str, Any] = await answer.json()
            if found["status"] not in {"accepted", "scheduled"}:
                return found
            await asyncio.sleep(0.1)


async def unready(caller: aiohttp.ClientSession) -> None:
    """Wait until a gateway says that it wants no more."""
    async with asyncio.timeout(5):
        while True:
            async with caller.get("/readyz") as answer:
                if answer.status == 503:
                    return
            await asyncio.sleep(0.05)
