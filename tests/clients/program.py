"""A foreign client as a program under remote control.

Owns the process, its lines and waiting for what it says. Does not know MQTT. The words are those
of `programs/lines.mjs`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.clients.node import node_program

if TYPE_CHECKING:
    from tests.clients.member import Member
    from tests.clients.target import Target

PROGRAMS = Path(__file__).parent / "programs"

WAIT_S = 20.0
"""Longest wait for one event; some clients pause for 5 seconds before they connect again."""

QUIET_S = 0.5
"""How long something that must not happen is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One foreign client.

    Attributes:
        name: What the test is called.
        script: In `programs`.
        argument: Its first argument: the protocol level where it speaks both.
        version: MQTT version it speaks: 3 (3.1.1) or 5.
        tls: It speaks TLS only.
        tells_session: It says whether a session was present.
        tells_codes: It shows the reason codes of MQTT 5.
    """

    name: str
    script: str
    argument: str | None = None
    version: int
    tls: bool = False
    tells_session: bool = True

    def command(self, target: Target) -> list[str]:
        """Return what to run."""
        argument = self.argument or (target.ca_file if self.tls else None)
        script = str(PROGRAMS / self.script)
        arguments = [argument] if argument else []
        if self.script.endswith(".py"):
            return [sys.executable, script, *arguments]
        return [node_program(), script, *arguments]


KINDS = (
    Kind(name="mqttjs-3", script="mqttjs.mjs", argument="4", version=3),
    Kind(name="mqttjs-5", script="mqttjs.mjs", argument="5", version=5),
    Kind(name="paho-js", script="paho.mjs", version=3, tells_session=False),
    Kind(name="sdk-js-v1", script="sdk_v1.mjs", version=3, tls=True),
    Kind(name="sdk-js-v2-3", script="sdk_v2_mqtt3.mjs", version=3, tls=True),
    Kind(name="sdk-js-v2-5", script="sdk_v2_mqtt5.mjs", version=5, tls=True),
    Kind(name="paho-python-3", script="paho_python.py", argument="4", version=3),
    Kind(name="paho-python-5", script="paho_python.py", argument="5", version=5),
    Kind(name="sdk-python-3", script="sdk_python_mqtt3.py", version=3, tls=True),
    Kind(name="sdk-python-5", script="sdk_python_mqtt5.py", version=5, tls=True),
)
"""Every client, in every version it speaks."""

Event = dict[str, Any]


class Program:
    """A client's process; a context manager.

    Args:
        kind: Which client.
        target: What it will connect to.
    """

    def __init__(self, kind: Kind, target: Target) -> None:
        self.kind = kind
        self._target = target
        self._events: list[Event] = []
        self._told = threading.Condition()
        self._member: Member | None = None

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile(mode="w+")
        environ = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        if self.kind.tls and self._target.ca_file:
            environ["NODE_EXTRA_CA_CERTS"] = self._target.ca_file
        self._process = subprocess.Popen(
            self.kind.command(self._target),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environ,
        )
        self._reader = threading.Thread(target=self._read, name=self.kind.name)
        self._reader.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._errors.close()

    def connect(self, member: Member, *, client_id: str | None = None, clean: bool = True) -> None:
        """Start to connect; forget what was said before."""
        self._member = member
        self._events.clear()
        self._tell(
            do="connect",
            endpoint=self._target.tls_endpoint if self.kind.tls else member.endpoint,
            url=member.url,
            region=member.region,
            accessKeyId=member.access_key_id,
            secretAccessKey=member.secret_access_key,
            sessionToken=member.session_token,
            clientId=client_id or member.client_id,
            clean=clean,
        )

    def connected(self, member: Member, *, clean: bool = True) -> Event:
        """Connect, and return what it said about that."""
        self.connect(member, clean=clean)
        return self.wait_for("connected")

    def subscribe(self, topic_filter: str) -> None:
        """Ask for a topic filter at QoS 1."""
        self._tell(do="subscribe", filter=topic_filter)

    def subscribed(self, topic_filter: str) -> None:
        """Subscribe, which must be granted."""
        self.subscribe(topic_filter)
        assert not self.wait_for("subscribed")["refused"], self.story()

    def publish(self, topic: str, payload: str) -> None:
        """Publish at QoS 1."""
        self._tell(do="publish", topic=topic, payload=payload)

    def published(self, topic: str, payload: str) -> None:
        """Publish, which must be acknowledged."""
        self.publish(topic, payload)
        assert not self.wait_for("published")["refused"], self.story()

    def disconnect(self) -> None:
        """Say goodbye and let the client rest."""
        self._tell(do="disconnect")
        self.wait_for("disconnected")

    def wait_for(self, event: str, **facts: object) -> Event:
        """Return the first event of a name with these facts, and take it from the story."""
        deadline = time.monotonic() + WAIT_S
        with self._told:
            while True:
                for one in self._events:
                    if one["event"] == event and facts.items() <= one.items():
                        self._events.remove(one)
                        return one
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._process.poll() is not None:
                    raise AssertionError(f"no {event} {facts}; {self.story()}")
                self._told.wait(min(left_s, 0.5))

    def said(self, event: str, **facts: object) -> list[Event]:
        """Return every event of a name with these facts that was not waited for."""
        with self._told:
            return [
                one
                for one in self._events
                if one["event"] == event and facts.items() <= one.items()
            ]

    def story(self) -> str:
        """Return all that was said, for an assertion's message."""
        self._errors.seek(0)
        return f"{self.kind.name} said {self._events}; stderr: {self._errors.read()[-2000:]}"

    def _tell(self, **command: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._told:
                self._events.append(json.loads(line))
                self._told.notify_all()
