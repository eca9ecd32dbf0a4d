"""The answers of the event API: bodies, headers and problems by status.

Owns how an operation's `responses` are put together.
Does not: own the shapes (`schemas.py`) or decide which status is given (`gateway/problems.py`).
Source: OpenAPI 3.1.1, "Responses Object".
"""

from __future__ import annotations

from typing import Final

from gateway.openapi.schemas import Json, ref
from wire.problem import PROBLEM_JSON

_REQUEST_ID: Final[Json] = {
    "X-Request-Id": {
        "description": "The caller's, or one the gateway made; the log has it.",
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER: Final[Json] = {
    "Retry-After": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
    }
}

PROBLEMS: Final = {
    400: "The request cannot be read: `malformed_body`, `malformed_request`, `invalid_event`, `invalid_query` or `invalid_client_id`; `errors` lists what and where.",
    401: "No key or token was shown, or one that proves nothing here: `unauthenticated`, with the `reason`.",
    403: "The caller may not do this: `not_allowed` (with `refused` and `allowed` addresses) or `admin_required`. (`unknown_sender` stands in dead letters of the inbox only.)",
    404: "There is none: `event_not_found` or `client_not_connected`.",
    408: "The body did not arrive in time: `body_too_slow`.",
    409: "It contradicts what is kept: `changed_event` (this id was another event) or `wrong_state`.",
    413: "Too large: `body_too_large`, `event_too_large` or `too_many_events`, with the `limit`.",
    415: "Not read here: `unsupported_media`; `accepted` says what is.",
    429: "Too fast or too full: `rate_exceeded`, `outbox_full`, `overloaded`, `too_many_streams` or `iot_throttled`.",
    500: "A bug of the gateway: `internal_error`; its log has more under `requestId`.",
    502: "IoT Core refused, and will again: `iot_denied`, `iot_invalid`.",
    503: "Not now: `outbox_unavailable`, `issuer_unavailable`, `iot_unavailable` or `iot_credentials_failed`.",
    504: "IoT Core did not answer in time: `iot_timed_out`.",
}
"""What each status of a refusal means, with every code it comes with."""


def answer(
    description: str, schema: str, *, media: str = "application/json", **headers: str
) -> Json:
    """Return a success with a body.

    Args:
        description: What it means.
        schema: Name of the body's schema.
        media: Media type of the body.
        headers: Further headers and what they say; ``_`` stands for ``-``.
    """
    more = {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    }
    return {
        "description": description,
        "headers": _REQUEST_ID | more,
        "content": {media: {"schema": ref(schema)}},
    }


def problems(*statuses: int) -> Json:
    """Return the refusals of an operation, by status."""
    return {str(status): _problem(status) for status in statuses}


def _problem(status: int) -> Json:
    headers = dict(_REQUEST_ID)
    if status == 401:
        headers["WWW-Authenticate"] = {
            "description": "The challenge (RFC 6750).",
            "schema": {"type": "string"},
        }
    if status in (429, 503, 504):
        headers |= _RETRY_AFTER
    return {
        "description": PROBLEMS[status],
        "headers": headers,
        "content": {PROBLEM_JSON: {"schema": ref("Problem")}},
    }
