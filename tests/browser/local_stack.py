"""The whole product on free ports, with a state folder that is thrown away.

Owns starting it, waiting for it, its output, and ending it. The two programs run without the
supervisor of `python -m localaws up`, so that one alone can be ended and started again; their
environments are the supervisor's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.child_environ import GatewayPlace, gateway_environ, localaws_environ
from localaws.service_key import make_service_key
from localaws.settings import Settings
from localaws.state import StateFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "browsertest"
START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 20.0
CLI_TIMEOUT_S = 30.0
SHOWN_OUTPUT_CHARS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStack:
    """A running stack.

    Attributes:
        page_url: The demo page.
        gateway_url: The event API.
        iot_url: The IoT endpoint.
        namespace: First level of every topic.
        state_dir: Its state folder, with keys and AWS files.
    """

    page_url: str
    gateway_url: str
    iot_url: str
    namespace: str
    state_dir: Path

    def aws(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the AWS CLI as the local account's admin.

        Raises:
            subprocess.CalledProcessError: It failed; its output is in the message.
        """
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.state_dir),
            "AWS_CONFIG_FILE": str(self.state_dir / "aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.state_dir / "aws" / "credentials"),
            "AWS_PROFILE": "admin",
        }
        command = [str(Path(sys.executable).with_name("aws")), *arguments]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=CLI_TIMEOUT_S, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done

    def post(self, event: dict[str, object]) -> dict[str, object]:
        """Post an event as an internal service does; return the gateway's answer."""
        return dict(json.loads(self._gateway("POST", "/v1/events", event, self._state.service_key)))

    def kick(self, client_id: str) -> None:
        """End a client's connection, as an internal service does."""
        self._gateway("DELETE", f"/v1/clients/{client_id}", None, self._state.admin_key)

    def fault(self, **fault: object) -> None:
        """Order a fault of localaws."""
        _ask("POST", f"{self.page_url}_localaws/faults", fault)

    def clear_faults(self) -> None:
        """End all faults."""
        _ask("DELETE", f"{self.page_url}_localaws/faults")

    @property
    def _state(self) -> StateFolder:
        return StateFolder(self.state_dir)

    def _gateway(self, method: str, path: str, body: object, key: Path) -> bytes:
        token = key.read_text().strip()
        return _ask(method, self.gateway_url + path, body, Authorization=f"Bearer {token}")


@dataclass(slots=True)
class ProgramStack:
    """Localaws and the gateway, each to be restarted by itself.

    Attributes:
        stack: Where they are.
        environs: Their environments.
        folder: Where their output goes.
        programs: How to end each that runs.
    """

    stack: LocalStack
    environs: dict[str, dict[str, str]]
    folder: Path
    programs: dict[str, ExitStack] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a program and wait until it answers."""
        log = self.folder / f"{name}.txt"
        self.programs[name] = ExitStack()
        process = self.programs[name].enter_context(
            _program([name, "serve"], self.environs[name], log)
        )
        _wait_until_up(name, self.stack, process, log)

    def stop(self, name: str) -> None:
        """End a program."""
        self.programs.pop(name).close()


@contextmanager
def program_stack(folder: Path, *, namespace: str = NAMESPACE) -> Iterator[ProgramStack]:
    """Start localaws and the gateway, and end them.

    Args:
        folder: Empty; state and output go there.
        namespace: First level of every topic.
    """
    stack, environ = _planned(folder, namespace)
    settings = Settings.from_env(
        {name: value for name, value in environ.items() if name.startswith("LOCALAWS_")}
    )
    state, place = StateFolder(settings.state_dir), GatewayPlace.from_env(environ)
    # In a thread: Playwright has an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        made = make_service_key(state, environ=environ, timeout_s=START_TIMEOUT_S)
        thread.submit(asyncio.run, made).result()
    environs = {
        "localaws": localaws_environ(environ, gateway=place),
        "gateway": gateway_environ(environ, gateway=place, settings=settings, state=state),
    }
    running = ProgramStack(stack, environs, folder)
    try:
        running.start("localaws")
        running.start("gateway")
        yield running
    finally:
        for name in list(running.programs)[::-1]:
            running.stop(name)


def _planned(folder: Path, namespace: str) -> tuple[LocalStack, dict[str, str]]:
    iot, aws, api, gateway = _free_ports(4)
    state_dir = folder / "state"
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LOCALAWS_", "GATEWAY_"))
    } | {
        "LOCALAWS_IOT_PORT": str(iot),
        "LOCALAWS_AWS_PORT": str(aws),
        "LOCALAWS_API_PORT": str(api),
        "LOCALAWS_NAMESPACE": namespace,
        "LOCALAWS_STATE_DIR": str(state_dir),
        "GATEWAY_PORT": str(gateway),
    }
    stack = LocalStack(
        page_url=f"http://127.0.0.1:{api}/",
        gateway_url=f"http://127.0.0.1:{gateway}",
        iot_url=f"http://127.0.0.1:{iot}",
        namespace=namespace,
        state_dir=state_dir,
    )
    return stack, environ


@contextmanager
def _program(
    arguments: list[str], environ: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            _stop(process)


def _wait_until_up(
    name: str, stack: LocalStack, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    health = {
        "localaws": f"{stack.page_url}_localaws/health",
        "gateway": f"{stack.gateway_url}/readyz",
    }
    while not _answers(health[name]):
        if process.poll() is not None or time.monotonic() > deadline:
            shown = log.read_text(errors="replace")[-SHOWN_OUTPUT_CHARS:]
            raise AssertionError(f"{name} did not come up; its output:\n{shown}")
        time.sleep(0.05)


def _ask(method: str, url: str, body: object = None, **fields: str) -> bytes:
    request = urllib.request.Request(  # noqa: S310 (our own address)
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **fields},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (the same)
        return bytes(answer.read())


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (our own address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _free_ports(count: int) -> list[int]:
    # All held at once, so that they differ; taken again within the second.
    with ExitStack() as held:
        listeners = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in listeners]
