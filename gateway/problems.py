"""Which error becomes which HTTP answer: the one place that decides.

Owns status, code, detail, facts and headers of every answer that is not a success.
Does not: log, count, or add headers that every answer has.
Source: RFC 9457; RFC 9110 for statuses and headers; docs/design.md, "Event API".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import web

from gateway.errors import (
    AdminRequired,
    BodyTooLarge,
    BodyTooSlow,
    ChangedEvent,
    ClientNotConnected,
    CredentialsFailed,
    EventTooLarge,
    InvalidClientId,
    InvalidEvent,
    InvalidQuery,
    IssuerUnavailable,
    MalformedBody,
    NotAllowed,
    NotAuthenticated,
    OutboxFull,
    OutboxUnavailable,
    Overloaded,
    PublishFailed,
    PublishThrottled,
    PublishTimedOut,
    PublishUnavailable,
    RateExceeded,
    RequestRefused,
    TooManyEvents,
    TooManyStreams,
    UnknownEvent,
    UnknownSender,
    UnsupportedMedia,
    WrongState,
)
from gateway.reply import Reply
from wire.problem import PROBLEM_JSON, Problem

RETRY_AFTER_S: Final = 1
"""What Retry-After says when upstream does not say how long its trouble lasts, seconds."""

_REALM: Final = 'Bearer realm="gateway"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A problem and the headers that belong to it."""

    problem: Problem
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self) -> Reply:
        """Return it as a reply."""
        return Reply(self.problem.status, self.problem.body(), PROBLEM_JSON, self.headers)

    def response(self) -> web.Response:
        """Return it as aiohttp's response."""
        return self.reply().response()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """How one class of refusal is answered.

    Attributes:
        status: The HTTP status.
        code: The word for machines.
        facts: Members of the document, each with the error's attribute it comes from.
        may_retry: Whether the same request may succeed in a moment.
    """

    status: int
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
    may_retry: bool = False


_ROWS: Final[Mapping[type[RequestRefused], _Row]] = {
    MalformedBody: _Row(status=400, code="malformed_body", facts={"limit": "limit"}),
    InvalidEvent: _Row(status=400, code="invalid_event"),
    InvalidQuery: _Row(status=400, code="invalid_query", facts={"parameter": "parameter"}),
    InvalidClientId: _Row(status=400, code="invalid_client_id"),
    NotAuthenticated: _Row(status=401, code="unauthenticated", facts={"reason": "reason"}),
    NotAllowed: _Row(
        status=403, code="not_allowed", facts={"refused": "refused", "allowed": "allowed"}
    ),
    UnknownSender: _Row(status=403, code="unknown_sender", facts={"sender": "sender"}),
    AdminRequired: _Row(status=403, code="admin_required"),
    UnknownEvent: _Row(status=404, code="event_not_found"),
    BodyTooSlow: _Row(status=408, code="body_too_slow", facts={"limit_s": "limit_s"}),
    ChangedEvent: _Row(status=409, code="changed_event", facts={"id": "event_id"}),
    WrongState: _Row(status=409, code="wrong_state", facts={"id": "event_id", "state": "state"}),
    BodyTooLarge: _Row(status=413, code="body_too_large", facts={"limit": "limit_bytes"}),
    EventTooLarge: _Row(
        status=413, code="event_too_large", facts={"size": "size_bytes", "limit": "limit_bytes"}
    ),
    TooManyEvents: _Row(status=413, code="too_many_events", facts={"limit": "limit"}),
    UnsupportedMedia: _Row(status=415, code="unsupported_media", facts={"accepted": "accepted"}),
    RateExceeded: _Row(status=429, code="rate_exceeded", facts={"rate": "rate_per_s"}),
    Overloaded: _Row(status=429, code="overloaded", facts={"limit": "limit"}, may_retry=True),
    TooManyStreams: _Row(
        status=429, code="too_many_streams", facts={"limit": "limit"}, may_retry=True
    ),
    OutboxFull: _Row(status=429, code="outbox_full", facts={"limit": "limit"}, may_retry=True),
    OutboxUnavailable: _Row(
        status=503, code="outbox_unavailable", facts={"reason": "why"}, may_retry=True
    ),
    IssuerUnavailable: _Row(status=503, code="issuer_unavailable", may_retry=True),
}


def refusal(error: RequestRefused) -> Answer:
    """Return the answer to a request, or to one event of a batch, that was refused."""
    row = _ROWS[type(error)]
    facts = {member: _json(getattr(error, name)) for member, name in row.facts.items()}
    headers: Mapping[str, str] = retry_after(RETRY_AFTER_S) if row.may_retry else {}
    match error:
        case MalformedBody(limit=None):
            facts = {}
        case InvalidEvent():
            facts = {"errors": [problem.members() for problem in error.problems]}
        case NotAuthenticated():
            # RFC 6750 section 3.1: no error code where nothing was shown.
            challenge = _REALM + ("" if error.reason == "missing" else ', error="invalid_token"')
            headers = {"WWW-Authenticate": challenge}
        case BodyTooSlow():
            # The rest of the body may still be under way: this connection is of no more use.
            headers = {"Connection": "close"}
        case UnsupportedMedia():
            # RFC 9110 section 15.5.16: say what would be taken.
            header = "Accept-Post" if error.header == "Content-Type" else "Accept-Encoding"
            headers = {header: ", ".join(error.accepted)}
        case RateExceeded():
            headers = retry_after(error.wait_s)
    return _answer(row.status, row.code, str(error), facts, headers)


def _json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def nothing_taken(errors: Sequence[RequestRefused], members: Mapping[str, object]) -> Answer:
    """Return the answer to a batch of which no event was taken.

    A refusal that may pass decides about the status: the caller should try again. Otherwise the
    first one does.

    Args:
        errors: Why, in the order of the events; at least one.
        members: The results, as a batch that was taken has them.
    """
    every = [refusal(error) for error in errors]
    deciding = next((one for one in every if "Retry-After" in one.headers), every[0])
    detail = f"none of the {len(every)} events was taken; the first: {errors[0]}"
    headers = retry_after_any(errors)
    return _answer(deciding.problem.status, "nothing_taken", detail, members, headers)


def retry_after_any(errors: Iterable[RequestRefused]) -> dict[str, str]:
    """Return the longest Retry-After among refusals, if there is one."""
    told = (refusal(error).headers.get("Retry-After") for error in errors)
    seconds = [int(text) for text in told if text is not None]
    return retry_after(max(seconds)) if seconds else {}


def connection_trouble(failure: PublishFailed) -> Answer:
    """Return the answer where a call about a client's connection did not succeed."""
    if isinstance(failure, ClientNotConnected):
        return _answer(404, "client_not_connected", "IoT Core knows no connection of this client")
    headers: Mapping[str, str] = {}
    if failure.retryable:
        headers = retry_after(failure.retry_after_s or RETRY_AFTER_S)
    facts = {"retryable": failure.retryable}
    status = _upstream_status(failure)
    return _answer(status, f"iot_{failure.code}", str(failure), facts, headers)


def http_error(error: web.HTTPException) -> Answer:
    """Return the answer for an error that aiohttp itself raised, such as an unknown path."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    match error.status:
        case 404:
            return _answer(404, "not_found", "there is nothing at this path")
        case 405:
            detail = f"this path takes {headers.get('Allow', 'other methods')}"
            return _answer(405, "method_not_allowed", detail, headers=headers)
    phrase = HTTPStatus(error.status).phrase
    return _answer(error.status, phrase.lower().replace(" ", "_"), phrase, headers=headers)


def malformed_request(status: int) -> Answer:
    """Return the answer to bytes that are no HTTP request, or one beyond aiohttp's bounds."""
    return _answer(status, "malformed_request", "this is not an HTTP request that can be read")


def unexpected(request_id: str) -> Answer:
    """Return the answer for a bug of ours; it tells nothing but where to look in the log."""
    detail = "the gateway failed; its log has more under this request id"
    return _answer(500, "internal_error", detail, {"requestId": request_id})


def retry_after(seconds: float) -> dict[str, str]:
    """Return the Retry-After header, whole seconds, rounded up."""
    return {"Retry-After": str(max(1, math.ceil(min(seconds, 86_400))))}


def _upstream_status(failure: PublishFailed) -> int:
    match failure:
        case PublishThrottled():
            # The account's quota, not the caller's rate; the caller's cure is the same.
            return 429
        case PublishUnavailable() | CredentialsFailed():
            return 503
        case PublishTimedOut():
            return 504
    # Upstream answered, and will answer the same again: denied, invalid, too large.
    return 502


def _answer(
    status: int,
    code: str,
    detail: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    problem = Problem(status=status, code=code, detail=detail, facts=facts or {})
    return Answer(problem=problem, headers=headers or {})
