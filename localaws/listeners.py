"""The sockets localaws listens on and the addresses that follow from them.

Owns binding all ports before anything starts, so that each part can be told every address, also
where the system chose the port. Does not accept connections.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from localaws.child_environ import reachable

if TYPE_CHECKING:
    from localaws.settings import Settings

LOOPBACK: Final = "127.0.0.1"
"""Where MQTT on plain TCP listens, whatever the other ports do: it has no TLS."""

BACKLOG: Final = 1_024
"""Connections the system holds for a listener that is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where everything answers.

    Attributes:
        iot_url: The IoT data plane, HTTP.
        mqtt_url: The same port's MQTT over WebSocket, as `/credentials` names it.
        aws_url: Every other AWS API.
        api_url: The HTTP API: `/credentials`, the demo page, localaws' health.
        mqtt_tcp: Host and port of MQTT on plain TCP; None where it is off.
    """

    iot_url: str
    mqtt_url: str
    aws_url: str
    api_url: str
    mqtt_tcp: tuple[str, int] | None = None

    @property
    def credentials_url(self) -> str:
        """The credential API."""
        return f"{self.api_url}/credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Bound sockets; as a context manager it closes what nobody took over.

    Attributes:
        host: Address they are bound to.
        iot: For the IoT endpoint.
        aws: For the other AWS APIs.
        api: For the HTTP API.
        tcp: For MQTT on plain TCP, always on loopback; None where it is off.
    """

    host: str
    iot: socket.socket
    aws: socket.socket
    api: socket.socket
    tcp: socket.socket | None = None

    @classmethod
    def bound(cls, settings: Settings) -> Listeners:
        """Bind all ports.

        Raises:
            OSError: One is taken; none stays bound.
        """
        made: list[socket.socket] = []
        try:
            for port in (settings.iot_port, settings.aws_port, settings.api_port):
                made.append(_listen(settings.host, port))  # noqa: PERF401 (the except needs them)
            if settings.mqtt_tcp_port is not None:
                made.append(_listen(LOOPBACK, settings.mqtt_tcp_port))
        except OSError:
            for listener in made:
                listener.close()
            raise
        iot, aws, api, *more = made
        return cls(host=settings.host, iot=iot, aws=aws, api=api, tcp=more[0] if more else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for listener in (self.iot, self.aws, self.api, self.tcp):
            if listener is not None:
                listener.close()

    @property
    def endpoints(self) -> Endpoints:
        """The addresses under which this machine reaches them."""
        host = reachable(self.host)
        return Endpoints(
            iot_url=f"http://{host}:{port_of(self.iot)}",
            mqtt_url=f"ws://{host}:{port_of(self.iot)}/mqtt",
            aws_url=f"http://{host}:{port_of(self.aws)}",
            api_url=f"http://{host}:{port_of(self.api)}",
            mqtt_tcp=None if self.tcp is None else (LOOPBACK, port_of(self.tcp)),
        )


def port_of(listener: socket.socket) -> int:
    """Return the port a socket is bound to."""
    port: int = listener.getsockname()[1]
    return port


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
