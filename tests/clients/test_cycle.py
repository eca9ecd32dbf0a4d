"""Connecting, subscribing, publishing and connecting again, as clients of others do it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.clients.program import Program
    from tests.clients.target import Target

RECONNECT_PAUSE_S = 1.1
"""One CONNECT per second and client id. Source: aws-iot-facts 3.11."""


def test_a_client_connects_subscribes_publishes_and_reconnects(
    client: Program, target: Target
) -> None:
    """It hears itself and the service, also after the service has ended its connection."""
    topic = f"{target.namespace}/group/chat-{client.kind.name}"
    group = topic.removeprefix(f"{target.namespace}/group/")
    member = target.member(groups=[group], publish=[f"group:{group}"])
    client.connected(member)
    client.subscribed(topic)
    client.published(topic, "one")
    client.wait_for("message", topic=topic, payload="one")
    target.publish(topic, "two")
    client.wait_for("message", topic=topic, payload="two")

    time.sleep(RECONNECT_PAUSE_S)
    target.disconnect(member.client_id)
    client.wait_for("lost")
    client.wait_for("connected")
    client.subscribed(topic)
    client.published(topic, "three")
    client.wait_for("message", topic=topic, payload="three")
    target.publish(topic, "four")
    client.wait_for("message", topic=topic, payload="four")
    client.disconnect()


def test_a_persistent_session_keeps_what_its_client_missed(client: Program, target: Target) -> None:
    """What was published while it was away comes when it is back, without subscribing again."""
    topic = f"{target.namespace}/group/kept-{client.kind.name}"
    member = target.member(groups=[topic.removeprefix(f"{target.namespace}/group/")])
    first = client.connected(member, clean=False)
    client.subscribed(topic)
    client.disconnect()
    target.publish(topic, "missed")
    time.sleep(RECONNECT_PAUSE_S)

    second = client.connected(member, clean=False)
    client.wait_for("message", topic=topic, payload="missed")
    if client.kind.tells_session:
        assert (first["sessionPresent"], second["sessionPresent"]) == (False, True)
    client.disconnect()
