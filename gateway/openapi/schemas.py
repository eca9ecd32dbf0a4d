"""The shapes of the event API: what callers send, and what they are answered with.

Owns the schemas of `components`. Does not: own the rules themselves, which stand where they are
enforced (`core/event.py`, `wire/address.py`, `formats/cloud_event.py`).
Source: JSON Schema 2020-12; docs/design.md, "Event API".
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from gateway.core.event import MAX_TYPE_CHARS
from gateway.core.report import State
from gateway.core.service import SERVICE_NAME
from gateway.formats.cloud_event import MAX_ATTRIBUTE_CHARS
from wire.limits import MAX_MESSAGE_EXPIRY_S, MAX_TOPIC_BYTES, MIN_MESSAGE_EXPIRY_S

Json: TypeAlias = dict[str, Any]
"""A JSON object; what stands in it follows the OpenAPI specification."""

EVENT_ID: Final[Json] = {
    "type": "string",
    "pattern": r"^(?!\.{1,2}$)[A-Za-z0-9_.@:|=,~+/-]{1,128}$",
    "description": "1 to 128 characters of A-Z a-z 0-9 _ . @ : | = , ~ + / -, not . or .. alone",
}
SERVICE: Final[Json] = {"type": "string", "pattern": f"^{SERVICE_NAME.pattern}$"}

COLLAPSE_KEY: Final = r"^[\x21-\x7e]{1,128}$"
"""As `core/event.py` takes it."""

_PART: Final = "[A-Za-z0-9_.@:|=,~-]{1,64}"
_TIME: Final[Json] = {"type": "string", "format": "date-time"}
_STATES: Final = [str(state) for state in State]


def ref(name: str) -> Json:
    """Return a reference to one of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(*, namespace: str, max_addresses: int, max_events: int) -> Json:
    """Return all schemas by name.

    Args:
        namespace: The stack's namespace; client ids start with it.
        max_addresses: Most addresses of one event.
        max_events: Most events in one request.
    """
    return {
        "Address": _address(namespace),
        "Event": _event(max_addresses),
        "Events": {"type": "array", "items": ref("Event"), "maxItems": max_events},
        "CloudEvent": _cloud_event(namespace),
        "CloudEvents": {"type": "array", "items": ref("CloudEvent"), "maxItems": max_events},
        "State": _state(),
        "Delivery": _delivery(),
        "Failure": _failure(),
        "Taken": _taken(),
        "Report": _report(),
        "Batch": _batch(),
        "NotTaken": _not_taken(),
        "EventPage": _page(),
        "Client": _client(),
        "Health": _object(status={"const": "ok"}),
        "Ready": _object(status={"const": "ready"}),
        "NotReady": _object(
            status={"const": "not_ready"},
            troubles={"type": "object", "additionalProperties": {"type": "string"}},
        ),
        "Problem": _problem(),
    }


def _object(
    *, description: str = "", optional: tuple[str, ...] = (), more: bool = False, **members: Json
) -> Json:
    found: Json = {"type": "object"}
    if description:
        found["description"] = description
    found["properties"] = members
    found["required"] = [name for name in members if name not in optional]
    found["additionalProperties"] = more
    return found


def _kinds(namespace: str) -> tuple[str, ...]:
    """Return the patterns of the kinds of address, without anchors."""
    return (
        "everyone",
        f"user:{_PART}",
        f"group:{_PART}(/{_PART}){{0,3}}",
        f"client:{namespace}\\.{_PART}\\.[A-Za-z0-9_-]{{1,38}}",
    )


def _address(namespace: str) -> Json:
    everyone, user, group, client = (f"^{kind}$" for kind in _kinds(namespace))
    # The topic of a group is the namespace, "/group/" and the name.
    longest = MAX_TOPIC_BYTES - len(namespace) - 1
    return {
        "type": "string",
        "description": (
            "Where an event goes. `client:<clientId>` is one connection, `user:<userId>` every "
            "connection of a user, `group:<name>` everybody whose token grants the group (up to "
            "four levels with `/` between), `everyone` every client."
        ),
        "oneOf": [
            {"pattern": everyone},
            {"pattern": user},
            {"pattern": group, "maxLength": longest},
            {"pattern": client},
        ],
        "examples": ["user:42", "group:orders/eu", "everyone", f"client:{namespace}.42.tab-1"],
    }


def _event(max_addresses: int) -> Json:
    return _object(
        description="An event for browsers.",
        optional=("id", "qos", "retain", "ttl", "deliverAt", "collapseKey", "receipt"),
        to={
            "description": f"One address or several, at most {max_addresses}.",
            "oneOf": [
                ref("Address"),
                {
                    "type": "array",
                    "items": ref("Address"),
                    "minItems": 1,
                    "maxItems": max_addresses,
                },
            ],
        },
        type={
            "type": "string",
            "pattern": rf"^[\x21-\x7e]{{1,{MAX_TYPE_CHARS}}}$",
            "description": "What happened, e.g. `order.shipped`.",
        },
        data={"description": "Any JSON value; with its envelope at most 128 KB."},
        id=EVENT_ID
        | {
            "description": (
                "The idempotency key: the same id again within 24 hours is the same event. "
                "Unique per service; made by the gateway where there is none. 1 to 128 characters "
                "of A-Z a-z 0-9 _ . @ : | = , ~ + / -, and not . or .. alone."
            )
        },
        qos={
            "enum": [0, 1],
            "default": 1,
            "description": "Towards subscribers: 1 is repeated until confirmed.",
        },
        retain={
            "type": "boolean",
            "default": False,
            "description": "Whether it stays on the topic for those who subscribe later.",
        },
        ttl={
            "type": "integer",
            "minimum": MIN_MESSAGE_EXPIRY_S,
            "maximum": MAX_MESSAGE_EXPIRY_S,
            "description": "Seconds from acceptance after which it is not delivered any more.",
        },
        deliverAt=_TIME
        | {"description": "When to deliver it: within 7 days, and before `ttl` is over."},
        collapseKey={
            "type": "string",
            "pattern": COLLAPSE_KEY,
            "description": "Replaces, on each address, an event with the same key that was not sent yet.",
        },
        receipt={
            "type": "boolean",
            "default": False,
            "description": (
                "Whether the clients among the addresses are to confirm it: their state becomes "
                "`delivered`, or stays `published` with `noReceipt`. Needs at least one "
                "`client:<clientId>`, and does not go with `retain`."
            ),
        },
    )


def _cloud_event(namespace: str) -> Json:
    address = "|".join(_kinds(namespace))
    attribute: Json = {
        "type": ["string", "boolean", "integer", "null"],
        "pattern": rf"^[^\u0000-\u001f\u007f-\u009f]{{1,{MAX_ATTRIBUTE_CHARS}}}$",
        "minimum": -(2**31),
        "maximum": 2**31 - 1,
    }
    text = attribute | {"type": ["string", "null"]}
    time: Json = {"type": ["string", "null"], "format": "date-time"}
    return {
        "type": "object",
        "description": (
            "A CloudEvent 1.0 whose extension attribute `to` holds its addresses, with blanks "
            "between. Options are extension attributes, too, in small letters; their values may be "
            "texts. Every other attribute, at most 32, reaches the browser as it came."
        ),
        "properties": {
            "specversion": {"const": "1.0"},
            "id": EVENT_ID,
            "source": {
                "type": "string",
                "pattern": r"^(?!/services/)[\x21-\x7e]{1,256}$",
                "description": "Under `/services/` only the caller's own, `/services/<name>`.",
            },
            "type": {"type": "string", "pattern": rf"^[\x21-\x7e]{{1,{MAX_TYPE_CHARS}}}$"},
            "to": {
                "type": "string",
                "pattern": f"^({address})( ({address}))*$",
                "description": "Addresses with blanks between.",
                "examples": ["user:42 group:orders/eu"],
            },
            "data": {"description": "Any JSON value; with its envelope at most 128 KB."},
            "time": time,
            "subject": text,
            "dataschema": text,
            "datacontenttype": text,
            "qos": {"enum": [0, 1, "0", "1", None]},
            "retain": _switch(),
            "ttl": {
                "anyOf": [
                    {
                        "type": "integer",
                        "minimum": MIN_MESSAGE_EXPIRY_S,
                        "maximum": MAX_MESSAGE_EXPIRY_S,
                    },
                    {"type": "string", "pattern": "^[1-9][0-9]{0,4}$"},
                    {"type": "null"},
                ]
            },
            "deliverat": time,
            "collapsekey": {"type": ["string", "null"], "pattern": COLLAPSE_KEY},
            "receipt": _switch(),
        },
        "patternProperties": {"^(?!(?:data|to)$)[a-z0-9]{1,20}$": attribute},
        "required": ["specversion", "id", "source", "type", "to"],
        "additionalProperties": False,
    }


def _switch() -> Json:
    return {"enum": [True, False, "true", "false", None]}


def _state() -> Json:
    return {
        "enum": _STATES,
        "description": (
            "`accepted` and `scheduled` will change by themselves; all others are final, though "
            "`failed`, `expired` and `cancelled` can be sent again on request."
        ),
    }


def _delivery() -> Json:
    return _object(
        description="Where an event stands for one address.",
        optional=("attempts", "settledAt", "nextAttemptAt", "error", "noReceipt"),
        state=ref("State"),
        attempts={"type": "integer", "minimum": 1},
        settledAt=_TIME,
        nextAttemptAt=_TIME,
        error=ref("Failure"),
        noReceipt=_object(
            description="Why a receipt that was asked for did not come; it was published.",
            code={"enum": ["not_connected", "not_confirmed", "not_awaited"]},
            detail={"type": "string"},
        ),
    )


def _failure() -> Json:
    return _object(
        description="What went wrong with the last attempt.",
        more=True,
        code={"type": "string", "description": "E.g. `throttled`, `denied`, `timed_out`."},
        detail={"type": "string", "description": "What IoT Core or the network said."},
        retryable={"type": "boolean"},
    )


def _taken() -> Json:
    return _object(
        description=(
            "The event is on disk: it will be published at least once, or end where it can be seen "
            "and sent again."
        ),
        optional=("duplicate",),
        id={"type": "string"},
        status=ref("State"),
        duplicate=_duplicate(),
    )


def _report() -> Json:
    return _object(
        description="Everything known about an event.",
        optional=("acceptedAt", "deliverAt", "addresses", "duplicate"),
        id={"type": "string"},
        status=ref("State"),
        acceptedAt=_TIME,
        deliverAt=_TIME,
        addresses={
            "type": "object",
            "additionalProperties": ref("Delivery"),
            "description": "By address; absent where only the state is remembered any more.",
        },
        duplicate=_duplicate(),
    )


def _duplicate() -> Json:
    return {"const": True, "description": "This very event was accepted before."}


def _batch() -> Json:
    return _object(
        description="What became of each event, in the order of the request.",
        accepted={
            "type": "integer",
            "minimum": 0,
            "description": "How many were taken, now or before.",
        },
        duplicates={"type": "integer", "minimum": 0, "description": "How many of those before."},
        refused={"type": "integer", "minimum": 0, "description": "How many were not taken."},
        results={
            "type": "array",
            "items": {"anyOf": [ref("Taken"), ref("Report"), ref("NotTaken")]},
        },
    )


def _not_taken() -> Json:
    return _object(
        description="Why one event of a batch was not taken.",
        optional=("id",),
        id={"type": "string"},
        problem=ref("Problem"),
    )


def _page() -> Json:
    return _object(
        description="Some events, newest first.",
        optional=("next",),
        events={"type": "array", "items": ref("Report")},
        next={
            "type": "string",
            "description": "The value of `after` for the next page, if there is one.",
        },
    )


def _client() -> Json:
    return _object(
        description="What IoT Core knows about a client's connection.",
        optional=(
            "keepAliveSeconds",
            "connectedAt",
            "disconnectedAt",
            "disconnectReason",
            "sessionExpirySeconds",
        ),
        clientId={"type": "string"},
        connected={"type": "boolean"},
        cleanSession={"type": "boolean"},
        keepAliveSeconds={"type": "integer"},
        connectedAt=_TIME,
        disconnectedAt=_TIME,
        disconnectReason={"type": "string"},
        sessionExpirySeconds={"type": "integer"},
        subscriptions={
            "type": "array",
            "items": _object(topicFilter={"type": "string"}, qos={"enum": [0, 1]}),
        },
    )


def _problem() -> Json:
    return _object(
        description="A problem document (RFC 9457); `code` and further members are for machines.",
        more=True,
        type={"type": "string", "format": "uri"},
        title={"type": "string"},
        status={"type": "integer", "minimum": 400, "maximum": 599},
        code={"type": "string", "pattern": "^[a-z_]+$"},
        detail={"type": "string"},
    )
