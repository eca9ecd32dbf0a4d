"""The door to every AWS API but the IoT data plane, standing before moto.

Owns the listener of the AWS port, the order of the checks (size, signature, what is served, the
caller's policies, AssumeRole's own) and the forwarding of what passes to moto, byte for byte. Does
not decide anything itself: `localaws.core` does. Does not know where keys are kept.

Known differences: presigned URLs and S3's own signing are refused; resource policies are not
evaluated; no API throttles.

Source: facts 4.9 to 4.11 and 10; aiohttp, "Graceful shutdown".
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL

from localaws.core.api_errors import access_denied, answer_of, rules_of, unserved
from localaws.core.assume_role import ACTION as ASSUME_ROLE
from localaws.core.assume_role import read_call, refuse
from localaws.core.assumed_role import assumed_answer
from localaws.core.authentication import Authentication
from localaws.core.operation import (
    PASS_ROLE,
    UNAUTHORIZED,
    Operation,
    name_operation,
    spoken_by,
)
from localaws.core.refusal import Answer, Refusal, json_answer
from localaws.core.rule_request import CHANGED, SERVICE, WRITTEN, rule_request
from localaws.core.signed_request import Request, read_authorization
from localaws.errors import NotRunning, UpstreamUnavailable
from localaws.http_request import received, sent
from localaws.senders import SENDER_HEADER

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from aiohttp import ClientResponse

    from localaws.core.principal import Principal
    from localaws.moto_server import MotoServer

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Largest request that is taken in; SQS and SNS allow 1 MiB, DynamoDB batches more."""

MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
"""Largest answer of moto's that is passed on."""

UPSTREAM_CONNECTIONS: Final = 64
"""Connections to moto at a time; more requests wait, at most `upstream_timeout_s`."""

_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "expect",
        "keep-alive",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-moto-account-id",
        SENDER_HEADER,
    }
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RuleKeeper(Protocol):
    """Who must know of topic rules before and after they are made."""

    def check(self, name: str, payload: Mapping[str, object]) -> Refusal | None:
        """Tell whether a rule can be made."""

    def reload(self) -> None:
        """Take note that moto has other rules now."""


Report = Callable[[str, str, str, str, str], None]
"""Told of a denial: service, the caller's ARN, action, resource, and what decided."""


def _unheard(*_facts: str) -> None:
    """Tell nobody about a denial."""


class AwsFront:
    """The listener of the AWS port.

    Args:
        moto: A started server; its directory knows the keys.
        upstream_timeout_s: How long moto may take for one request, waiting for a connection
            included.
        body_timeout_s: How long a client may take to send its body.
        stop_timeout_s: How long requests under way may take when it stops.
        packed_limit_percent: Refuse AssumeRole above this (approximate) PackedPolicySize; None
            never refuses for it.
        clock: Tells the aware UTC time.
        on_denied: Hears of every denial by policy; must return at once.

    Attributes:
        rules: Asked about every topic rule; None lets every rule through.
    """

    def __init__(
        self,
        moto: MotoServer,
        *,
        upstream_timeout_s: float = 30.0,
        body_timeout_s: float = 10.0,
        stop_timeout_s: float = 10.0,
        packed_limit_percent: int | None = None,
        clock: Callable[[], datetime] = _utc_now,
        on_denied: Report = _unheard,
    ) -> None:
        self._moto = moto
        self._authentication = Authentication(moto.directory, region=moto.region)
        self._upstream_timeout_s = upstream_timeout_s
        self._body_timeout_s = body_timeout_s
        self._packed_limit_percent = packed_limit_percent
        self._clock = clock
        self._on_denied = on_denied
        self.rules: RuleKeeper | None = None
        self._upstream: ClientSession | None = None
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=stop_timeout_s)

    async def start(self, listener: socket.socket) -> None:
        """Serve on a bound socket, which the front owns from now on."""
        self._upstream = ClientSession(
            auto_decompress=False,
            connector=TCPConnector(limit=UPSTREAM_CONNECTIONS),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self._upstream_timeout_s),
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Stop listening, let requests under way end, close the rest."""
        await self._runner.cleanup()
        if self._upstream is not None:
            await self._upstream.close()
            self._upstream = None

    async def _answer(self, incoming: web.Request) -> web.Response:
        request_id = str(uuid.uuid4())
        try:
            async with asyncio.timeout(self._body_timeout_s):
                request = await received(incoming)
        except web.HTTPRequestEntityTooLarge:
            return sent(_own(Refusal(413, "RequestEntityTooLarge", "Too large."), request_id))
        except TimeoutError:
            return sent(_own(Refusal(408, "RequestTimeout", "The body is late."), request_id))
        source_ip = incoming.remote or ""
        try:
            return sent(await self._decide(request, source_ip=source_ip, request_id=request_id))
        except Exception:  # our bug: say so in AWS's shape, so that clients see what they know
            log.exception("aws front failed", extra={"request_id": request_id})
            return sent(_own(Refusal(500, "InternalFailure", "Internal Failure"), request_id))

    async def _decide(self, request: Request, *, source_ip: str, request_id: str) -> Answer:
        spoken = spoken_by(request)
        rules = rules_of(spoken)
        claim = read_authorization(request, rules)
        service = "" if isinstance(claim, Refusal) else claim.scope.service

        def refused(refusal: Refusal, *, operation: str = "*") -> Answer:
            facts = {"code": refusal.code, "service": service, "operation": operation}
            log.info("request refused", extra={**facts, "explanation": refusal.explanation})
            return answer_of(refusal, spoken=spoken, service=service, request_id=request_id)

        if isinstance(claim, Refusal):
            return refused(claim)
        caller = self._authentication.authenticate_api(request, rules=rules, now=self._clock())
        if isinstance(caller, Refusal):
            return refused(caller)
        operation = name_operation(
            request,
            service=service,
            region=claim.scope.region,
            account=caller.account,
            partition=caller.arn.split(":")[1],
        )
        refusal = unserved(operation, request.path) or self._denied(operation, caller, source_ip)
        if refusal is not None:
            return refused(refusal, operation=operation.name)
        try:
            if (operation.service, operation.name) == ("sts", "AssumeRole"):
                found = self._assume(operation, caller, source_ip=source_ip, request_id=request_id)
            elif operation.service == SERVICE and self.rules is not None:
                found = await self._forward_rule(request, caller, operation, self.rules)
            else:
                found = await self._forward(request, caller)
        except UpstreamUnavailable as trouble:
            log.warning("moto did not answer", extra={"problem": trouble.problem})
            found = Refusal(503, "ServiceUnavailable", str(trouble))
        return refused(found, operation=operation.name) if isinstance(found, Refusal) else found

    def _assume(
        self, operation: Operation, caller: Principal, *, source_ip: str, request_id: str
    ) -> Answer | Refusal:
        call = read_call(operation.form)
        if isinstance(call, Refusal):
            return call
        directory = self._moto.directory
        role = directory.role(call.role_arn)
        refusal = refuse(
            call,
            caller=caller,
            role=role,
            source_ip=source_ip,
            packed_limit_percent=self._packed_limit_percent,
        )
        if refusal is not None:
            if refusal.code == "AccessDenied":
                why = refusal.explanation
                self._on_denied("sts", caller.arn, ASSUME_ROLE, call.role_arn, why)
            return refusal
        key = directory.open_session(
            call.role_arn,
            session_name=call.session_name,
            duration_s=call.duration_s,
            policy=call.policy,
        )
        known = directory.known_key(key.access_key_id)
        if known is None:  # the role was deleted by moto's threads a moment ago
            return Refusal(500, "InternalFailure", "The role is gone.")
        return assumed_answer(
            key,
            arn=known.principal.arn,
            user_id=known.principal.user_id,
            packed_percent=call.packed_percent,
            request_id=request_id,
        )

    def _denied(self, operation: Operation, caller: Principal, source_ip: str) -> Refusal | None:
        context = {"aws:SourceIp": source_ip} if source_ip else {}
        for action, resource in operation.wanted:
            # AssumeRole asks trust policy and identity policy together (localaws.core.assume_role).
            if action in UNAUTHORIZED or action == ASSUME_ROLE:
                continue
            asked = context
            if action == PASS_ROLE:
                asked = {**context, "iam:PassedToService": f"{operation.service}.amazonaws.com"}
            decision = caller.allows(action, resource, asked)
            if not decision.allowed:
                self._on_denied(
                    operation.service, caller.arn, action, resource, decision.explanation
                )
                return access_denied(
                    operation,
                    caller_arn=caller.arn,
                    action=action,
                    resource=resource,
                    decision=decision,
                )
        return None

    async def _forward_rule(
        self, request: Request, caller: Principal, operation: Operation, rules: RuleKeeper
    ) -> Answer | Refusal:
        about = rule_request(request.method, request.path)
        if about is not None and about.rule is not None and about.operation in WRITTEN:
            # In a thread: the first rule imports the parser.
            refusal = await asyncio.to_thread(rules.check, about.rule, operation.parameters)
            if refusal is not None:
                return refusal
        found = await self._forward(request, caller)
        if about is not None and about.operation in CHANGED:
            rules.reload()
        return found

    async def _forward(self, request: Request, caller: Principal) -> Answer | Refusal:
        if self._upstream is None:
            raise NotRunning("the AWS front")
        headers = {n: v for n, v in request.headers.items() if n not in _HOP_BY_HOP}
        headers["x-moto-account-id"] = caller.account
        headers[SENDER_HEADER] = caller.user_id
        target = f"{self._moto.endpoint}{request.path}"
        if request.query:
            target = f"{target}?{request.query}"
        try:
            async with self._upstream.request(
                request.method,
                URL(target, encoded=True),
                headers=headers,
                # aiohttp warns when more than 1 MiB is given as bytes.
                data=BytesIO(request.body) if request.body else None,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
            ) as answer:
                body = await _bounded(answer)
        except (ClientError, TimeoutError, OSError) as problem:
            raise UpstreamUnavailable("moto", type(problem).__name__) from problem
        kept = tuple((n, v) for n, v in answer.headers.items() if n.lower() not in _HOP_BY_HOP)
        if answer.status == 500 and answer.content_type == "text/html":
            return Refusal(501, "NotImplemented", "moto does not know this operation.")
        return Answer(answer.status, kept, body)


async def _bounded(answer: ClientResponse) -> bytes:
    chunks = bytearray()
    async for chunk in answer.content.iter_any():
        chunks += chunk
        if len(chunks) > MAX_ANSWER_BYTES:
            raise UpstreamUnavailable("moto", f"its answer is over {MAX_ANSWER_BYTES} bytes")
    return bytes(chunks)


def _own(refusal: Refusal, request_id: str) -> Answer:
    """Answer a request that was too long or too slow to be read, whatever API it was for."""
    return json_answer(refusal, request_id=request_id)
