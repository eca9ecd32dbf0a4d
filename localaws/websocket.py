"""MQTT over WebSocket: handshakes and frames on picows.

Owns handshakes, frames and closing. Does not decide anything about MQTT (`localaws.core.broker`),
signatures (`localaws.core.authentication`), the listening socket (`localaws.port`) or when outboxes
are written (`localaws.broker_loop`).

Theory of operation: a frame's payload goes into the broker at once. A receiver that does not read
fills its write buffer up to a limit and is then dropped; nobody waits for it.

Source: aws-iot-facts 1.6, 1.11, 1.12, 3.10; RFC 6455.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from multidict import CIMultiDict
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

from localaws.broker_loop import BrokerLoop, Limits
from localaws.core.connection import DisconnectReason, Ending
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


_NO_HEADERS: Final = CIMultiDict[str]()


class Authenticate(Protocol):
    """Tells who signed a handshake."""

    def __call__(
        self, path: str, query: str, headers: Mapping[str, str], now: datetime
    ) -> Authorizer | Refusal:
        """Return the caller, or what AWS answers instead of 101."""


class MqttEndpoint:
    """Serve MQTT over WebSocket connections for one broker.

    The owner calls `start` in a running loop, hands new transports to `protocol()`, and awaits
    `stop`. Whoever changes the broker from outside calls `flush_soon` afterwards.

    Attributes:
        turns: The broker in its event loop, for other ways to reach it.
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
        self.turns = BrokerLoop(broker, clock=clock, limits=limits)
        self._authenticate = authenticate
        self._clock = clock
        # An adapter, since picows makes a child logger for each connection out of a logger.
        self._picows_log = logging.LoggerAdapter(logging.getLogger("localaws.picows"), {})

    def start(self) -> None:
        """Start the timer."""
        self.turns.start()

    async def stop(self) -> None:
        """End all connections with 1001 and wait until they are closed, or cut."""
        await self.turns.stop()

    def protocol(self) -> asyncio.BufferedProtocol:
        """Return the protocol for one accepted transport."""
        limits = self.turns.limits
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
        self.turns.flush_soon()

    def publish(self, message: Message, now: float) -> Refusal | None:
        """Publish for a caller that is allowed to; a Refusal where a quota is used up."""
        return self.turns.publish(message, now)

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
        return WSUpgradeResponseWithListener(response, _Listener(self.turns, caller))

    def _trace_id(self) -> str:
        return self.broker.new_id()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


class _Listener(WSListener):
    """One WebSocket connection between picows and the broker."""

    __slots__ = ("_caller", "_connection", "_paused", "_socket", "_transport", "_turns", "write")

    framed = True

    def __init__(self, turns: BrokerLoop, caller: Authorizer) -> None:
        self._turns = turns
        self._caller = caller
        self._paused = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Open the connection in the broker."""
        turns = self._turns
        self._transport = transport
        self._socket = transport.underlying_transport
        self._socket.set_write_buffer_limits(high=turns.limits.unsent_bytes)
        self.write: Callable[[bytes], object] = self._socket.write
        address, port = turns.source(self._socket)
        self._connection = turns.broker.open(
            self._caller,
            address=address,
            now=turns.clock(),
            source_port=port,
            target=turns.target(self._socket),
        )
        self._connection.peer = self
        turns.entered(self)
        # picows keeps both for good: a signed URL and headers, 3 KB for each connection.
        transport.request.path = b""
        transport.request.headers = transport.response.headers = _NO_HEADERS

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """Pass a frame's bytes on; frames have no meaning beyond that."""
        kind = frame.msg_type
        if kind in (WSMsgType.BINARY, WSMsgType.CONTINUATION):
            wait_s = self._turns.receive(self._connection, frame.get_payload_as_bytes())
            if wait_s:
                self._pause_reading(wait_s)
        elif kind == WSMsgType.CLOSE:
            # Counts as the client's own wish, like DISCONNECT (aws-iot-facts 3.10).
            reason = DisconnectReason.CLIENT_INITIATED_DISCONNECT
            self._turns.lost(self._connection, reason, "Close frame")
        elif kind == WSMsgType.TEXT:
            # MQTT 5.0 [MQTT-6.0.0-1]: only binary frames.
            self._turns.lost(self._connection, DisconnectReason.CLIENT_ERROR, "a text frame")

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """Tell the broker that the socket is gone."""
        self._turns.lost(
            self._connection, DisconnectReason.CONNECTION_LOST, "the socket was closed"
        )
        self._turns.left(self)

    def pause_writing(self) -> None:
        """Drop a receiver that does not read: what is unwritten has reached the limit."""
        log.warning(
            "slow receiver dropped",
            extra={"unsent_bytes": self._socket.get_write_buffer_size()},
        )
        self._turns.lost(self._connection, DisconnectReason.THROTTLED, "it does not read")
        self.cut()

    def resume_writing(self) -> None:
        """Do nothing: writing was never paused."""

    def _pause_reading(self, wait_s: float) -> None:
        # Frames that have been read already are still handled; TCP then slows the client down.
        if not self._paused and not self._socket.is_closing():
            self._paused = True
            self._socket.pause_reading()
            asyncio.get_running_loop().call_later(wait_s, self._resume_reading)

    def _resume_reading(self) -> None:
        self._paused = False
        if not self._socket.is_closing():
            self._socket.resume_reading()

    def close(self, ending: Ending) -> None:
        """Say goodbye and close once everything is written, or cut after the time for it."""
        if self._transport.is_disconnected or self._socket.is_closing():
            return
        self._transport.send_close(_CLOSE_CODES.get(ending.reason, WSCloseCode.GOING_AWAY))
        self._transport.disconnect()
        asyncio.get_running_loop().call_later(self._turns.limits.close_timeout_s, self.cut)

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
