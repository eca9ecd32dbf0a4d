"""Handshake headers and frames."""

import pytest
from multidict import CIMultiDict

from localaws.websocket import asks_for_websocket, binary_frame, choose_subprotocol


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


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (65_535, "827effff"),
        (65_536, "827f0000000000010000"),
    ],
)
def test_frames_have_the_shortest_header(size: int, header: str) -> None:
    """One final, unmasked binary frame of all parts. Source: RFC 6455 section 5.2."""
    payload = bytes(size)
    assert binary_frame([payload[:100], payload[100:]]) == bytes.fromhex(header) + payload
