"""The AWS command line, unchanged: `aws iot-data publish`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.program import KINDS, Program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.clients.member import Member
    from tests.clients.target import Target

AWS = Path(sys.executable).with_name("aws")
RECEIVER = next(kind for kind in KINDS if kind.name == "paho-python-3")


def publish(
    environ: Mapping[str, str], topic: str, payload: str
) -> subprocess.CompletedProcess[str]:
    """Run `aws iot-data publish`."""
    return subprocess.run(
        [AWS, "iot-data", "publish", "--topic", topic, "--qos", "1", "--payload", payload],
        env={n: os.environ[n] for n in ("PATH", "HOME") if n in os.environ} | dict(environ),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def as_member(member: Member, target: Target) -> dict[str, str]:
    """Return the environment in which the command line is a client."""
    return {
        **target.operator,
        "AWS_ACCESS_KEY_ID": member.access_key_id,
        "AWS_SECRET_ACCESS_KEY": member.secret_access_key,
        "AWS_SESSION_TOKEN": member.session_token,
    }


def test_the_command_line_reaches_a_subscriber(target: Target) -> None:
    """`--payload Hi!` arrives as `Hi!`."""
    member = target.member()
    topic = f"{target.namespace}/client/{member.client_id}"
    with Program(RECEIVER, target) as client:
        client.connected(member)
        client.subscribed(topic)
        done = publish(target.operator, topic, "Hi!")
        assert done.returncode == 0, done.stderr
        client.wait_for("message", topic=topic, payload="Hi!")
        client.disconnect()


def test_the_command_line_may_publish_what_a_client_may(target: Target) -> None:
    """A client's own credentials publish where it was granted, over HTTP too."""
    member = target.member(publish=["group:chat"])
    done = publish(as_member(member, target), f"{target.namespace}/group/chat", "Hi!")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("expired", [False, True])
def test_the_command_line_is_refused(target: Target, *, expired: bool) -> None:
    """A topic that was not granted, and credentials that are over, are ForbiddenException."""
    member = target.expired_member() if expired else target.member()
    done = publish(as_member(member, target), f"{target.namespace}/everyone", "Hi!")
    assert done.returncode != 0
    assert "ForbiddenException" in done.stderr
