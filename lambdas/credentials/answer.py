"""What goes back to API Gateway.

Owns the result's shape in payload format 2.0, the members of a success, and the one mapping from
errors to HTTP answers. CORS headers are not among them: API Gateway adds its own to every response
and ignores a function's.

Source: docs/design.md, "Credential API"; RFC 9457; RFC 6750 section 3; API Gateway developer guide,
"Configure CORS for HTTP APIs".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from lambdas.credentials.errors import (
    BadRequest,
    CredentialsError,
    KeysUnavailable,
    MethodNotAllowed,
    MissingToken,
    NoSuchRoute,
    StsThrottled,
    StsUnavailable,
)
from wire.errors import GrantRefused, InvalidToken, PolicyTooLarge
from wire.problem import PROBLEM_JSON, Problem

if TYPE_CHECKING:
    from lambdas.credentials.client_role import ClientCredentials
    from wire.grant import Grant

Answer: TypeAlias = dict[str, object]
"""A function's result in payload format 2.0."""

RETRY_AFTER_S: Final = 2
"""Seconds after which a throttled or failed call is worth another try; clients add jitter."""


def granted(
    *,
    grant: Grant,
    credentials: ClientCredentials,
    endpoint: str,
    region: str,
    url: str,
) -> Answer:
    """Return the answer that carries credentials.

    Args:
        grant: What they allow.
        credentials: From STS.
        endpoint: Where to connect, unsigned.
        region: The endpoint's region.
        url: The endpoint, signed.
    """
    body = {
        "endpoint": endpoint,
        "region": region,
        "clientId": grant.client_id,
        "expiration": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "credentials": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key.reveal(),
            "sessionToken": credentials.session_token.reveal(),
        },
        "url": url,
        "subscribe": grant.subscribe_filters(),
        "publish": grant.publish_filters(),
    }
    return _answer(HTTPStatus.OK, "application/json", json.dumps(body), {})


def refused(error: Exception) -> Answer:
    """Return the answer to a request that brought no credentials; any error has one."""
    problem, headers = _problem(error)
    return _answer(problem.status, PROBLEM_JSON, problem.body().decode(), headers)


def reason_of(error: Exception) -> str:
    """Return an error's stable word for the log."""
    if isinstance(error, InvalidToken | GrantRefused | CredentialsError):
        return error.reason
    return type(error).__name__


def _problem(error: Exception) -> tuple[Problem, Mapping[str, str]]:
    match error:
        case BadRequest():
            return Problem(status=400, code="bad_request", detail=error.detail), {}
        case MissingToken():
            # RFC 6750 section 3.1: no error attribute where the request has no token at all.
            return _unauthorized(error.reason, error.detail), {"www-authenticate": "Bearer"}
        case InvalidToken():
            challenge = f'Bearer error="invalid_token", error_description="{error.detail}"'
            return _unauthorized(error.reason, error.detail), {"www-authenticate": challenge}
        case PolicyTooLarge():
            return _forbidden(error, {"size": error.size, "limit": error.limit}), {}
        case GrantRefused():
            return _forbidden(error, {}), {}
        case NoSuchRoute():
            return Problem(status=404, code="not_found", detail=error.detail), {}
        case MethodNotAllowed():
            problem = Problem(status=405, code="method_not_allowed", detail=error.detail)
            return problem, {"allow": "POST"}
        case StsThrottled():
            problem = Problem(status=429, code="sts_throttled", detail="Too many requests.")
            return problem, _retry_after()
        case StsUnavailable() | KeysUnavailable():
            # What exactly failed upstream is for the log, not for the caller.
            detail = "A service this one needs did not answer; try again."
            return Problem(status=502, code=error.reason, detail=detail), _retry_after()
        case _:
            # A bug or a wrong deployment: the log has it, the caller can do nothing about it.
            detail = "This service failed; its log says why."
            return Problem(status=500, code="internal_error", detail=detail), {}


def _unauthorized(reason: str, detail: str) -> Problem:
    return Problem(status=401, code="invalid_token", detail=detail, facts={"reason": reason})


def _forbidden(error: GrantRefused, facts: Mapping[str, object]) -> Problem:
    facts = {"reason": error.reason, **facts}
    return Problem(status=403, code="grant_refused", detail=error.detail, facts=facts)


def _retry_after() -> Mapping[str, str]:
    return {"retry-after": str(RETRY_AFTER_S)}


def _answer(status: int, media_type: str, body: str, headers: Mapping[str, str]) -> Answer:
    return {
        "statusCode": int(status),
        "headers": {"content-type": media_type, "cache-control": "no-store", **headers},
        "body": body,
        "isBase64Encoded": False,
    }
