"""Handshake headers and frames."""

import pytest
from multidict import CIMultiDict

from localaws.websocket import asks_for_websocket, choose_subprotocol


@pytest.mark.parametrize(
    ("connection", "upgrade", "expected"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, Upgrade", "WebSocket", True),
        ("keep-alive", "websocket", False),
        ("upgrade", "h2c", False),
    ],
)
def test_an_upgrade_is_recognised(connection: str, upgrade: str, expected: bool) -> None:  # noqa: FBT001 (a parametrized case)
    """`Connection` is a list of tokens, in any case."""
    headers = CIMultiDict({"connection": connection, "UPGRADE": upgrade})
    assert asks_for_websocket(headers) is expected


def test_the_first_known_subprotocol_is_chosen() -> None:
    """Both names of MQTT; nothing else."""
    assert choose_subprotocol("mqttv3.1") == "mqttv3.1"
    assert choose_subprotocol("wamp, mqtt,mqttv3.1") == "mqtt"
    assert choose_subprotocol("wamp") is None
    assert choose_subprotocol("") is None
