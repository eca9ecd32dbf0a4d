"""`python -m localaws up`: localaws and the gateway as two processes under one small parent.

Owns the order of starting and stopping, and what is checked before. Does not import the gateway: it
is another program, met through its command line, its settings and its health.

Theory of operation: ports checked → key made if there is none → localaws healthy → gateway healthy
→ addresses shown → wait. What ends the wait decides the outcome: a signal is a clean end, a child
that ended by itself is an error. Stopping goes backwards, so that the gateway drains while IoT is
still there.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Final

from localaws.api_front import HEALTH_PATH
from localaws.child import Child
from localaws.child_environ import GatewayPlace, gateway_environ, localaws_environ, reachable
from localaws.listeners import LOOPBACK
from localaws.ports import PlannedPort, check_free
from localaws.service_key import make_service_key
from localaws.state import StateFolder
from localaws.welcome import Welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.settings import Settings

GATEWAY_HEALTH_PATH: Final = "/readyz"
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs both programs until told to stop.

    Args:
        settings: Settings of localaws.
        environ: Environment the children inherit from.
        write_line: Takes each log line.
        greet: Shows the addresses once all is healthy.

    Raises:
        SettingsError: The gateway's address is wrong.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        write_line: Callable[[str], None],
        greet: Callable[[Welcome], None],
    ) -> None:
        self._settings = settings
        self._gateway = GatewayPlace.from_env(environ)
        self._environ = environ
        self._state = StateFolder(settings.state_dir)
        self._write_line = write_line
        self._greet = greet
        self._children: list[Child] = []

    async def run(self) -> None:
        """Start everything, wait for a signal, stop everything.

        Raises:
            PortTaken: A port is not free.
            ChildFailed: A program ended by itself or did not become healthy.
        """
        check_free(self._planned_ports())
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stopping.set)
        life = asyncio.create_task(self._live(), name="life")
        told = asyncio.create_task(stopping.wait(), name="signal")
        try:
            await asyncio.wait({life, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            life.cancel()
            await asyncio.wait({life, told})
            await self._stop()
        if not life.cancelled():
            life.result()

    async def _live(self) -> None:
        """Start both programs and wait until one ends.

        Raises:
            ChildFailed: One ended or did not become healthy.
        """
        settings, environ = self._settings, self._environ
        await make_service_key(self._state, environ=environ, timeout_s=settings.start_timeout_s)
        localaws = await self._start("localaws", localaws_environ(environ, gateway=self._gateway))
        api_url = f"http://{reachable(settings.host)}:{settings.api_port}"
        await localaws.healthy(api_url + HEALTH_PATH, timeout_s=settings.start_timeout_s)
        gateway = await self._start(
            "gateway",
            gateway_environ(environ, gateway=self._gateway, settings=settings, state=self._state),
        )
        gateway_health = self._gateway.url + GATEWAY_HEALTH_PATH
        await gateway.healthy(gateway_health, timeout_s=settings.start_timeout_s)
        self._greet(
            Welcome(
                demo_url=f"{api_url}/",
                gateway_url=self._gateway.url,
                namespace=settings.namespace,
                state=self._state,
                python=sys.executable,
            )
        )
        await self._first_end()

    async def _start(self, module: str, environ: Mapping[str, str]) -> Child:
        child = await Child.start(
            module, [module, "serve"], environ=environ, write_line=self._write_line
        )
        self._children.append(child)
        return child

    async def _first_end(self) -> None:
        ends = [asyncio.create_task(child.ended(), name=child.name) for child in self._children]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            raise done.pop().result()
        finally:
            for end in ends:
                end.cancel()

    async def _stop(self) -> None:
        for child in reversed(self._children):
            await child.stop(timeout_s=self._settings.stop_timeout_s)

    def _planned_ports(self) -> list[PlannedPort]:
        gateway, here = self._gateway, self._settings
        ports = [
            ("the event API", "GATEWAY_PORT", gateway.host, gateway.port),
            ("the IoT endpoint", "LOCALAWS_IOT_PORT", here.host, here.iot_port),
            ("the demo page", "LOCALAWS_API_PORT", here.host, here.api_port),
            ("the other AWS APIs", "LOCALAWS_AWS_PORT", here.host, here.aws_port),
        ]
        if here.mqtt_tcp_port is not None:
            ports.append(("MQTT on TCP", "LOCALAWS_MQTT_TCP_PORT", LOOPBACK, here.mqtt_tcp_port))
        return [
            PlannedPort(purpose=purpose, setting=setting, host=host, port=port)
            for purpose, setting, host, port in ports
        ]
