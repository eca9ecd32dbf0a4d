"""The gateway service and the shared outbox: settings, resources, and how a task leaves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings as GatewaySettings
from infra.errors import ConfigInvalid
from infra.gateway_network import DRAIN_S, IDLE_S
from infra.gateway_service import NOTICE_S, STOP_S
from infra.service_settings import TASK_SIZES
from infra.settings import Settings
from tests.unit.infra.program import EVERYTHING, MINIMAL, ROOT, Program
from tests.unit.test_layers import imported

SERVICE = {
    key: EVERYTHING[key]
    for key in (
        "outbox",
        "gatewayVpcId",
        "gatewaySubnetIds",
        "gatewayAllowedCidrs",
        "gatewayImage",
        "gatewayKeysSecretArn",
    )
}


def problems(changes: dict[str, str]) -> str:
    """Return what is wrong with a service, changed; an empty value removes a setting."""
    values = {key: value for key, value in {**MINIMAL, **SERVICE, **changes}.items() if value}
    with pytest.raises(ConfigInvalid) as caught:
        Settings.from_config(values, project="p", stack="s")
    return str(caught.value)


def container(program: Program) -> dict[str, Any]:
    """Return the one container of a task."""
    definition = program.one("ecs/taskDefinition:TaskDefinition")
    (found,) = json.loads(definition.inputs["containerDefinitions"])
    assert isinstance(found, dict)
    return found


def test_six_settings_make_a_service() -> None:
    """The rest has defaults."""
    settings = Settings.from_config({**MINIMAL, **SERVICE}, project="p", stack="s")
    service = settings.gateway_service
    assert service is not None
    assert (service.cpu, service.memory_mb) == (512, 1_024)
    assert (service.min_tasks, service.max_tasks) == (2, 6)
    assert Settings.from_config(MINIMAL, project="p", stack="s").gateway_service is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"outbox": ""}, "outbox must be true with gatewayVpcId"),
        ({"gatewayVpcId": "10.0.0.0"}, "gatewayVpcId must be a VPC id"),
        ({"gatewaySubnetIds": '["subnet-0a1b2c3d"]'}, "two or more subnet ids"),
        ({"gatewaySubnetIds": '["subnet-0a1b2c3d", "subnet-0a1b2c3d"]'}, "two or more subnet ids"),
        ({"gatewayAllowedCidrs": '["0.0.0.0/0"]'}, "and not everybody"),
        ({"gatewayAllowedCidrs": '["10.0.0.1/8"]'}, "must be the IPv4 ranges"),
        ({"gatewayAllowedCidrs": ""}, "must be the IPv4 ranges"),
        ({"gatewayImage": "gateway"}, "must be an image with a tag or a digest"),
        ({"gatewayKeysSecretArn": "keys"}, "must be the whole ARN"),
        ({"gatewayCertificateArn": "x"}, "must be the ARN of an ACM certificate"),
        ({"gatewayMemoryMb": "1500"}, "gatewayMemoryMb (1500) does not go with gatewayCpu (512)"),
        ({"gatewayCpu": "300"}, "gatewayMemoryMb (1024) does not go with gatewayCpu (300)"),
        ({"gatewayMinTasks": "7"}, "gatewayMaxTasks must not be less"),
        ({"gatewayVpcId": ""}, "gatewayImage is of no use without gatewayVpcId"),
        ({"apiCertificateArn": "x"}, "apiCertificateArn is of no use without apiDomain"),
        ({"apiZoneId": "Z1"}, "apiZoneId is of no use without apiDomain"),
        ({"apiDomain": "push"}, "apiDomain must be a host name"),
        ({"apiDomain": "push.example.com"}, "apiCertificateArn must be the ARN"),
        ({"alarmTopicArn": "on-call"}, "alarmTopicArn must be the ARN of a standard SNS topic"),
        ({"alarmTopicArn": f"{EVERYTHING['alarmTopicArn']}.fifo"}, "of a standard SNS topic"),
        (
            {"alarmTopicArn": EVERYTHING["alarmTopicArn"], "logLevel": "WARN"},
            "logLevel must be INFO",
        ),
        ({"tracing": "yes"}, "tracing must be true or false"),
        ({"iotLogLevel": "LOUD"}, "iotLogLevel must be one of"),
    ],
)
def test_each_mistake_is_explained(changes: dict[str, str], problem: str) -> None:
    """What does not fit together is said before anything is made."""
    assert problem in problems(changes)


def test_all_sizes_are_fargates() -> None:
    """Memory goes with CPU as the ECS guide lists it."""
    assert {cpu: (min(sizes), max(sizes)) for cpu, sizes in TASK_SIZES.items()} == {
        256: (512, 2_048),
        512: (1_024, 4_096),
        1_024: (2_048, 8_192),
        2_048: (4_096, 16_384),
        4_096: (8_192, 30_720),
    }


def test_a_task_is_closed(everything: Program) -> None:
    """Read-only root, no capabilities, no public address, arm64, and only one folder to write."""
    found = container(everything)
    assert found["readonlyRootFilesystem"] is True
    assert found["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert found["mountPoints"] == [{"sourceVolume": "keys", "containerPath": "/run/gateway"}]
    assert found["secrets"] == [
        {"name": "SERVICE_KEYS", "valueFrom": EVERYTHING["gatewayKeysSecretArn"]}
    ]
    definition = everything.one("ecs/taskDefinition:TaskDefinition").inputs
    assert definition["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert (definition["cpu"], definition["memory"]) == ("1024", "2048")
    service = everything.one("ecs/service:Service").inputs
    assert service["networkConfiguration"]["assignPublicIp"] is False
    assert service["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


def test_a_task_runs_the_gateway_with_its_settings(everything: Program) -> None:
    """The environment is one that the gateway reads, but for the shared outbox's own checks."""
    found = container(everything)
    environment = {one["name"]: one["value"] for one in found["environment"]}
    outbox = environment.pop("GATEWAY_OUTBOX")
    queue = everything.one("sqs/queue:Queue", "outbox-queue").outputs["url"]
    table = everything.one("dynamodb/table:Table").outputs["name"]
    assert outbox == f"aws://{queue}?table={table}"
    settings = GatewaySettings.from_env(environment)
    assert settings.port == 8_080
    assert str(settings.keys_file) == "/run/gateway/keys.json"
    assert settings.log_format == "json"
    # SIGTERM, notice, drain, and only then the end; and the load balancer closes first.
    assert settings.notice_s + settings.drain_s < STOP_S <= 120
    assert settings.notice_s >= NOTICE_S
    assert found["stopTimeout"] == STOP_S
    assert settings.drain_s <= DRAIN_S
    assert settings.idle_timeout_s > IDLE_S


def test_a_task_starts_with_its_keys_and_gets_signals(everything: Program, tmp_path: Path) -> None:
    """The command writes the keys file, drops the variable, and becomes the gateway itself."""
    (command,) = container(everything)["command"]
    (tmp_path / "python").write_text('#!/bin/sh\necho "$$ $* ${SERVICE_KEYS-gone}"\n')
    (tmp_path / "python").chmod(0o755)
    assert container(everything)["entryPoint"] == ["sh", "-c"]
    started = subprocess.Popen(
        ["sh", "-c", command.replace("/run/gateway", str(tmp_path))],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "SERVICE_KEYS": '{"keys": ["%s"]}'},
        stdout=subprocess.PIPE,
        text=True,
    )
    out, _ = started.communicate(timeout=10)
    assert out.split() == [str(started.pid), "-m", "gateway", "serve", "gone"]
    assert (tmp_path / "keys.json").read_text() == '{"keys": ["%s"]}'
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_only_the_configured_may_call(everything: Program) -> None:
    """The load balancer is internal and open to the ranges; tasks are open to it alone."""
    balancer = everything.one("lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["internal"] is True
    rules = everything.all("vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert {rule.inputs.get("cidrIpv4") for rule in rules} == {"10.0.0.0/16", "10.1.0.0/16", None}
    (inner,) = [rule for rule in rules if "cidrIpv4" not in rule.inputs]
    callers = everything.one("ec2/securityGroup:SecurityGroup", "callers").outputs["id"]
    assert inner.inputs["referencedSecurityGroupId"] == callers
    listener = everything.one("lb/listener:Listener").inputs
    assert (listener["protocol"], listener["port"]) == ("HTTPS", 443)
    assert "TLS13" in listener["sslPolicy"]
    assert len(balancer.name) + 8 <= 32


def test_tasks_scale_between_the_counts(everything: Program) -> None:
    """By CPU; the deployed count is the scaling's afterwards."""
    target = everything.one("appautoscaling/target:Target")
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (3, 9)
    cluster = everything.one("ecs/cluster:Cluster").outputs["name"]
    service = everything.one("ecs/service:Service").outputs["name"]
    assert target.inputs["resourceId"] == f"service/{cluster}/{service}"
    policy = everything.one("appautoscaling/policy:Policy").inputs
    aim = policy["targetTrackingScalingPolicyConfiguration"]
    assert aim["targetValue"] == 60


def test_the_outbox_keeps(everything: Program) -> None:
    """FIFO with dead letters, 14 days; a table with TTL, recovery and encryption."""
    queue = everything.one("sqs/queue:Queue", "outbox-queue")
    dead = everything.one("sqs/queue:Queue", "outbox-dead-letters")
    assert json.loads(queue.inputs["redrivePolicy"]) == {
        "deadLetterTargetArn": dead.outputs["arn"],
        "maxReceiveCount": 100,
    }
    for each in (queue, dead):
        assert each.inputs["fifoQueue"] is True
        assert each.inputs["messageRetentionSeconds"] == 14 * 86_400
        assert each.inputs["fifoThroughputLimit"] == "perMessageGroupId"
    table = everything.one("dynamodb/table:Table").inputs
    assert table["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert table["pointInTimeRecovery"] == {"enabled": True}
    assert table["billingMode"] == "PAY_PER_REQUEST"


# --- the image ---

DOCKERFILE = (ROOT / "Dockerfile").read_text()
MODULES = {"pyjwt": "jwt", "prometheus-client": "prometheus_client"}
"""Distributions whose module has another name."""


def test_the_image_is_small_and_unprivileged() -> None:
    """Slim, stages of its own for what is only built with, a user of its own, a health check, a signal that drains."""
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert stages == ["python:3.13-slim", "node:22-slim", "python:3.13-slim"]
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER gateway$", last, re.M)
    assert "--uid 10001" in last
    assert re.search(r"^STOPSIGNAL SIGTERM$", last, re.M)
    assert re.search(r"^HEALTHCHECK .*\n.*/healthz", last, re.M)
    assert re.search(r'^ENTRYPOINT \["python", "-m", "gateway"\]\nCMD \["serve"\]', last, re.M)
    assert re.search(r'^VOLUME \["/run/gateway"\]$', last, re.M)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert "COPY --from=web /build/dist/dashboard dashboard/" in last
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M))
    assert {name.rstrip("/") for line in copied for name in line.split()} == {
        name.removeprefix("!") for name in ignored if name.startswith("!")
    }


def test_the_image_installs_what_the_gateway_imports() -> None:
    """Its dependencies are the project's without Pulumi's, and each is one that is pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [name for name in project["dependencies"] if not name.startswith("pulumi")]
    (expression,) = re.findall(r'python -c "import tomllib; print\((.+?)\)" >', DOCKERFILE)
    assert "not name.startswith('pulumi')" in expression
    names = {re.split(r"[\[=;< ]", name)[0] for name in wanted}
    pinned = (ROOT / "requirements.txt").read_text()
    for name in names:
        assert re.search(rf"^{name}==", pinned, re.M), f"{name} is not in requirements.txt"
    modules = {MODULES.get(name, name) for name in names}
    # What these bring along themselves.
    modules |= {"aiobotocore", "botocore", "multidict", "yarl", "opentelemetry", "cryptography"}
    sources = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "wire").rglob("*.py")]
    for path in sources:
        for module in {name.partition(".")[0] for name in imported(path)}:
            known = module in modules | set(sys.stdlib_module_names) | {"gateway", "wire"}
            assert known or "types_boto3" in module, f"{path} imports {module}"


def test_the_copied_files_are_enough_to_start(tmp_path: Path) -> None:
    """In a folder that holds what the image holds, the entry point runs."""
    for folder in ("gateway", "wire"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gateway", "serve"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert "GATEWAY_NAMESPACE" in done.stderr
