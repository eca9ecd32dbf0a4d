"""Credentials straight from STS, and what the credential API gives beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.clients.program import Program
    from tests.clients.target import Target


def test_credentials_from_assume_role_open_the_connection(client: Program, target: Target) -> None:
    """A session policy of the caller's own narrows the role, and the client works within it."""
    topic = f"{target.namespace}/group/direct-{client.kind.name}"
    name = topic.removeprefix(f"{target.namespace}/")
    member = target.member_from_sts(groups=[name.removeprefix("group/")])
    client.connected(member)
    client.subscribed(topic)
    target.publish(topic, "from the service")
    client.wait_for("message", topic=topic, payload="from the service")
    client.publish(topic, "not granted")
    client.wait_for("lost")
    client.disconnect()
