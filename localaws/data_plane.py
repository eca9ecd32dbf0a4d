"""The HTTP half of the IoT endpoint: the `iot-data` API.

Owns what every request goes through: size, signature, which operation it is, faults on request, and
the wording of the answer. Does not listen (the IoT port is shared with WebSockets, `localaws.port`
hands connections over) and does not serve operations (`localaws.data_operations` does).

Source: facts 2; AWS IoT API reference, "AWS IoT Data Plane".
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Final

from aiohttp import web

from localaws.core.faults import NO_FAULT
from localaws.core.http_parameters import too_large
from localaws.core.refusal import Answer, Refusal, iot_answer
from localaws.data_operations import DataOperations, Operation, Received, operation_of
from localaws.http_request import received, sent
from wire.limits import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.broker_loop import BrokerLoop
    from localaws.clock import Clock
    from localaws.core.api_rates import ApiRates
    from localaws.core.authentication import Authentication
    from localaws.core.faults import Faults
    from localaws.core.observer import Denial
    from localaws.core.signed_request import Request

log = logging.getLogger(__name__)

UNBOUNDED_BODY_BYTES: Final = 64 * 1024 * 1024
"""Where reading a body stops when the payload's own limit is switched off."""


def _unheard(_denial: Denial) -> None:
    """Tell nobody about a denial."""


class DataPlane:
    """Answer the `iot-data` API.

    Args:
        turns: The broker in its event loop.
        authentication: Of the endpoint's region.
        clock: Tells the time.
        faults: What goes wrong on purpose; None for nothing.
        rates: The defaults if None.
        body_timeout_s: How long a client may take to send its body.
        on_denied: Hears of every denial by policy; must return at once.
    """

    def __init__(
        self,
        turns: BrokerLoop,
        *,
        authentication: Authentication,
        clock: Clock,
        faults: Faults | None = None,
        rates: ApiRates | None = None,
        body_timeout_s: float = 10.0,
        on_denied: Callable[[Denial], None] = _unheard,
    ) -> None:
        self._operations = DataOperations(turns, rates=rates, on_denied=on_denied)
        self._quotas = turns.broker.quotas
        self._authentication = authentication
        self._clock = clock
        self._faults = faults
        self._body_timeout_s = body_timeout_s

    def application(self) -> web.Application:
        """Return an aiohttp application that answers every path of the endpoint."""
        limit = self._quotas.payload_bytes
        most = UNBOUNDED_BODY_BYTES if limit is None else max(limit, MAX_PAYLOAD_BYTES) + 1024
        app = web.Application(client_max_size=most)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, incoming: web.Request) -> web.Response:
        trace_id = str(uuid.uuid4())
        found: Answer | Refusal
        try:
            async with asyncio.timeout(self._body_timeout_s):
                request = await received(incoming)
        except web.HTTPRequestEntityTooLarge:
            found = too_large(self._quotas)
        except TimeoutError:
            found = Refusal(408, "RequestTimeoutException", "The body did not arrive in time.")
        else:
            found = await self._decided(request, incoming.remote or "", trace_id)
        if isinstance(found, Refusal):
            facts = {"code": found.code, "status": found.status, "trace_id": trace_id}
            log.info("data plane refused", extra={**facts, "explanation": found.explanation})
            found = iot_answer(found, trace_id=trace_id, now=self._clock.utc())
        return sent(found)

    async def _decided(self, request: Request, source_ip: str, trace_id: str) -> Answer | Refusal:
        try:
            return await self._decide(request, source_ip, trace_id)
        except Exception:  # our bug: say so in AWS's shape, so that clients see what they know
            log.exception("data plane failed", extra={"trace_id": trace_id})
            return Refusal(500, "InternalFailureException", "Internal Failure")

    async def _decide(self, request: Request, source_ip: str, trace_id: str) -> Answer | Refusal:
        now = self._clock.utc()
        if request.path == "/mqtt":
            return Refusal(426, "UpgradeRequiredException", "Upgrade Required")
        caller = self._authentication.authenticate_iot(request, now)
        if isinstance(caller, Refusal):
            return caller
        operation = operation_of(request.method, request.path)
        if isinstance(operation, Refusal):
            return operation
        one = Received(
            request=request,
            caller=caller,
            source_ip=source_ip,
            now=now,
            at=self._clock.steady(),
            trace_id=trace_id,
        )
        return await self._serve(operation, one)

    async def _serve(self, operation: Operation, one: Received) -> Answer | Refusal:
        fault = NO_FAULT if self._faults is None else self._faults.http(operation.name)
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.refusal is None:
            return await operation.serve(self._operations, one)
        if fault.performed:
            await operation.serve(self._operations, one)
        return fault.refusal
