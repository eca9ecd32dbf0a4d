"""MQTT over WebSocket: the shell around the broker on picows.

Owns handshakes, frames, writing, closing and the timer. Does not decide anything about MQTT
(`localaws.core.broker`), signatures (`localaws.core.authentication`) or the listening socket
(`localaws.port`).

Theory of operation: a frame's payload goes into the broker at once; what that put into outboxes is
written at the end of the same turn of the event loop, one write for each connection however many
messages it got. A server's frames are not masked, so receivers with equal outboxes share one
ready-made frame. A receiver that does not read fills its write buffer up to a limit and is then
dropped; nobody waits for it.

Source: aws-iot-facts 1.6, 1.11, 1.12, 3.10; RFC 6455; bench/fanout.py measures it.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # missing in picows.pyi

from localaws.core.connection import Connection, DisconnectReason, Ending
from localaws.core.refusal import Refusal, iot_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.core.authorizer import Authorizer
    from localaws.core.broker import Broker
    from localaws.core.message import Message

log = logging.getLogger(__name__)

SUBPROTOCOLS: Final = ("mqtt", "mqttv3.1")
"""Accepted and echoed; they do not tell the MQTT version. Source: aws-iot-facts 1.11."""

_CLOSE_CODES: Final = {
    DisconnectReason.CLIENT_INITIATED_DISCONNECT: WSCloseCode.OK,
    DisconnectReason.CLIENT_ERROR: WSCloseCode.PROTOCOL_ERROR,
    DisconnectReason.AUTH_ERROR: WSCloseCode.POLICY_VIOLATION,
    DisconnectReason.FORBIDDEN_ACCESS: WSCloseCode.POLICY_VIOLATION,
    DisconnectReason.SERVER_ERROR: WSCloseCode.INTERNAL_ERROR,
}
"""WebSocket close code by reason, 1001 (going away) for all others. Ours: AWS documents none."""


class Authenticate(Protocol):
    """Tells who signed a handshake."""

    def __call__(
        self, path: str, query: str, headers: Mapping[str, str], now: datetime
    ) -> Authorizer | Refusal:
        """Return the caller, or what AWS answers instead of 101."""


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


class MqttEndpoint:
    """Serve MQTT over WebSocket connections for one broker.

    The owner calls `start` in a running loop, hands new transports to `protocol()`, and awaits
    `stop`. Whoever changes the broker from outside calls `flush_soon` afterwards.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        authenticate: Authenticate,
        clock: Callable[[], float],
        limits: Limits | None = None,
    ) -> None:
        """Make an endpoint.

        Args:
            broker: The broker all connections belong to.
            authenticate: Checks each handshake.
            clock: Returns epoch seconds that never go back.
            limits: The defaults if None.
        """
        self.broker = broker
        self._authenticate = authenticate
        self._clock = clock
        self.limits = limits or Limits()
        self._listeners: set[_Listener] = set()
        self._targets: dict[tuple[str, int], tuple[str, int]] = {}
        self._flush_handle: asyncio.Handle | None = None
        self._tick_handle: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()
        self._emptied.set()
        # An adapter, since picows makes a child logger for each connection out of a logger.
        self._picows_log = logging.LoggerAdapter(logging.getLogger("localaws.picows"), {})

    def start(self) -> None:
        """Start the timer."""
        self._loop = asyncio.get_running_loop()
        self._tick_handle = self._loop.call_later(self.limits.tick_s, self._tick)

    async def stop(self) -> None:
        """End all connections with 1001 and wait until they are closed, or cut."""
        if self._tick_handle is not None:
            self._tick_handle.cancel()
            self._tick_handle = None
        self.broker.shut_down(self._clock())
        self._flush()
        try:
            async with asyncio.timeout(self.limits.close_timeout_s):
                await self._emptied.wait()
        except TimeoutError:
            log.warning("connections cut at shutdown", extra={"connections": len(self._listeners)})
            for listener in list(self._listeners):
                listener.cut()

    def protocol(self) -> asyncio.BufferedProtocol:
        """Return the protocol for one accepted transport."""
        limits = self.limits
        return WSProtocol(  # type: ignore[no-any-return]
            None,  # host and port: a client's
            None,  # path: a client's
            False,  # noqa: FBT003 (is a client; picows takes no keywords)
            self._shake_hands,
            self._picows_log,
            True,  # noqa: FBT003 (disconnect on an exception in a listener)
            limits.handshake_timeout_s,
            False,  # noqa: FBT003 (automatic ping: MQTT has its own keep-alive)
            0,
            0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            True,  # noqa: FBT003 (automatic pong)
            limits.frame_bytes,
            None,
            2048,  # bytes of read buffer at first; it grows, and 10,000 connections pay for it
        )

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

    def receive(self, connection: Connection, data: bytes) -> None:
        """Take bytes from a connection."""
        self.broker.receive(connection, data, self._clock())
        self.flush_soon()

    def lost(self, connection: Connection, reason: DisconnectReason, detail: str) -> None:
        """Take note that a connection is over."""
        self.broker.lost(connection, reason, detail, self._clock())
        self.flush_soon()

    def target(self, transport: asyncio.Transport) -> tuple[str, int]:
        """Return where a client connected to; one object for all of one address."""
        name: tuple[str, int] = transport.get_extra_info("sockname")[:2]
        return self._targets.setdefault(name, name)

    def entered(self, listener: _Listener) -> None:
        """Own a connection that stands."""
        self._listeners.add(listener)
        self._emptied.clear()

    def left(self, listener: _Listener) -> None:
        """Disown a connection whose socket is closed."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._emptied.set()

    def _flush(self) -> None:
        self._flush_handle = None
        former: list[bytes] = []
        frame = b""
        for connection in self.broker.take_ready():
            listener = connection.peer
            if not isinstance(listener, _Listener):
                continue
            outbox = connection.outbox
            if outbox:
                connection.outbox = []
                # Receivers of the same messages hold the very same bytes objects, so this
                # comparison is by identity and costs next to nothing.
                if outbox != former:
                    frame = binary_frame(outbox)
                    former = outbox
                listener.write(frame)
            if connection.ending is not None:
                listener.close(connection.ending)

    def _tick(self) -> None:
        self._tick_handle = self._loop.call_later(self.limits.tick_s, self._tick)
        self.broker.tick(self._clock())
        self.flush_soon()

    def _shake_hands(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        headers = request.headers
        if not asks_for_websocket(headers):
            refusal = Refusal(426, "UpgradeRequiredException", "Upgrade Required")
            return _refused(refusal, self._trace_id(), self._now(), upgrade=True)
        # picows wants exactly "upgrade"; Firefox sends "keep-alive, Upgrade".
        headers["Connection"] = "Upgrade"
        path, _, query = request.path.decode("latin-1").partition("?")
        caller = self._authenticate(path, query, headers, self._now())
        if isinstance(caller, Refusal):
            log.info(
                "handshake refused",
                extra={"status": caller.status, "code": caller.code, "why": caller.explanation},
            )
            return _refused(caller, self._trace_id(), self._now())
        chosen = choose_subprotocol(headers.get("Sec-WebSocket-Protocol", ""))
        more = {"Sec-WebSocket-Protocol": chosen} if chosen else None
        response = WSUpgradeResponse.create_101_response(more)
        return WSUpgradeResponseWithListener(response, _Listener(self, caller, self._clock))

    def _trace_id(self) -> str:
        return self.broker.new_id()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


class _Listener(WSListener):
    """One WebSocket connection between picows and the broker."""

    def __init__(
        self, endpoint: MqttEndpoint, caller: Authorizer, clock: Callable[[], float]
    ) -> None:
        self._endpoint = endpoint
        self._caller = caller
        self._clock = clock

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Open the connection in the broker."""
        self._transport = transport
        self._socket = transport.underlying_transport
        self._socket.set_write_buffer_limits(high=self._endpoint.limits.unsent_bytes)
        self.write = self._socket.write
        address, port = self._socket.get_extra_info("peername")[:2]
        self._connection = self._endpoint.broker.open(
            self._caller,
            address=address,
            now=self._clock(),
            source_port=port,
            target=self._endpoint.target(self._socket),
        )
        self._connection.peer = self
        self._endpoint.entered(self)

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """Pass a frame's bytes on; frames have no meaning beyond that."""
        kind = frame.msg_type
        if kind in (WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._endpoint.receive(self._connection, frame.get_payload_as_bytes())
        elif kind == WSMsgType.CLOSE:
            # Counts as the client's own wish, like DISCONNECT (aws-iot-facts 3.10).
            reason = DisconnectReason.CLIENT_INITIATED_DISCONNECT
            self._endpoint.lost(self._connection, reason, "Close frame")
        elif kind == WSMsgType.TEXT:
            # MQTT 5.0 [MQTT-6.0.0-1]: only binary frames.
            self._endpoint.lost(self._connection, DisconnectReason.CLIENT_ERROR, "a text frame")

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """Tell the broker that the socket is gone."""
        self._endpoint.lost(
            self._connection, DisconnectReason.CONNECTION_LOST, "the socket was closed"
        )
        self._endpoint.left(self)

    def pause_writing(self) -> None:
        """Drop a receiver that does not read: what is unwritten has reached the limit."""
        log.warning(
            "slow receiver dropped",
            extra={"unsent_bytes": self._socket.get_write_buffer_size()},
        )
        self._endpoint.lost(self._connection, DisconnectReason.THROTTLED, "it does not read")
        self.cut()

    def resume_writing(self) -> None:
        """Do nothing: writing was never paused."""

    def close(self, ending: Ending) -> None:
        """Say goodbye and close once everything is written, or cut after the time for it."""
        if self._transport.is_disconnected or self._socket.is_closing():
            return
        self._transport.send_close(_CLOSE_CODES.get(ending.reason, WSCloseCode.GOING_AWAY))
        self._transport.disconnect()
        asyncio.get_running_loop().call_later(self._endpoint.limits.close_timeout_s, self.cut)

    def cut(self) -> None:
        """Close the socket at once, whatever is unwritten."""
        self._transport.disconnect(graceful=False)


def asks_for_websocket(headers: Mapping[str, str]) -> bool:
    """True when a request's headers ask for an upgrade to WebSocket."""
    tokens = {token.strip().lower() for token in headers.get("Connection", "").split(",")}
    return "upgrade" in tokens and headers.get("Upgrade", "").strip().lower() == "websocket"


def choose_subprotocol(offered: str) -> str | None:
    """Return the first offered subprotocol that we speak, or None."""
    for one in offered.split(","):
        if one.strip() in SUBPROTOCOLS:
            return one.strip()
    return None


def binary_frame(parts: list[bytes]) -> bytes:
    """Put bytes into one unmasked, final binary frame. Source: RFC 6455 section 5.2."""
    payload = parts[0] if len(parts) == 1 else b"".join(parts)
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", 0x82, 126, size) + payload
    return struct.pack("!BBQ", 0x82, 127, size) + payload


def _refused(
    refusal: Refusal, trace_id: str, now: datetime, *, upgrade: bool = False
) -> WSUpgradeResponseWithListener:
    answer = iot_answer(refusal, trace_id=trace_id, now=now)
    # picows writes the length itself.
    headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
    if upgrade:
        headers.append(("Upgrade", "websocket"))
    response = WSUpgradeResponse.create_error_response(
        HTTPStatus(answer.status), answer.body, headers
    )
    return WSUpgradeResponseWithListener(response, None)
