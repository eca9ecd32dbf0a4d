"""One listening port for HTTP and for MQTT over WebSocket: the first bytes decide.

Owns the listening socket and the time a new connection has to say something. Does not read HTTP:
it looks at the start of the request line, hands the transport over with what has arrived, and is
then out of the way, so neither side pays for the other.

Source: aws-iot-facts 1.1 and 2.5: IoT Core serves both on 443 of one host name.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

MQTT_REQUESTS: Final = (b"GET /mqtt?", b"GET /mqtt ")
"""How a request for MQTT over WebSocket starts, upgrade or not."""

_DECIDED_AT: Final = len(MQTT_REQUESTS[0])

BACKLOG: Final = 4_096
"""Connections that may wait to be accepted: a reconnect storm of all tabs at once."""


class Port:
    """A listening socket for both protocols."""

    def __init__(
        self,
        *,
        http: Callable[[], asyncio.BaseProtocol],
        mqtt: Callable[[], asyncio.BaseProtocol],
        first_bytes_timeout_s: float = 10.0,
    ) -> None:
        """Make a closed port.

        Args:
            http: Makes the protocol for a connection that speaks HTTP (an aiohttp `web.Server`).
            mqtt: Makes the protocol for a connection that asks for `/mqtt`.
            first_bytes_timeout_s: A connection silent for this long is closed.
        """
        self._http = http
        self._mqtt = mqtt
        self._timeout_s = first_bytes_timeout_s
        self._undecided: set[_Sniffer] = set()
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket) -> None:
        """Accept connections.

        Args:
            listener: Bound; owned from now on.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._sniffer, sock=listener, backlog=BACKLOG)

    async def close(self) -> None:
        """Stop listening and close connections that have not said what they want.

        Those that have are their protocols' own to end, after this.
        """
        if self._server is not None:
            self._server.close()
        for sniffer in list(self._undecided):
            sniffer.abort()

    def _sniffer(self) -> _Sniffer:
        return _Sniffer(self._http, self._mqtt, self._timeout_s, self._undecided)


class _Sniffer(asyncio.Protocol):
    """Waits for the first bytes of one connection."""

    __slots__ = ("_http", "_mqtt", "_received", "_timeout_s", "_timer", "_transport", "_undecided")

    def __init__(
        self,
        http: Callable[[], asyncio.BaseProtocol],
        mqtt: Callable[[], asyncio.BaseProtocol],
        timeout_s: float,
        undecided: set[_Sniffer],
    ) -> None:
        self._http = http
        self._mqtt = mqtt
        self._timeout_s = timeout_s
        self._undecided = undecided
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._undecided.add(self)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._timeout_s, self.abort)

    def data_received(self, data: bytes) -> None:
        self._received += data
        speaks_mqtt = starts_as_mqtt(self._received)
        if speaks_mqtt is not None:
            self._hand_over(self._mqtt() if speaks_mqtt else self._http())

    def connection_lost(self, _error: Exception | None) -> None:
        self._forget()

    def abort(self) -> None:
        """Close a connection that has not said what it wants."""
        self._transport.abort()

    def _hand_over(self, protocol: asyncio.BaseProtocol) -> None:
        self._forget()
        transport = self._transport
        # uvloop keeps the first protocol of a transport alive; nothing must hang on it.
        received, self._received = self._received, b""
        # uvloop picks its way of reading (buffered or not) when reading starts.
        transport.pause_reading()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()
        if isinstance(protocol, asyncio.BufferedProtocol):
            _fill(protocol, received)
        else:
            cast("asyncio.Protocol", protocol).data_received(received)

    def _forget(self) -> None:
        self._timer.cancel()
        self._undecided.discard(self)


def starts_as_mqtt(received: bytes) -> bool | None:
    """Tell whether a request is for `/mqtt`; None if more bytes are needed to tell."""
    if len(received) >= _DECIDED_AT:
        return received.startswith(MQTT_REQUESTS)
    if any(start.startswith(received) for start in MQTT_REQUESTS):
        return None
    return False


def _fill(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Give a buffered protocol bytes as its transport would."""
    left = memoryview(data)
    while left:
        buffer = memoryview(protocol.get_buffer(len(left)))
        size = min(len(left), len(buffer))
        buffer[:size] = left[:size]
        protocol.buffer_updated(size)
        left = left[size:]
