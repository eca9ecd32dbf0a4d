"""The IoT endpoint: one port, the HTTP data plane and MQTT over WebSocket, one broker behind both.

Owns putting the parts together and the order in which they start and stop. Does not own any of
their behaviour.

Source: aws-iot-facts 1.1; aiohttp, "Graceful shutdown".
"""

from __future__ import annotations

import random
import time
import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from localaws.broker_loop import Limits
from localaws.connection_log import ConnectionLog, log_denial
from localaws.core.authentication import Authentication
from localaws.core.broker import Broker
from localaws.data_plane import DataPlane
from localaws.port import Port
from localaws.websocket import MqttEndpoint

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from localaws.moto_server import MotoServer


class IotEndpoint:
    """The listener of the IoT port.

    Args:
        moto: Its directory knows the keys and policies.
        body_timeout_s: How long a client may take to send what it began: a request or a handshake.
        stop_timeout_s: How long connections and requests may take to end when it stops.

    Attributes:
        broker: Sessions and subscriptions, for tests and inspection.
    """

    def __init__(self, moto: MotoServer, *, body_timeout_s: float, stop_timeout_s: float) -> None:
        authentication = Authentication(moto.directory, region=moto.region)
        self.broker = Broker(
            new_id=lambda: str(uuid.uuid4()), pick=random.randrange, observer=ConnectionLog()
        )
        self._mqtt = MqttEndpoint(
            self.broker,
            authenticate=authentication.authenticate,
            clock=steady_clock(),
            limits=Limits(handshake_timeout_s=body_timeout_s, close_timeout_s=stop_timeout_s),
        )
        plane = DataPlane(
            authentication=authentication,
            publisher=self._mqtt,
            body_timeout_s=body_timeout_s,
            on_denied=log_denial,
        )
        self._runner = web.AppRunner(
            plane.application(), access_log=None, shutdown_timeout=stop_timeout_s
        )
        self._port: Port | None = None
        self._first_bytes_timeout_s = body_timeout_s

    async def start(self, listener: socket.socket) -> None:
        """Serve on a bound socket, which the endpoint owns from now on."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None  # noqa: S101 (setup has made it)
        self._mqtt.start()
        self._port = Port(
            http=server,
            mqtt=self._mqtt.protocol,
            first_bytes_timeout_s=self._first_bytes_timeout_s,
        )
        await self._port.open(listener)

    async def stop(self) -> None:
        """Stop listening, let requests end, then end every connection with 1001."""
        if self._port is not None:
            port, self._port = self._port, None
            await port.close()
            await self._runner.cleanup()
            await self._mqtt.stop()


def steady_clock() -> Callable[[], float]:
    """Return a clock of epoch seconds that never goes back, whatever the system's does."""
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()
