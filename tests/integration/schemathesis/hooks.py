"""What JSON Schema cannot say about events, told to schemathesis.

Owns the rules that go across fields or depend on the clock, and writing NDJSON.
Source: schemathesis, "Hooks" and "Serializers"; docs/api.md.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

PAST = "2026-01-31T12:00:00Z"
"""A `deliverAt` that is never too far away, and never behind the end of a `ttl`."""


def settled(event: Any) -> Any:
    """Return an event whose moment of delivery lies within the bounds, if it has one."""
    if not isinstance(event, dict):
        return event
    times = {name: PAST for name in ("deliverAt", "deliverat") if is_time(event.get(name))}
    return {**event, **times}


def is_time(value: Any) -> bool:
    """Tell whether a value is a time, and not one that was made wrong on purpose."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def pointers(problem: dict[str, Any]) -> set[str]:
    """Return what a problem complains about, and the problems of a batch in it."""
    found = {error["pointer"] for error in problem.get("errors", ())}
    return found.union(*(pointers(one.get("problem", {})) for one in problem.get("results", ())))


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Bring every event within the bounds."""
    return [settled(event) for event in body] if isinstance(body, list) else settled(body)


@schemathesis.serializer("application/x-ndjson")
def lines(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Write an array as one item on each line."""
    items = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


@schemathesis.hook
def filter_failure(
    _context: schemathesis.HookContext,
    failure: Failure,
    _case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Keep a failure, unless it is one of two things that the schema does not say.

    A batch was taken, and itself says what of it was refused: one bad event spoils no other, so a
    batch against its schema is a 202 with a refusal in it. Or a receipt was asked for where none
    can come, which depends on `to` and `retain`.
    """
    if isinstance(failure, RejectedPositiveData):
        return pointers(response.json()) != {"/receipt"}
    if not isinstance(failure, AcceptedNegativeData) or response.status_code not in (200, 202):
        return True
    return not response.json().get("refused")
