"""The operations of the `iot-data` API, each from its request to its answer.

Owns the order within an operation: read it, ask the caller's policies, ask the rate, do it. Does
not authenticate (`localaws.data_plane` does), and holds no messages or connections (the broker does).

Every operation is one row of `OPERATIONS` and one method. Denials by policy answer 403
ForbiddenException; that AWS does so for every operation is unverified (facts 2.6).

Source: facts 2; AWS IoT API reference, "AWS IoT Data Plane".
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from localaws.core.allowance import Allowance
from localaws.core.api_rates import ApiRates
from localaws.core.delivery import Outcome
from localaws.core.direct_message import DirectRefusal
from localaws.core.http_connection import (
    connection_body,
    read_deletion,
    read_lookup,
    read_subscriber,
    subscriptions_body,
    unknown_client,
)
from localaws.core.http_direct import direct_refusal, read_direct, unconfirmed
from localaws.core.http_publish import read_publish
from localaws.core.http_retained import listing_body, read_topic, retained_body
from localaws.core.observer import Denial
from localaws.core.refusal import Answer, Refusal, iot_document, iot_empty, iot_ok

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from localaws.broker_loop import BrokerLoop
    from localaws.core.authorizer import ResourceKind
    from localaws.core.direct_message import DirectSent
    from localaws.core.principal import Principal
    from localaws.core.signed_request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request under way.

    Attributes:
        request: As it arrived.
        caller: Who signed it.
        source_ip: The peer's address, empty when unknown.
        now: Aware UTC time it is answered for.
        at: Epoch seconds by the broker's clock.
        trace_id: A fresh UUID, both traceId and request id.
    """

    request: Request
    caller: Principal
    source_ip: str
    now: datetime
    at: float
    trace_id: str

    def document(self, body: Mapping[str, object] | Refusal) -> Answer | Refusal:
        """Return a document as an answer; a refusal stays one."""
        if isinstance(body, Refusal):
            return body
        return iot_document(body, trace_id=self.trace_id, now=self.now)


class DataOperations:
    """What the API can do.

    Args:
        turns: The broker in its event loop.
        rates: The defaults if None.
        on_denied: Hears of every denial by policy; must return at once.
    """

    def __init__(
        self, turns: BrokerLoop, *, rates: ApiRates | None, on_denied: Callable[[Denial], None]
    ) -> None:
        self._turns = turns
        self._broker = turns.broker
        self._on_denied = on_denied
        rates = rates or ApiRates()
        self._allowances = {
            name: Allowance(per_s, 0.0)
            for name, per_s in {
                "GetRetainedMessage": rates.get_retained_per_s,
                "ListRetainedMessages": rates.list_retained_per_s,
                "DeleteConnection": rates.delete_connection_per_s,
                "GetConnection": rates.get_connection_per_s,
                "ListSubscriptions": rates.list_subscriptions_per_s,
                "SendDirectMessage": rates.send_direct_per_s,
            }.items()
            if per_s is not None
        }

    async def publish(self, one: Received) -> Answer | Refusal:
        """Publish: accepted is not delivered."""
        message = read_publish(
            one.request, principal=one.caller.user_id, now=one.at, quotas=self._broker.quotas
        )
        if isinstance(message, Refusal):
            return message
        refusal = self._denial(one, "iot:Publish", "topic", message.topic)
        if refusal is None and message.retain:
            refusal = self._denial(one, "iot:RetainPublish", "topic", message.topic)
        if refusal is None:
            refusal = self._turns.publish(message, one.at)
        return refusal or iot_ok(trace_id=one.trace_id, now=one.now)

    async def get_retained(self, one: Received) -> Answer | Refusal:
        """Return the retained message of one topic."""
        topic = read_topic(one.request)
        if isinstance(topic, Refusal):
            return topic
        refusal = self._refusal(one, "GetRetainedMessage", "topic", topic)
        if refusal is not None:
            return refusal
        return one.document(retained_body(self._broker.retained.get(topic, one.at), topic))

    async def list_retained(self, one: Received) -> Answer | Refusal:
        """List the topics that have a retained message."""
        decision = one.caller.allows("iot:ListRetainedMessages", "*", _context(one))
        if not decision.allowed:
            return self._denied(one, "iot:ListRetainedMessages", "topic", "*", decision.explanation)
        refusal = self._throttled(one, "ListRetainedMessages")
        if refusal is not None:
            return refusal
        return one.document(listing_body(one.request, self._broker.retained.listing(one.at)))

    async def delete_connection(self, one: Received) -> Answer | Refusal:
        """End a client's connection, and its session if wanted."""
        wanted = read_deletion(one.request)
        if isinstance(wanted, Refusal):
            return wanted
        refusal = self._refusal(one, "DeleteConnection", "client", wanted.client_id)
        if refusal is not None:
            return refusal
        ended = self._broker.disconnect(
            wanted.client_id,
            now=one.at,
            clean_session=wanted.clean_session,
            prevent_will=wanted.prevent_will,
        )
        self._turns.flush_soon()
        return iot_empty(trace_id=one.trace_id, now=one.now) if ended else unknown_client()

    async def get_connection(self, one: Received) -> Answer | Refusal:
        """Tell how a client is, or was, connected."""
        wanted = read_lookup(one.request)
        if isinstance(wanted, Refusal):
            return wanted
        refusal = self._refusal(one, "GetConnection", "client", wanted.client_id)
        if refusal is not None:
            return refusal
        view = self._broker.connection_of(wanted.client_id, one.at)
        if view is None:
            return unknown_client()
        return one.document(connection_body(view, with_socket=wanted.with_socket))

    async def list_subscriptions(self, one: Received) -> Answer | Refusal:
        """List a client's subscriptions, those of a session without connection, too."""
        wanted = read_subscriber(one.request)
        if isinstance(wanted, Refusal):
            return wanted
        refusal = self._refusal(one, "ListSubscriptions", "client", wanted.client_id)
        if refusal is not None:
            return refusal
        views = self._broker.subscriptions_of(wanted.client_id)
        if views is None:
            return unknown_client()
        return one.document(subscriptions_body(one.request, views))

    async def send_direct(self, one: Received) -> Answer | Refusal:
        """Send a message to one client, and wait for its PUBACK if wanted."""
        wanted = read_direct(one.request, principal=one.caller.user_id, quotas=self._broker.quotas)
        if isinstance(wanted, Refusal):
            return wanted
        refusal = self._refusal(
            one, "SendDirectMessage", "client", wanted.client_id, topic=wanted.message.topic
        )
        if refusal is not None:
            return refusal
        sent = self._broker.send_direct(
            wanted.client_id, wanted.message, confirm=wanted.confirm, now=one.at
        )
        self._turns.flush_soon()
        if isinstance(sent, DirectRefusal):
            return direct_refusal(sent)
        if not await self._confirmed(wanted.client_id, sent, wanted.timeout_s):
            return unconfirmed()
        return iot_ok(trace_id=one.trace_id, now=one.now)

    async def _confirmed(self, client_id: str, sent: DirectSent, timeout_s: float) -> bool:
        """Wait for PUBACK; True at once where none was asked for."""
        confirmation = sent.confirmation
        if confirmation is None:
            return True
        settled = asyncio.Event()
        confirmation.on_settled = lambda _outcome: settled.set()
        try:
            async with asyncio.timeout(timeout_s):
                await settled.wait()
        except TimeoutError:
            return False
        finally:
            # Also when the caller went away: nobody waits any more.
            self._broker.withdraw(client_id, sent)
        return confirmation.outcome is Outcome.ACKNOWLEDGED

    def _refusal(
        self, one: Received, operation: str, kind: ResourceKind, name: str, *, topic: str = ""
    ) -> Refusal | None:
        denial = self._denial(one, f"iot:{operation}", kind, name, topic=topic)
        return denial or self._throttled(one, operation)

    def _throttled(self, one: Received, operation: str) -> Refusal | None:
        allowance = self._allowances.get(operation)
        if allowance is None or allowance.take(one.at):
            return None
        return Refusal(429, "ThrottlingException", "Rate exceeded", f"used up: {operation}/s")

    def _denial(
        self, one: Received, action: str, kind: ResourceKind, name: str, *, topic: str = ""
    ) -> Refusal | None:
        context = _context(one)
        if topic:
            context["iot:Topic"] = topic
        decision = one.caller.decide(action, kind, name, context)
        if decision.allowed:
            return None
        return self._denied(one, action, kind, name, decision.explanation)

    def _denied(
        self, one: Received, action: str, kind: ResourceKind, name: str, explanation: str
    ) -> Refusal:
        self._on_denied(
            Denial(
                client_id="",
                principal=one.caller.user_id,
                action=action,
                resource_kind=kind,
                name=name,
                explanation=explanation,
            )
        )
        return Refusal(403, "ForbiddenException", "Forbidden", explanation)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: requests with this method, path prefix and suffix are answered by this method.

    Attributes:
        name: As the service model names it.
        single: What stands between prefix and suffix is one path segment.
    """

    name: str
    method: str
    prefix: str
    serve: Callable[[DataOperations, Received], Awaitable[Answer | Refusal]]
    suffix: str = ""
    single: bool = False

    def fits(self, path: str) -> bool:
        """Tell whether a raw path is one of this operation's."""
        if not path.startswith(self.prefix) or not path.endswith(self.suffix):
            return False
        middle = path[len(self.prefix) : len(path) - len(self.suffix)]
        return not self.single or (bool(middle) and "/" not in middle)


OPERATIONS: Final = (
    Operation("Publish", "POST", "/topics/", DataOperations.publish),
    Operation("GetRetainedMessage", "GET", "/retainedMessage/", DataOperations.get_retained),
    Operation(
        "SendDirectMessage",
        "POST",
        "/connections/",
        DataOperations.send_direct,
        "/messages",
        single=True,
    ),
    Operation(
        "ListSubscriptions",
        "GET",
        "/connections/",
        DataOperations.list_subscriptions,
        "/subscriptions",
        single=True,
    ),
    Operation(
        "DeleteConnection", "DELETE", "/connections/", DataOperations.delete_connection, single=True
    ),
    Operation("GetConnection", "GET", "/connections/", DataOperations.get_connection, single=True),
)

LISTING: Final = Operation(
    "ListRetainedMessages", "GET", "/retainedMessage", DataOperations.list_retained
)
"""The one operation whose path is a whole word."""


def operation_of(method: str, path: str) -> Operation | Refusal:
    """Return the operation of a request; 404 for an unknown path, 405 for a known one."""
    rows = [row for row in OPERATIONS if row.fits(path)]
    if path in (LISTING.prefix, f"{LISTING.prefix}/"):
        rows = [LISTING]
    for row in rows:
        if row.method == method:
            return row
    if rows:
        return Refusal(405, "MethodNotAllowedException", "Method Not Allowed")
    return Refusal(404, "ResourceNotFoundException", "Not Found")


def _context(one: Received) -> dict[str, str | tuple[str, ...]]:
    return {"aws:SourceIp": one.source_ip} if one.source_ip else {}
