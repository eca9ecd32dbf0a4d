"""What `bench.gateway` compares: contenders and the endpoint, each in a process of its own.

Owns starting and ending them, and their settings. Does not: load or measure them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.servers import off_first_cpu, on_first_cpu

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 60.0
LOOP, MINIMAL, STOCK, OURS = (
    "client.publish loop",
    "minimal gateway",
    "gateway, stock path",
    "gateway",
)

console = Console()


@dataclass(frozen=True, slots=True)
class Contender:
    """A running contender.

    Attributes:
        pid: Its process.
        port: Where it listens.
        key: What it wants as a service key.
    """

    pid: int
    port: int
    key: str = ""


class Stub:
    """The endpoint in its own process."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def reset(self) -> None:
        """Forget everything."""
        urllib.request.urlopen(f"{self.url}/reset", timeout=TIMEOUT_S).close()

    def facts(self) -> dict[str, Any]:
        """Return count, time of the last publish, ages."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=TIMEOUT_S) as answer:
            return dict(json.load(answer))

    def wait_for(self, events: int) -> dict[str, Any]:
        """Return the facts once so many were published, or when nothing moves any more."""
        moved, before = time.monotonic(), -1
        while True:
            facts = self.facts()
            if facts["count"] != before:
                moved, before = time.monotonic(), facts["count"]
            if facts["count"] >= events or time.monotonic() - moved > 5:
                return facts
            time.sleep(0.05)


@contextmanager
def child(command: list[str], *, pin: Any, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python module until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if command[0] == "gateway" or "stages" in command[0] else None,
        text=True,
        cwd=ROOT,
        env=environment() | environ,
        preexec_fn=pin,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=TIMEOUT_S)
        process.kill()


def environment() -> dict[str, str]:
    """Return an environment with no AWS set-up of this machine in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12",
        "AWS_SECRET_ACCESS_KEY": "example/secret/example/secret/example/12",
        "AWS_SESSION_TOKEN": "example" * 120,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def stub() -> Iterator[Stub]:
    """Run the endpoint."""
    with child(["bench.iot_stub"], pin=off_first_cpu) as process:
        assert process.stdout is not None
        yield Stub(int(process.stdout.readline()))


@contextmanager
def contender(name: str, endpoint: Stub, stages: Path | None = None) -> Iterator[Contender]:
    """Run a gateway, with a folder of its own for its outbox and keys."""
    if name == MINIMAL:
        with child(["bench.minimal_gateway", endpoint.url], pin=on_first_cpu) as process:
            assert process.stdout is not None
            yield Contender(process.pid, int(process.stdout.readline()))
        return
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as folder:
        keys = Path(folder) / "keys.json"
        key = subprocess.run(
            [sys.executable, "-m", "gateway", "key", "new", "--name", "bench",
             "--publish", "user:*", "--file", str(keys)],
            cwd=ROOT, capture_output=True, text=True, check=True, env=environment(),
        ).stdout.split()  # fmt: skip
        settings = {
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": "0",
            "GATEWAY_NAMESPACE": "bench",
            "GATEWAY_REGION": "us-east-1",
            "GATEWAY_IOT_ENDPOINT": endpoint.url,
            "GATEWAY_KEYS_FILE": str(keys),
            "GATEWAY_LOG_FORMAT": "json",
            "GATEWAY_LOG_LEVEL": "info",
            "GATEWAY_OUTBOX": f"sqlite:///{folder}/outbox.db",
            "GATEWAY_PUBLISH_RATE_PER_S": "1000000",
            "GATEWAY_PUBLISH_PATH": "stock" if name == STOCK else "direct",
        }
        command = ["bench.stages", str(stages)] if stages else ["gateway", "serve"]
        with child(command, pin=on_first_cpu, **settings) as process:
            port = _listening(process)
            yield Contender(process.pid, port, next(w for w in key if w.startswith("swk_")))


def _listening(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        with suppress(ValueError):
            facts = json.loads(line)
            if facts.get("message") == "gateway listening":
                # Log lines go on: somebody has to read them, and what they cost is in the result.
                subprocess.Popen(
                    ["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL, start_new_session=True
                )
                return int(facts["url"].rpartition(":")[2])
        console.print(line.rstrip(), markup=False)
    raise SystemExit("the gateway did not start")
