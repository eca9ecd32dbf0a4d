"""The bytes a load client sends: handshake, masked frames, MQTT 3.1.1 packets.

Owns the client's side of the wire, kept as cheap as possible: a load client must not be what is
measured. Frames carry a mask of zeros, which is legal and leaves the payload as it is.

Source: RFC 6455 sections 4.1 and 5.2; MQTT 3.1.1.
"""

from __future__ import annotations

import struct

from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.packet import encode
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version

V311 = Version.V311

PUBACK_START = b"\x40\x02"
"""A PUBACK but for its packet id."""


def handshake(path: str, host: str, *, subprotocol: str | None) -> bytes:
    """Return the request that opens a WebSocket."""
    offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
    ).encode()


def frame(payload: bytes) -> bytes:
    """Return one final, masked binary frame."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BBI", 0x82, 0x80 | size, 0) + payload
    return struct.pack("!BBHI", 0x82, 0xFE, size, 0) + payload


def connect(client_id: str) -> bytes:
    """Return CONNECT."""
    return encode(Connect(version=V311, client_id=client_id, keep_alive_s=1_200), V311)


def subscribe(topic_filter: str, qos: int) -> bytes:
    """Return SUBSCRIBE."""
    request = Request(topic_filter=topic_filter, qos=qos)
    return encode(Subscribe(packet_id=1, requests=(request,)), V311)


def publish(topic: str, payload: bytes, qos: int, packet_id: int) -> bytes:
    """Return PUBLISH."""
    packet = Publish(
        topic=topic, payload=payload, qos=qos, packet_id=packet_id % 65_535 + 1 if qos else None
    )
    return encode(packet, V311)
