"""A task of the applied gateway service, run as ECS on Fargate would run it.

Owns what ECS does with a task definition: the image's files, read-only; a user without rights; the
environment, with the secret read under the execution role; the task role's credentials by the
container endpoint; command, health check, SIGTERM. Does not own the definition: the program made it,
and ECS (moto) is asked for it.

Not as on Fargate: `/` of the container is a folder here and paths change with it; its port is a free
one; IoT is called without TLS; and there is no load balancer before it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localaws.service_roles import ServiceRoles
from tests.integration.applied_account import client
from tests.integration.free_port import free_port
from tests.integration.gateway_process import GatewayProcess
from tests.unit.infra.dockerfile import Stage, lay_out_image

if TYPE_CHECKING:
    from tests.integration.applied_stack import AppliedStack

SERVICE = "ecs-tasks.amazonaws.com"
USER = 10_001
"""What `USER` of the Dockerfile is made as."""

AS_NOBODY = (
    "setpriv",
    f"--reuid={USER}",
    f"--regid={USER}",
    "--clear-groups",
    # It may read the interpreter of whoever runs the tests; it may write nothing of anybody's.
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
    "--no-new-privs",
)
"""Runs a command as the image's user, where the tests run as root; elsewhere nobody is root."""


@dataclass(slots=True, kw_only=True)
class Task:
    """A running task.

    Attributes:
        gateway: Its process.
        url: Where it answers.
        environ: What its container got.
        container: Its container, as ECS has it.
        stage: The image's last stage.
        root: The container's `/`.
    """

    gateway: GatewayProcess
    url: str
    environ: Mapping[str, str]
    container: Mapping[str, Any]
    stage: Stage
    root: Path

    @property
    def pid(self) -> int:
        """Process id of what ECS sends signals to."""
        return self.gateway.pid

    async def healthy(self, command: list[str]) -> bool:
        """Tell whether a health check of the container succeeds, given as it stands written."""
        words = command[1:] if command[0] == "CMD" else command
        port = self.url.rpartition(":")[2]
        process = await asyncio.create_subprocess_exec(
            *(word.replace(":8080/", f":{port}/") for word in words),
            env=dict(self.environ),
            cwd=self.root / "app",
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await asyncio.wait_for(process.wait(), 10) == 0


@asynccontextmanager
async def running_task(stack: AppliedStack, root: Path) -> AsyncIterator[Task]:
    """Start one task of the service and wait until it listens.

    Args:
        stack: Where the service was made.
        root: An empty folder, to be the container's `/`.
    """
    definition = await task_definition(stack)
    (container,) = definition["containerDefinitions"]
    stage = lay_out_image(root)
    _close(root)
    async with _credentials_of(stack, definition) as credentials_url:
        environ = {
            **_environment(stage, root),
            **{
                one["name"]: _inside(root, one["value"].replace("https://", "http://"))
                for one in container["environment"]
            },
            **await asyncio.to_thread(_secrets, stack, definition),
            # ECS gives a relative one, to an address of its own.
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials_url,
            "AWS_ENDPOINT_URL": stack.account.aws_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "GATEWAY_PORT": str(free_port()),
        }
        words = [*container["entryPoint"], *container["command"]]
        process = await asyncio.create_subprocess_exec(
            *(AS_NOBODY if os.geteuid() == 0 else ()),
            *(_inside(root, word) for word in words),
            env=environ,
            cwd=root / "app",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            gateway = GatewayProcess(process)
            await gateway.line("gateway listening")
            yield Task(
                gateway=gateway,
                url=f"http://127.0.0.1:{environ['GATEWAY_PORT']}",
                environ=environ,
                container=container,
                stage=stage,
                root=root,
            )
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
                await process.communicate()


async def task_definition(stack: AppliedStack) -> dict[str, Any]:
    """Return the definition that the service runs."""
    made = stack.program.one("ecs/service:Service")
    (service,) = (
        await stack.call(
            "ecs",
            "describe_services",
            cluster=made.inputs["cluster"],
            services=[made.outputs["name"]],
        )
    )["services"]
    found = await stack.call(
        "ecs", "describe_task_definition", taskDefinition=service["taskDefinition"]
    )
    definition: dict[str, Any] = found["taskDefinition"]
    return definition


def _secrets(stack: AppliedStack, definition: Mapping[str, Any]) -> dict[str, str]:
    """Read a container's secrets as ECS does: with the execution role."""
    role = ServiceRoles(stack.aws.moto.directory, service=SERVICE, session_name="start")
    held = role.assume(definition["executionRoleArn"], datetime.now(UTC), source_arn=_task(stack))
    secrets = client(
        "secretsmanager", held.key, url=stack.account.aws_url, region=stack.account.region
    )
    (container,) = definition["containerDefinitions"]
    return {
        one["name"]: secrets.get_secret_value(SecretId=one["valueFrom"])["SecretString"]
        for one in container["secrets"]
    }


@asynccontextmanager
async def _credentials_of(stack: AppliedStack, definition: Mapping[str, Any]) -> AsyncIterator[str]:
    """Serve a task role's credentials, as the container endpoint does; yield its URL."""
    role = ServiceRoles(stack.aws.moto.directory, service=SERVICE, session_name="task")

    async def answer(_: web.Request) -> web.Response:
        now = datetime.now(UTC)
        key = role.assume(definition["taskRoleArn"], now, source_arn=_task(stack)).key
        assert key.session_token is not None
        return web.json_response(
            {
                "RoleArn": definition["taskRoleArn"],
                "AccessKeyId": key.access_key_id,
                "SecretAccessKey": key.secret.reveal(),
                "Token": key.session_token.reveal(),
                "Expiration": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            }
        )

    app = web.Application()
    app.router.add_get("/v2/credentials/task", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/v2/credentials/task"
    finally:
        await runner.cleanup()


def _task(stack: AppliedStack) -> str:
    return stack.account.arn("ecs", "task/gateway/0a1b2c3d")


def _environment(stage: Stage, root: Path) -> dict[str, str]:
    """Return what the image itself sets, with an interpreter at the place of its own."""
    python = root / "venv" / "bin" / "python"
    path = stage.environment["PATH"].replace("$PATH", "/usr/bin:/bin")
    set_there = {name: _inside(root, value) for name, value in stage.environment.items()}
    assert path.startswith(f"/{python.parent.relative_to(root)}:")
    return {**set_there, "PATH": path.replace("/venv/bin", str(python.parent), 1)}


def _inside(root: Path, text: str) -> str:
    """Return a text whose paths of the container are those of the folder that is its `/`."""
    for path in ("/app/", "/run/gateway"):
        text = text.replace(path, f"{root}{path}")
    return text


def _close(root: Path) -> None:
    """Make the files read-only and the one folder for writing the user's own."""
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for path in (root / "app", *(root / "app").rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    volume = root / "run" / "gateway"
    volume.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        os.chown(volume, USER, USER)
