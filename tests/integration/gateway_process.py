"""The gateway as a process of its own, for tests of starting, signals and stopping."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0


def environment(**settings: str) -> dict[str, str]:
    """Return an environment with nothing of this machine's AWS set-up in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example-secret",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_PORT": "0",
        "GATEWAY_NAMESPACE": "shop",
        "GATEWAY_REGION": "us-east-1",
        "GATEWAY_LOG_FORMAT": "json",
        **settings,
    }


class GatewayProcess:
    """A running `python -m gateway serve`.

    Attributes:
        url: Where it listens.
        lines: Every log line so far.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.url = ""
        self.lines: list[dict[str, Any]] = []

    async def line(self, message: str) -> dict[str, Any]:
        """Return the next log line with this message."""
        assert self._process.stderr is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            async for raw in self._process.stderr:
                line = json.loads(raw)
                self.lines.append(line)
                if line["message"] == message:
                    return dict(line)
        raise AssertionError(f"no line {message!r} in {self.lines}")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read log lines as they come, so that the gateway never waits for a reader."""
        task = asyncio.create_task(self._read_on(), name="log lines")
        try:
            yield
        finally:
            task.cancel()

    async def _read_on(self) -> None:
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            self.lines.append(json.loads(raw))

    async def metrics(self) -> str:
        """Return what it counts, in Prometheus' text format."""
        async with aiohttp.ClientSession(self.url) as session, session.get("/metrics") as answer:
            return await answer.text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ask it to stop."""
        self.send(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Return the exit code once it has ended, while somebody else reads its log."""
        return await self._process.wait()

    async def ended(self) -> int:
        """Return the exit code once it has ended."""
        assert self._process.stderr is not None
        async with asyncio.timeout(STOP_TIMEOUT_S):
            async for raw in self._process.stderr:
                self.lines.append(json.loads(raw))
            return await self._process.wait()


@asynccontextmanager
async def gateway_process(environ: Mapping[str, str]) -> AsyncIterator[GatewayProcess]:
    """Start a gateway, wait until it listens, and leave none behind.

    Its outbox is one of its own, and gone at the end, unless the environment names one.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = await _start({"GATEWAY_OUTBOX": f"sqlite:///{folder}/outbox.db", **environ})
        try:
            gateway = GatewayProcess(process)
            gateway.url = (await gateway.line("gateway listening"))["url"]
            yield gateway
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


async def refused_start(environ: Mapping[str, str]) -> tuple[int, str]:
    """Start a gateway that cannot; return its exit code and what it wrote to stderr."""
    with tempfile.TemporaryDirectory() as folder:
        process = await _start({"GATEWAY_OUTBOX": f"sqlite:///{folder}/outbox.db", **environ})
        async with asyncio.timeout(START_TIMEOUT_S):
            _, stderr = await process.communicate()
    assert process.returncode is not None
    return process.returncode, stderr.decode()


async def _start(environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "serve",
        env=dict(environ),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
