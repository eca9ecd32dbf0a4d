"""MQTT over plain TCP, for tests and tools on this machine.

Owns the listening socket and its connections. Off unless asked for, and on a loopback address only:
there is no TLS. IoT Core has no such listener; what is behind it is the same broker with the same
policies and quotas. Who a client is, its CONNECT says (`localaws.core.login`).

Source: docs/fidelity.md; MQTT 3.1.1 section 4.2.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING, cast

from localaws.core.connection import DisconnectReason, Ending
from localaws.core.login import Nobody
from localaws.errors import Misuse

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from localaws.broker_loop import BrokerLoop
    from localaws.core.connection import Connection
    from localaws.core.login import Login

log = logging.getLogger(__name__)


class TcpPort:
    """A listening socket for MQTT without WebSocket.

    Args:
        turns: The broker in its event loop; ends the connections when it stops.
        login: Tells who a client is.
    """

    def __init__(self, turns: BrokerLoop, *, login: Login) -> None:
        self._turns = turns
        self._login = login
        self._server: asyncio.Server | None = None

    async def open(self, listener: socket.socket) -> None:
        """Accept connections.

        Args:
            listener: Bound to a loopback address; owned from now on.

        Raises:
            Misuse: The address can be reached from elsewhere.
        """
        if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
            raise Misuse("the TCP listener is for loopback addresses only")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _TcpPeer(self._turns, self._login), sock=listener
        )

    async def close(self) -> None:
        """Stop listening; the broker's own end closes the connections."""
        if self._server is not None:
            self._server.close()


class _TcpPeer(asyncio.Protocol):
    """One connection between a socket and the broker."""

    __slots__ = ("_connection", "_login", "_paused", "_transport", "_turns", "write")

    framed = False

    def __init__(self, turns: BrokerLoop, login: Login) -> None:
        self._turns = turns
        self._login = login
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the connection in the broker."""
        turns = self._turns
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=turns.limits.unsent_bytes)
        self.write: Callable[[bytes], object] = self._transport.write
        address, port = turns.source(self._transport)
        self._connection: Connection = turns.broker.open(
            Nobody(),
            address=address,
            now=turns.clock(),
            source_port=port,
            target=turns.target(self._transport),
            login=self._login,
        )
        self._connection.peer = self
        turns.entered(self)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        wait_s = self._turns.receive(self._connection, data)
        if wait_s and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(wait_s, self._resume_reading)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell the broker that the socket is gone."""
        self._turns.lost(
            self._connection, DisconnectReason.CONNECTION_LOST, "the socket was closed"
        )
        self._turns.left(self)

    def pause_writing(self) -> None:
        """Drop a receiver that does not read: what is unwritten has reached the limit."""
        log.warning(
            "slow receiver dropped",
            extra={"unsent_bytes": self._transport.get_write_buffer_size()},
        )
        self._turns.lost(self._connection, DisconnectReason.THROTTLED, "it does not read")
        self.cut()

    def close(self, _ending: Ending) -> None:
        """Close once everything is written, or cut after the time for it."""
        if not self._transport.is_closing():
            self._transport.close()
            asyncio.get_running_loop().call_later(self._turns.limits.close_timeout_s, self.cut)

    def cut(self) -> None:
        """Close the socket at once, whatever is unwritten."""
        self._transport.abort()

    def _resume_reading(self) -> None:
        self._paused = False
        if not self._transport.is_closing():
            self._transport.resume_reading()
