"""The IoT endpoint: one port, the HTTP data plane and MQTT over WebSocket, one broker behind both.

Owns putting the parts together and the order in which they start and stop. Does not own any of
their behaviour.

Source: aws-iot-facts 1.1; aiohttp, "Graceful shutdown".
"""

from __future__ import annotations

import logging
import random
import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from localaws.broker_loop import Limits
from localaws.connection_log import ConnectionLog, log_denial
from localaws.core.authentication import Authentication
from localaws.core.broker import Broker
from localaws.core.denials import Denials, Denied
from localaws.core.login import KeyLogin
from localaws.core.quotas import Quotas
from localaws.data_plane import DataPlane
from localaws.faults import FaultDesk
from localaws.port import Port
from localaws.tcp import TcpPort
from localaws.websocket import MqttEndpoint

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from localaws.clock import Clock
    from localaws.core.api_rates import ApiRates
    from localaws.core.authorizer import Authorizer
    from localaws.core.message import Message
    from localaws.core.observer import Denial
    from localaws.core.refusal import Refusal
    from localaws.moto_server import MotoServer

log = logging.getLogger(__name__)


class IotEndpoint:
    """The listener of the IoT port.

    Args:
        moto: Its directory knows the keys and policies.
        clock: The one clock.
        quotas: AWS's defaults if None.
        rates: AWS's defaults if None.
        allow_anonymous: A client on plain TCP needs no credentials.
        body_timeout_s: How long a client may take to send what it began: a request or a handshake.
        stop_timeout_s: How long connections and requests may take to end when it stops.

    Attributes:
        broker: Sessions and subscriptions, for tests and inspection.
        denials: What policies refused lately.
        faults: Where faults are ordered.
        on_published: Hears of every message the broker accepted (rules); must return at once.
    """

    def __init__(
        self,
        moto: MotoServer,
        *,
        clock: Clock,
        quotas: Quotas | None = None,
        rates: ApiRates | None = None,
        allow_anonymous: bool = False,
        body_timeout_s: float,
        stop_timeout_s: float,
    ) -> None:
        self._clock = clock
        self._arn_prefix = moto.arn_prefix("iot")
        self._authentication = Authentication(moto.directory, region=moto.region)
        self.denials = Denials()
        self.on_published: Callable[[Message, float], None] | None = None
        self.broker = Broker(
            new_id=lambda: str(uuid.uuid4()),
            pick=random.randrange,
            quotas=quotas,
            observer=_Watch(self),
        )
        self._mqtt = MqttEndpoint(
            self.broker,
            authenticate=self._authenticate,
            clock=clock.steady,
            limits=Limits(handshake_timeout_s=body_timeout_s, close_timeout_s=stop_timeout_s),
        )
        self.faults = FaultDesk(clock=clock, directory=moto.directory)
        self.faults.turns = self._mqtt.turns
        self.broker.interference = self.faults
        plane = DataPlane(
            self._mqtt.turns,
            authentication=self._authentication,
            clock=clock,
            faults=self.faults.faults,
            rates=rates,
            body_timeout_s=body_timeout_s,
            on_denied=self.denied,
        )
        self._runner = web.AppRunner(
            plane.application(), access_log=None, shutdown_timeout=stop_timeout_s
        )
        self._allow_anonymous = allow_anonymous
        self._login = KeyLogin(moto.directory, allow_anonymous=allow_anonymous)
        self._port: Port | None = None
        self._tcp: TcpPort | None = None
        self._first_bytes_timeout_s = body_timeout_s

    async def start(self, listener: socket.socket, tcp: socket.socket | None = None) -> None:
        """Serve on bound sockets, which the endpoint owns from now on.

        Args:
            listener: For HTTP and WebSockets.
            tcp: For MQTT on plain TCP; None for none.
        """
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
        if tcp is not None:
            self._tcp = TcpPort(self._mqtt.turns, login=self._login)
            await self._tcp.open(tcp)
            if self._allow_anonymous:
                log.warning("insecure: anonymous clients on plain TCP may do everything")

    async def stop(self) -> None:
        """Stop listening, let requests end, then end every connection with 1001."""
        if self._port is not None:
            port, self._port = self._port, None
            await port.close()
            if self._tcp is not None:
                await self._tcp.close()
            await self._runner.cleanup()
            self.faults.close()
            await self._mqtt.stop()

    def publish(self, message: Message, now: float) -> None:
        """Publish for a rule: permission is asked for before, and no account quota counts."""
        self.broker.publish(message, now)
        self._mqtt.flush_soon()

    def denied(self, denial: Denial) -> None:
        """Log a denial and remember it."""
        log_denial(denial)
        self.denials.add(
            Denied(
                at=self._clock.steady(),
                where="iot",
                # At CONNECT there is no client yet, only the id it asks for.
                client_id=denial.name if denial.action == "iot:Connect" else denial.client_id,
                principal=denial.principal,
                action=denial.action,
                resource=f"{self._arn_prefix}{denial.resource_kind}/{denial.name}",
                why=denial.explanation,
            )
        )

    def _authenticate(
        self, path: str, query: str, headers: Mapping[str, str], now: datetime
    ) -> Authorizer | Refusal:
        del now  # the broker's; faults may set the clock wrong that signatures are judged by
        return self._authentication.authenticate(path, query, headers, self._clock.utc())


class _Watch(ConnectionLog):
    """Passes on what the broker tells: denials to be remembered, messages to the rules."""

    def __init__(self, endpoint: IotEndpoint) -> None:
        self._endpoint = endpoint

    def published(self, message: Message, now: float) -> None:
        """Tell the rules of a message."""
        hear = self._endpoint.on_published
        if hear is not None:
            hear(message, now)

    def denied(self, denial: Denial, now: float) -> None:
        """Log and remember a denial."""
        del now
        self._endpoint.denied(denial)
