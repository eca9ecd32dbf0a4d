"""Refusals, as clients of others see them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.clients.program import QUIET_S

if TYPE_CHECKING:
    from tests.clients.program import Program
    from tests.clients.target import Target

NOT_AUTHORIZED = 0x87
"""Reason code of MQTT 5. Source: aws-iot-facts 3.13."""


def test_another_clients_id_is_refused(client: Program, target: Target) -> None:
    """Version 3 sees the socket closed and no CONNACK, version 5 is told why; its own id is good."""
    member = target.member()
    client.connect(member, client_id=f"{member.client_id}x")
    failed = client.wait_for("failed")
    if client.kind.version == 5:
        assert failed["code"] == NOT_AUTHORIZED, client.story()
    assert not client.said("connected")
    client.disconnect()
    client.connected(member)
    client.disconnect()


def test_a_foreign_topic_filter_is_refused(client: Program, target: Target) -> None:
    """Version 3 is closed without SUBACK, version 5 gets SUBACK 0x87 and is closed."""
    client.connected(target.member())
    client.subscribe(f"{target.namespace}/#")
    if client.kind.version == 5:
        assert client.wait_for("subscribed", refused=True)["code"] == NOT_AUTHORIZED
    client.wait_for("lost")
    assert not client.said("subscribed", refused=False), client.story()
    client.disconnect()


def test_a_publish_without_a_grant_is_refused(client: Program, target: Target) -> None:
    """Version 3 is closed without PUBACK, version 5 gets PUBACK 0x87 and is closed."""
    client.connected(target.member())
    client.publish(f"{target.namespace}/everyone", "not granted")
    if client.kind.version == 5:
        assert client.wait_for("published", refused=True)["code"] == NOT_AUTHORIZED
    client.wait_for("lost")
    assert not client.said("published", refused=False), client.story()
    client.disconnect()


def test_expired_credentials_are_refused(client: Program, target: Target) -> None:
    """The handshake fails, however often it is tried; with fresh ones it succeeds."""
    client.connect(target.expired_member())
    client.wait_for("failed")
    time.sleep(QUIET_S)
    assert not client.said("connected")
    client.disconnect()
    client.connected(target.member())
    client.disconnect()
