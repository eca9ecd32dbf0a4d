"""`python -m localaws up` on free ports, with a state folder that is thrown away.

Owns starting it, waiting for it, its output, and ending it. The very command a developer runs, so
that the supervisor is tested along with what it supervises.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
        key = (self.state_dir / "service-key").read_text().strip()
        request = urllib.request.Request(  # noqa: S310 (our own address)
            f"{self.gateway_url}/v1/events",
            data=json.dumps(event).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (the same)
            return dict(json.load(answer))


@contextmanager
def local_stack(folder: Path) -> Iterator[LocalStack]:
    """Start a stack, and end it with all its processes.

    Args:
        folder: Empty; state and output go there.
    """
    iot, aws, api, gateway = _free_ports(4)
    state_dir, log = folder / "state", folder / "output.txt"
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "LOCALAWS_", "GATEWAY_"))
    } | {
        "LOCALAWS_IOT_PORT": str(iot),
        "LOCALAWS_AWS_PORT": str(aws),
        "LOCALAWS_API_PORT": str(api),
        "LOCALAWS_NAMESPACE": NAMESPACE,
        "LOCALAWS_STATE_DIR": str(state_dir),
        "GATEWAY_PORT": str(gateway),
    }
    stack = LocalStack(
        page_url=f"http://127.0.0.1:{api}/",
        gateway_url=f"http://127.0.0.1:{gateway}",
        iot_url=f"http://127.0.0.1:{iot}",
        namespace=NAMESPACE,
        state_dir=state_dir,
    )
    with ExitStack() as cleanup:
        output = cleanup.enter_context(log.open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "localaws", "up"],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        cleanup.callback(_stop, process)
        _wait_until_up(stack, process, log)
        yield stack


def _wait_until_up(stack: LocalStack, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    waiting = [f"{stack.page_url}_localaws/health", f"{stack.gateway_url}/readyz"]
    while waiting:
        if process.poll() is not None or time.monotonic() > deadline:
            shown = log.read_text(errors="replace")[-SHOWN_OUTPUT_CHARS:]
            raise AssertionError(f"the local stack did not come up; its output:\n{shown}")
        if _answers(waiting[0]):
            waiting.pop(0)
        else:
            time.sleep(0.05)


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
