"""The HTTP half of the IoT endpoint: the `iot-data` API.

Owns its operations from request to answer: size, signature, operation, policy, hand-over to the
broker. Does not listen (the IoT port is shared with WebSockets, `localaws.port` hands connections
over) and does not deliver (a `Publisher` does).

Every operation is one row of `_OPERATIONS` and one method; what has no row is answered as AWS
answers an unknown path.

Source: facts 2; AWS IoT API reference, "AWS IoT Data Plane".
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import web

from localaws.core.http_publish import read_publish, too_large
from localaws.core.observer import Denial
from localaws.core.refusal import Answer, Refusal, iot_answer, iot_ok
from localaws.http_request import received, sent
from wire.limits import MAX_PAYLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localaws.core.authentication import Authentication
    from localaws.core.authorizer import ResourceKind
    from localaws.core.message import Message
    from localaws.core.principal import Principal
    from localaws.core.signed_request import Request

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = MAX_PAYLOAD_BYTES + 1024
"""Where reading a body stops; between the payload limit and this the refusal is the same 413."""


class Publisher(Protocol):
    """Where published messages go."""

    def publish(self, message: Message, now: float) -> Refusal | None:
        """Accept a message for delivery, at once and without waiting.

        Args:
            message: With a legal topic, allowed by the publisher's policy.
            now: Epoch seconds.

        Returns:
            None, or a ThrottlingException where a quota is used up.
        """


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _unheard(_denial: Denial) -> None:
    """Tell nobody about a denial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request under way.

    Attributes:
        request: As it arrived.
        caller: Who signed it.
        source_ip: The peer's address, empty when unknown.
        now: Aware UTC time it is answered for.
        trace_id: A fresh UUID, both traceId and request id.
    """

    request: Request
    caller: Principal
    source_ip: str
    now: datetime
    trace_id: str


class DataPlane:
    """Answer the `iot-data` API.

    Args:
        authentication: Of the endpoint's region.
        publisher: Takes what was published.
        body_timeout_s: How long a client may take to send its body.
        clock: Tells the aware UTC time.
        on_denied: Hears of every denial by policy; must return at once.
    """

    def __init__(
        self,
        *,
        authentication: Authentication,
        publisher: Publisher,
        body_timeout_s: float = 10.0,
        clock: Callable[[], datetime] = _utc_now,
        on_denied: Callable[[Denial], None] = _unheard,
    ) -> None:
        self._authentication = authentication
        self._publisher = publisher
        self._body_timeout_s = body_timeout_s
        self._clock = clock
        self._on_denied = on_denied

    def application(self) -> web.Application:
        """Return an aiohttp application that answers every path of the endpoint."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, incoming: web.Request) -> web.Response:
        trace_id = str(uuid.uuid4())
        found: Answer | Refusal
        try:
            async with asyncio.timeout(self._body_timeout_s):
                request = await received(incoming)
        except web.HTTPRequestEntityTooLarge:
            found = too_large()
        except TimeoutError:
            found = Refusal(408, "RequestTimeoutException", "The body did not arrive in time.")
        else:
            found = await self._decided(request, incoming.remote or "", trace_id)
        if isinstance(found, Refusal):
            facts = {"code": found.code, "status": found.status, "trace_id": trace_id}
            log.info("data plane refused", extra={**facts, "explanation": found.explanation})
            found = iot_answer(found, trace_id=trace_id, now=self._clock())
        return sent(found)

    async def _decided(self, request: Request, source_ip: str, trace_id: str) -> Answer | Refusal:
        try:
            return await self._decide(request, source_ip, trace_id)
        except Exception:  # our bug: say so in AWS's shape, so that clients see what they know
            log.exception("data plane failed", extra={"trace_id": trace_id})
            return Refusal(500, "InternalFailureException", "Internal Failure")

    async def _decide(self, request: Request, source_ip: str, trace_id: str) -> Answer | Refusal:
        now = self._clock()
        if request.path == "/mqtt":
            return Refusal(426, "UpgradeRequiredException", "Upgrade Required")
        caller = self._authentication.authenticate_iot(request, now)
        if isinstance(caller, Refusal):
            return caller
        serve = _operation(request)
        if isinstance(serve, Refusal):
            return serve
        one = Received(
            request=request, caller=caller, source_ip=source_ip, now=now, trace_id=trace_id
        )
        return await serve(self, one)

    async def _publish(self, one: Received) -> Answer | Refusal:
        at = one.now.timestamp()
        message = read_publish(one.request, principal=one.caller.user_id, now=at)
        if isinstance(message, Refusal):
            return message
        actions = ("iot:Publish", "iot:RetainPublish") if message.retain else ("iot:Publish",)
        refusal = self._denial(one, actions, "topic", message.topic)
        if refusal is None:
            refusal = self._publisher.publish(message, at)
        return refusal or iot_ok(trace_id=one.trace_id, now=one.now)

    def _denial(
        self, one: Received, actions: tuple[str, ...], kind: ResourceKind, name: str
    ) -> Refusal | None:
        context = {"aws:SourceIp": one.source_ip} if one.source_ip else {}
        for action in actions:
            decision = one.caller.decide(action, kind, name, context)
            if decision.allowed:
                continue
            self._on_denied(
                Denial(
                    client_id="",
                    principal=one.caller.user_id,
                    action=action,
                    resource_kind=kind,
                    name=name,
                    explanation=decision.explanation,
                )
            )
            return Refusal(403, "ForbiddenException", "Forbidden", decision.explanation)
        return None


@dataclass(frozen=True, slots=True)
class _Operation:
    """One row: requests with this method and path prefix are answered by this method."""

    method: str
    prefix: str
    serve: Callable[[DataPlane, Received], Awaitable[Answer | Refusal]]


_OPERATIONS: Final = (_Operation("POST", "/topics/", DataPlane._publish),)  # noqa: SLF001


def _operation(
    request: Request,
) -> Callable[[DataPlane, Received], Awaitable[Answer | Refusal]] | Refusal:
    rows = [row for row in _OPERATIONS if request.path.startswith(row.prefix)]
    for row in rows:
        if row.method == request.method:
            return row.serve
    if rows:
        return Refusal(405, "MethodNotAllowedException", "Method Not Allowed")
    return Refusal(404, "ResourceNotFoundException", "Not Found")
