"""What is written, to whom, and in which frames."""

import asyncio

import pytest

from localaws.broker_loop import BrokerLoop, binary_frame
from localaws.core.broker import Broker
from localaws.core.login import Anonymous


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
    """One final, unmasked binary frame. Source: RFC 6455 section 5.2."""
    payload = bytes(size)
    assert binary_frame(payload) == bytes.fromhex(header) + payload


class Peer:
    """A peer that keeps what is written, or whose socket is broken."""

    def __init__(self, *, framed: bool = False, broken: bool = False) -> None:
        self.framed = framed
        self.broken = broken
        self.written: list[bytes] = []
        self.cuts = 0

    def write(self, data: bytes) -> None:
        """Keep bytes, or fail as uvloop does."""
        if self.broken:
            raise RuntimeError("the handler is closed")
        self.written.append(data)

    def close(self, _ending: object) -> None:
        """Close."""

    def cut(self) -> None:
        """Count."""
        self.cuts += 1


async def test_a_broken_socket_keeps_nothing_from_the_others() -> None:
    """Writing to it fails in the middle of a flush: it is cut, and everybody else is written to."""
    broker = Broker(new_id=str, pick=lambda _count: 0)
    turns = BrokerLoop(broker, clock=lambda: 0.0)
    turns.start()
    peers = [Peer(), Peer(broken=True), Peer(framed=True)]
    for peer in peers:
        connection = broker.open(Anonymous(), address="", now=0.0)
        connection.peer = peer
        broker.fan_out.send(connection, b"hello")
    turns.flush_soon()
    await asyncio.sleep(0)
    assert [peer.written for peer in peers] == [[b"hello"], [], [b"\x82\x05hello"]]
    assert [peer.cuts for peer in peers] == [0, 1, 0]


async def test_receivers_of_the_same_share_one_object() -> None:
    """A frame is made once for all with the same outbox."""
    broker = Broker(new_id=str, pick=lambda _count: 0)
    turns = BrokerLoop(broker, clock=lambda: 0.0)
    turns.start()
    peers = [Peer(framed=True) for _ in range(3)]
    for peer in peers:
        connection = broker.open(Anonymous(), address="", now=0.0)
        connection.peer = peer
        for part in (b"one", b"two"):
            broker.fan_out.send(connection, part)
    turns.flush_soon()
    await asyncio.sleep(0)
    assert peers[0].written == [b"\x82\x06onetwo"]
    assert all(peer.written[0] is peers[0].written[0] for peer in peers)
