"""Which error becomes which HTTP answer: the one place that decides.

Owns status, code, detail, facts and headers of every answer that is not a success.
Does not: log, count, or add headers that every answer has.
Source: RFC 9457; RFC 9110 for statuses and headers; docs/design.md, "Event API".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import web

from gateway.core.report import Report
from gateway.errors import (
    BodyTooLarge,
    BodyTooSlow,
    CredentialsFailed,
    EventTooLarge,
    InvalidEvent,
    MalformedBody,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    PublishFailed,
    PublishThrottled,
    PublishTimedOut,
    PublishUnavailable,
    RateExceeded,
    RequestRefused,
    UnsupportedMedia,
)
from wire.problem import PROBLEM_JSON, Problem

RETRY_AFTER_S: Final = 1
"""What Retry-After says when upstream does not say how long its trouble lasts, seconds."""

_REALM: Final = 'Bearer realm="gateway"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A problem and the headers that belong to it."""

    problem: Problem
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """Return it as an HTTP response."""
        return web.Response(
            status=self.problem.status,
            body=self.problem.body(),
            content_type=PROBLEM_JSON,
            headers=self.headers,
        )


def refusal(error: RequestRefused) -> Answer:
    """Return the answer to a request that was refused."""
    detail = str(error)
    facts: dict[str, object]
    match error:
        case MalformedBody():
            facts = {} if error.limit is None else {"limit": error.limit}
            return _answer(400, "malformed_body", detail, facts)
        case InvalidEvent():
            problems = [problem.members() for problem in error.problems]
            return _answer(400, "invalid_event", detail, {"errors": problems})
        case NotAuthenticated():
            # RFC 6750 section 3.1: no error code where nothing was shown.
            challenge = _REALM + ("" if error.reason == "missing" else ', error="invalid_token"')
            facts = {"reason": error.reason}
            return _answer(401, "unauthenticated", detail, facts, {"WWW-Authenticate": challenge})
        case NotAllowed():
            facts = {"refused": list(error.refused), "allowed": list(error.allowed)}
            return _answer(403, "not_allowed", detail, facts)
        case BodyTooSlow():
            # The rest of the body may still be under way: this connection is of no more use.
            facts = {"limit_s": error.limit_s}
            return _answer(408, "body_too_slow", detail, facts, {"Connection": "close"})
        case BodyTooLarge():
            return _answer(413, "body_too_large", detail, {"limit": error.limit_bytes})
        case EventTooLarge():
            facts = {"size": error.size_bytes, "limit": error.limit_bytes}
            return _answer(413, "event_too_large", detail, facts)
        case UnsupportedMedia():
            # RFC 9110 section 15.5.16: say what would be taken.
            header = "Accept-Post" if error.header == "Content-Type" else "Accept-Encoding"
            facts = {"accepted": list(error.accepted)}
            return _answer(
                415, "unsupported_media", detail, facts, {header: ", ".join(error.accepted)}
            )
        case RateExceeded():
            facts = {"rate": error.rate_per_s}
            return _answer(429, "rate_exceeded", detail, facts, retry_after(error.wait_s))
        case Overloaded():
            facts = {"limit": error.limit}
            return _answer(429, "overloaded", detail, facts, retry_after(RETRY_AFTER_S))
    raise error


def unpublished(report: Report) -> Answer:
    """Return the answer for an event that reached no topic at all.

    Where addresses failed differently, the failure that may still succeed decides: the caller
    should try again.
    """
    failure = next((f for f in report.failures if f.retryable), report.failures[0])
    facts = {
        "id": report.id,
        "retryable": failure.retryable,
        "addresses": report.addresses(),
    }
    headers: Mapping[str, str] = {}
    if failure.retryable:
        headers = retry_after(failure.retry_after_s or RETRY_AFTER_S)
    return _answer(
        _upstream_status(failure), f"publish_{failure.code}", str(failure), facts, headers
    )


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
