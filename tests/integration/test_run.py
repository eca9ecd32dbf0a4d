"""`python -m localaws up`, as `make run` starts it: both programs, their end, and no orphan."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 30.0
PORTS = ("GATEWAY_PORT", "LOCALAWS_IOT_PORT", "LOCALAWS_API_PORT", "LOCALAWS_AWS_PORT")


@dataclass
class Up:
    """A supervisor under test.

    Attributes:
        process: The supervisor.
        log: File with everything it and its children wrote.
        environ: What it was started with.
        state: Its state folder.
    """

    process: subprocess.Popen[bytes]
    log: Path
    environ: Mapping[str, str]
    state: Path

    def text(self) -> str:
        """Return everything written so far."""
        return self.log.read_text()

    def until(self, phrase: str) -> str:
        """Wait until a phrase was written, and return everything; fail if the supervisor ends."""
        wait_for(lambda: phrase in self.text() or self.process.poll() is not None)
        assert phrase in self.text(), self.text()
        return self.text()

    def children(self) -> list[int]:
        """Return the ids of both programs' processes."""
        listing = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True
        ).stdout
        rows = [line.split() for line in listing.splitlines()]
        return [int(child) for child, parent in rows if int(parent) == self.process.pid]

    def end(self) -> int:
        """Wait for the supervisor's end and return its status."""
        return self.process.wait(timeout=LIMIT_S)

    def lines_to_paste(self) -> list[str]:
        """Return the shell lines that were printed."""
        return [line for line in self.text().splitlines() if line.startswith(("curl ", "AWS_"))]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)


def is_alive(process_id: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process_id)], check=False, capture_output=True, text=True
    )
    return found.returncode == 0 and not found.stdout.strip().startswith("Z")


def free_ports() -> dict[str, str]:
    """Return settings with a free port each."""
    with contextlib.ExitStack() as listeners:
        made = [listeners.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {
            name: str(listener.getsockname()[1]) for name, listener in zip(PORTS, made, strict=True)
        }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Start supervisors, and end what a failed test left."""
    started: list[Up] = []

    def starter(**settings: str) -> Up:
        log = tmp_path / "log"
        state = tmp_path / "state"
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GATEWAY_", "LOCALAWS_"))
        }
        environ = own | {"LOCALAWS_STATE_DIR": str(state), **free_ports(), **settings}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "localaws", "up"],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(Up(process=process, log=log, environ=environ, state=state))
        return started[-1]

    yield starter
    for up in started:
        children = up.children()
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait(LIMIT_S)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def secrets_of(up: Up) -> list[str]:
    """Return what must outlive a run."""
    return [(up.state / name).read_text() for name in ("service-key", "jwt-secret")]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a printed line as a user would who pastes it, from any folder."""
    return subprocess.run(
        ["sh", "-c", line], check=False, capture_output=True, text=True, cwd="/", timeout=LIMIT_S
    )


def test_everything_starts_is_used_and_ends_with_ctrl_c(start: Callable[..., Up]) -> None:
    """One command: both programs healthy, the printed lines work, Ctrl-C ends all, status 0."""
    up = start()
    text = up.until("one client, past the gateway")
    wait_for(lambda: len(up.lines_to_paste()) == 5)
    assert "localaws | " in text
    assert "gateway  | " in text
    assert "\x1b" not in text, "colours belong on a terminal only"

    page = urllib.request.urlopen(f"http://127.0.0.1:{up.environ['LOCALAWS_API_PORT']}/demo/config")
    config = json.load(page)
    assert config["gatewayUrl"] == f"http://127.0.0.1:{up.environ['GATEWAY_PORT']}"
    key = (up.state / "service-key").read_text().strip()
    assert config["serviceKey"] == key
    assert key not in up.text()

    *posts, publish = up.lines_to_paste()
    for line in posts:
        answer = shell(line)
        assert json.loads(answer.stdout)["status"] == "accepted", answer
    assert shell(publish).returncode == 0

    children = up.children()
    assert len(children) == 2
    up.process.send_signal(signal.SIGINT)
    assert up.end() == 0, up.text()
    assert not any(is_alive(child) for child in children)
    assert "Traceback" not in up.text()


def test_taken_ports_are_named_with_their_settings(start: Callable[..., Up]) -> None:
    """Nothing starts when a port is taken, and the text says what to set."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        up = start(LOCALAWS_IOT_PORT=port)
        assert up.end() == 1
    assert f"port {port} on 127.0.0.1 (the IoT endpoint) is taken" in up.text()
    assert "set LOCALAWS_IOT_PORT to another port" in up.text()
    assert not up.state.exists()


def test_wrong_settings_are_all_named(start: Callable[..., Up]) -> None:
    """A misspelt name is found before anything starts."""
    up = start(LOCALAWS_ACCOUNT="1", LOCALAWS_IOT_PROT="1")
    assert up.end() == 2
    assert "LOCALAWS_ACCOUNT must be" in up.text()
    assert "did you mean LOCALAWS_IOT_PORT?" in up.text()


def test_killed_supervisor_leaves_no_orphan(start: Callable[..., Up]) -> None:
    """Even `kill -9` ends both programs; the next start has the same ports, key and secret."""
    ports = free_ports()
    up = start(**ports)
    up.until("Everything is up")
    children, kept = up.children(), secrets_of(up)
    assert len(children) == 2
    up.process.kill()
    up.end()
    wait_for(lambda: not any(is_alive(child) for child in children))

    again = start(**ports)
    again.until("Everything is up")
    assert secrets_of(again) == kept
    again.process.send_signal(signal.SIGTERM)
    assert again.end() == 0, again.text()


def test_one_program_ending_stops_the_other(start: Callable[..., Up]) -> None:
    """Half a stack is none: the rest is stopped, and the status says that it failed."""
    up = start()
    up.until("Everything is up")
    children = up.children()
    os.kill(children[0], signal.SIGKILL)
    assert up.end() == 1
    assert "was ended by SIGKILL" in up.text()
    assert not any(is_alive(child) for child in children)


def test_gateway_that_cannot_start_is_an_error(start: Callable[..., Up]) -> None:
    """A wrong setting of the gateway is shown in its own words, and nothing is left running."""
    up = start(GATEWAY_IOT_PROT="1")
    assert up.end() == 1
    assert "did you mean GATEWAY_IOT" in up.text()
    assert up.children() == []
