"""The broker in an event loop: who feeds it, when it is flushed, and its timer.

Owns the turns: bytes go into the broker at once, and what that put into outboxes is written at the
end of the same turn of the event loop, one write for each connection however many messages it got.
Does not own sockets (`localaws.websocket` and `localaws.tcp` do) and decides nothing about MQTT.

Theory of operation: a server's WebSocket frames are not masked, so receivers with equal outboxes
share one ready-made frame; those on plain TCP share the joined bytes.

Source: bench/fanout.py measures it; aiohttp, "Graceful shutdown".
"""

from __future__ import annotations

import asyncio
import logging
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, cast

from localaws.core.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.core.broker import Broker
    from localaws.core.connection import Connection, DisconnectReason, Ending
    from localaws.core.message import Message

log = logging.getLogger(__name__)

HELD_S: Final = 0.05
"""How often it is looked whether a connection that used up its bytes per second may go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may cost the server.

    Attributes:
        handshake_timeout_s: Time for the whole HTTP request of the handshake.
        frame_bytes: Largest WebSocket frame taken.
        unsent_bytes: A receiver with more than this unwritten is dropped.
        close_timeout_s: Time for what is unwritten at the end; then the socket is cut.
        tick_s: How often the broker learns that time has passed.
    """

    handshake_timeout_s: float = 10.0
    frame_bytes: int = 256 * 1024
    unsent_bytes: int = 4 * 1024 * 1024
    close_timeout_s: float = 5.0
    tick_s: float = 1.0


class Peer(Protocol):
    """The shell's end of one connection; `Connection.peer` is one.

    Attributes:
        framed: True when what is written goes into a WebSocket frame.
        write: Takes bytes for the socket and never waits.
    """

    framed: bool
    write: Callable[[bytes], object]

    def close(self, ending: Ending) -> None:
        """Close once everything is written."""

    def cut(self) -> None:
        """Close at once."""


class BrokerLoop:
    """One broker and everything connected to it.

    The owner calls `start` in a running loop and awaits `stop`. Whoever changes the broker from
    outside calls `flush_soon` afterwards.
    """

    def __init__(
        self, broker: Broker, *, clock: Callable[[], float], limits: Limits | None = None
    ) -> None:
        """Make a loop.

        Args:
            broker: The broker all connections belong to.
            clock: Returns epoch seconds that never go back.
            limits: The defaults if None.
        """
        self.broker = broker
        self.clock = clock
        self.limits = limits or Limits()
        self._peers: set[Peer] = set()
        self._targets: dict[tuple[str, int], tuple[str, int]] = {}
        self._flush_handle: asyncio.Handle | None = None
        self._tick_handle: asyncio.TimerHandle | None = None
        self._held_handle: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()
        self._emptied.set()

    def start(self) -> None:
        """Start the timer."""
        self._loop = asyncio.get_running_loop()
        self._tick_handle = self._loop.call_later(self.limits.tick_s, self._tick)

    async def stop(self) -> None:
        """End all connections (WebSockets with 1001) and wait until they are closed, or cut."""
        for handle in (self._tick_handle, self._held_handle):
            if handle is not None:
                handle.cancel()
        self._tick_handle = self._held_handle = None
        self.broker.shut_down(self.clock())
        self._flush()
        try:
            async with asyncio.timeout(self.limits.close_timeout_s):
                await self._emptied.wait()
        except TimeoutError:
            log.warning("connections cut at shutdown", extra={"connections": len(self._peers)})
            for peer in list(self._peers):
                peer.cut()

    def flush_soon(self) -> None:
        """Write all outboxes at the end of this turn of the event loop."""
        if self._flush_handle is None:
            self._flush_handle = self._loop.call_soon(self._flush)

    def publish(self, message: Message, now: float) -> Refusal | None:
        """Publish for a caller that is allowed to: the HTTP data plane.

        Returns:
            ThrottlingException where a quota of the account or the topic is used up.
        """
        exhausted = self.broker.submit(message, now)
        self.flush_soon()
        if exhausted is None:
            return None
        return Refusal(429, "ThrottlingException", "Rate exceeded", f"used up: {exhausted}")

    def receive(self, connection: Connection, data: bytes) -> float:
        """Take bytes from a connection; return how long it must not be read, in seconds."""
        wait_s = self.broker.receive(connection, data, self.clock())
        if self._flush_handle is None:
            self._flush_handle = self._loop.call_soon(self._flush)
        return wait_s

    def lost(self, connection: Connection, reason: DisconnectReason, detail: str) -> None:
        """Take note that a connection is over."""
        self.broker.lost(connection, reason, detail, self.clock())
        self.flush_soon()

    def entered(self, peer: Peer) -> None:
        """Own a connection that stands."""
        self._peers.add(peer)
        self._emptied.clear()

    def left(self, peer: Peer) -> None:
        """Disown a connection whose socket is closed."""
        self._peers.discard(peer)
        if not self._peers:
            self._emptied.set()

    def target(self, transport: asyncio.Transport) -> tuple[str, int]:
        """Return where a client connected to; one object for all of one address."""
        name: tuple[str, int] = (transport.get_extra_info("sockname") or ("", 0))[:2]
        return self._targets.setdefault(name, name)

    def source(self, transport: asyncio.Transport) -> tuple[str, int]:
        """Return where a client comes from; nothing is known of one that is gone already."""
        name: tuple[str, int] = (transport.get_extra_info("peername") or ("", 0))[:2]
        return name

    def _flush(self) -> None:
        self._flush_handle = None
        former: list[bytes] = []
        data = frame = b""
        for connection in self.broker.take_ready(self.clock()):
            # The core never looks at it, and only peers are ever put there.
            peer = cast("Peer", connection.peer)
            outbox = connection.outbox
            if outbox:
                connection.outbox = []
                # Receivers of the same messages hold the very same bytes objects, so this
                # comparison is by identity and costs next to nothing.
                if outbox != former:
                    former = outbox
                    data = outbox[0] if len(outbox) == 1 else b"".join(outbox)
                    frame = b""
                if peer.framed and not frame:
                    frame = binary_frame(data)
                try:
                    peer.write(frame if peer.framed else data)
                except RuntimeError:
                    # uvloop says so when the socket broke earlier in this turn; that it is lost
                    # will be told in the next one, and the others must get theirs now.
                    peer.cut()
            if connection.ending is not None:
                peer.close(connection.ending)
        if self.broker.held and self._held_handle is None:
            self._held_handle = self._loop.call_later(HELD_S, self._flush_held)

    def _flush_held(self) -> None:
        self._held_handle = None
        self._flush()

    def _tick(self) -> None:
        self._tick_handle = self._loop.call_later(self.limits.tick_s, self._tick)
        self.broker.tick(self.clock())
        self.flush_soon()


def binary_frame(payload: bytes) -> bytes:
    """Put bytes into one unmasked, final binary frame. Source: RFC 6455 section 5.2."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x82, 126, size) + payload
    return struct.pack("!BBQ", 0x82, 127, size) + payload
