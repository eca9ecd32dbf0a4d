"""The operations of the gateway, path by path.

Owns parameters, bodies and answers of each. Does not: own shapes (`schemas.py`).
Source: OpenAPI 3.1.1, "Paths Object"; `gateway/routes` for what they do.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.report import State
from gateway.core.server_sent import MEDIA_TYPE
from gateway.formats.media import Form
from gateway.openapi.answers import answer, problems
from gateway.openapi.schemas import EVENT_ID, SERVICE, Json, ref
from gateway.routes.standing import MAX_PAGE
from gateway.routes.stream import STREAM

_AUTH: Final = (401,)
_OFF: Final[Json] = {"type": "boolean", "default": False}
_OPEN: Final[list[Json]] = [{}]
_ID: Final[Json] = {"name": "id", "in": "path", "required": True, "schema": EVENT_ID}
_OWNER: Final[Json] = {
    "name": "service",
    "in": "query",
    "description": "Whose events, if not the caller's own; needs the admin right.",
    "schema": SERVICE,
}


def paths(namespace: str) -> Json:
    """Return every operation.

    Args:
        namespace: The stack's namespace; client ids start with it.
    """
    return {
        "/v1/events": {"post": _post(), "get": _search()},
        "/v1/events/{id}": {"get": _find(), "delete": _cancel()},
        "/v1/events/{id}/redeliver": {"post": _redeliver()},
        "/v1/clients/{id}": _clients(namespace),
        STREAM: {"get": _stream()},
        **_platform(),
    }


def _post() -> Json:
    return {
        "operationId": "postEvents",
        "tags": ["Events"],
        "summary": "Take events",
        "description": (
            "Takes one event or many, and answers once they are on disk. In a batch each event "
            "stands for itself: the answer has one result for each, and is a problem only if none "
            "was taken. CloudEvents in binary mode are taken, too: attributes in `ce-` headers "
            "(`ce-to: user:42`), any JSON or text as the body. gzip bodies are read."
        ),
        "parameters": [
            _header(
                "Prefer",
                "`wait=N` asks for the outcome within N seconds (RFC 7240); others are ignored.",
                {"type": "string", "examples": ["wait=5"]},
            ),
            _header(
                "traceparent",
                "The caller's trace (W3C); it reaches the browser in the envelope.",
                {"type": "string"},
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                Form.JSON: {
                    "schema": {"oneOf": [ref("Event"), ref("Events")]},
                    "examples": {
                        "one": {"summary": "One event", "value": _EVENT},
                        "many": {"summary": "Many", "value": [_EVENT, _OTHER]},
                    },
                },
                Form.NDJSON: {
                    "schema": ref("Events")
                    | {"description": "One event on each line instead of an array."}
                },
                Form.CLOUD_EVENT: {
                    "schema": ref("CloudEvent"),
                    "examples": {"one": {"summary": "Structured mode", "value": _CLOUD_EVENT}},
                },
                Form.CLOUD_EVENTS: {"schema": ref("CloudEvents")},
            },
        },
        "responses": {
            "200": _taken(
                "With `Prefer: wait`, where the outcome of every event is known.", "Report"
            ),
            "202": _taken("Kept, and not settled yet (or not waited for).", "Taken"),
            **problems(400, *_AUTH, 403, 408, 409, 413, 415, 429, 503),
        },
    }


def _taken(description: str, schema: str) -> Json:
    found = answer(
        description,
        schema,
        Location="Where the event can be looked up, for one event.",
        Preference_Applied="`wait=N` as it was granted, where it was asked for.",
    )
    one = [ref("Taken"), ref("Report")] if schema == "Taken" else [ref(schema)]
    found["content"]["application/json"]["schema"] = {"anyOf": [*one, ref("Batch")]}
    return found


def _search() -> Json:
    return {
        "operationId": "listEvents",
        "tags": ["Events"],
        "summary": "List events",
        "description": "The caller's own events, newest first; `status=failed` are the dead letters.",
        "parameters": [
            _query("status", "Only events that stand there.", {"enum": [str(s) for s in State]}),
            _query(
                "limit",
                "Most events of this page.",
                {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100},
            ),
            _query(
                "after",
                "`next` of the page before.",
                {"type": "string", "pattern": "^[0-9]{1,18}$"},
            ),
            _OWNER,
        ],
        "responses": {
            "200": answer("One page.", "EventPage", Link='The next page, `rel="next"` (RFC 8288).'),
            **problems(400, *_AUTH, 403, 503),
        },
    }


def _find() -> Json:
    return {
        "operationId": "getEvent",
        "tags": ["Events"],
        "summary": "Look an event up",
        "description": "State, attempts, times and the last error for each address.",
        "parameters": [_ID, _OWNER],
        "responses": {
            "200": answer("Where it stands.", "Report"),
            **problems(400, *_AUTH, 403, 404, 503),
        },
    }


def _redeliver() -> Json:
    return {
        "operationId": "redeliverEvent",
        "tags": ["Events"],
        "summary": "Send an event again",
        "description": (
            "To every address where it failed, expired or was cancelled. It goes to the end of "
            "each topic. Counts as an event of the caller's rate."
        ),
        "parameters": [_ID, _OWNER],
        "responses": {
            "202": answer("It is on its way again.", "Report"),
            **problems(400, *_AUTH, 403, 404, 409, 429, 503),
        },
    }


def _cancel() -> Json:
    return {
        "operationId": "cancelEvent",
        "tags": ["Events"],
        "summary": "Cancel an event",
        "description": (
            "Wherever it has not been sent yet; what is on its way at this moment is not stopped."
        ),
        "parameters": [_ID, _OWNER],
        "responses": {
            "200": answer("Where it stands now.", "Report"),
            **problems(400, *_AUTH, 403, 404, 409, 503),
        },
    }


def _clients(namespace: str) -> Json:
    client_id: Json = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "`<namespace>.<userId>.<device>`",
        "schema": {
            "type": "string",
            "pattern": rf"^{namespace}\.[A-Za-z0-9_.@:|=,~-]{{1,64}}\.[A-Za-z0-9_-]{{1,38}}$",
        },
    }
    upstream = (429, 502, 503, 504)
    return {
        "get": {
            "operationId": "getClient",
            "tags": ["Clients"],
            "summary": "Look at a client's connection",
            "description": "Needs the admin right.",
            "parameters": [client_id],
            "responses": {
                "200": answer("The connection and its subscriptions.", "Client"),
                **problems(400, *_AUTH, 403, 404, *upstream),
            },
        },
        "delete": {
            "operationId": "disconnectClient",
            "tags": ["Clients"],
            "summary": "Disconnect a client now",
            "description": (
                "Needs the admin right. The client may come back while its credentials are good: "
                "to keep it out, stop giving it tokens first."
            ),
            "parameters": [
                client_id,
                _query("cleanSession", "Whether its session ends, too.", _OFF),
                _query("preventWill", "Whether its will is not published.", _OFF),
            ],
            "responses": {
                "204": {"description": "It is disconnected."},
                **problems(400, *_AUTH, 403, 404, *upstream),
            },
        },
    }


def _stream() -> Json:
    events = {
        "hello": "who listens, and the services it may ask about",
        "history": "an array of the snapshots of the last five minutes, the oldest first",
        "snapshot": (
            "each second: what was accepted, published, delivered, failed, throttled and refused a "
            "second, and percentiles of latency over ten seconds, by service; with the admin right also "
            "the total, percentiles of one publish, and how full and old the outbox is"
        ),
        "accepted": "an event was taken: its id, type, addresses and state",
        "settled": "a delivery ended: its id, address, state, attempts, and why if it failed",
        "dropped": "how many notices the reader was too slow for; the oldest go first",
        "end": "the last one: `why` is `stopping` or `key`",
    }
    told = "; ".join(f"`{name}`: {meaning}" for name, meaning in events.items())
    return {
        "operationId": "stream",
        "tags": ["Events"],
        "summary": "Watch what happens",
        "description": (
            "Server-sent events until the caller goes away; the data of each is JSON. A service "
            "hears of its own events, one with the admin right of all. The stream is for people "
            f"who watch: it promises nothing, and nothing is told again. {told}."
        ),
        "parameters": [
            _query(
                "payloads", "Whether payloads are told, shortened; needs the admin right.", _OFF
            ),
            _query(
                "service",
                "The one service to hear of; any but the caller needs the admin right.",
                SERVICE,
            ),
        ],
        "responses": {
            "200": {
                "description": "The stream.",
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
            },
            **problems(400, *_AUTH, 403, 429, 503),
        },
    }


def _platform() -> Json:
    return {
        "/healthz": {
            "get": _open(
                "healthz", "Whether the process lives", {"200": answer("It does.", "Health")}
            )
        },
        "/readyz": {
            "get": _open(
                "readyz",
                "Whether to send events here",
                {"200": answer("Yes.", "Ready"), "503": answer("No, and why.", "NotReady")},
            )
        },
        "/metrics": {
            "get": _open("metrics", "Metrics in Prometheus' text format", _text("text/plain"))
        },
        "/openapi.json": {
            "get": _open(
                "openapi",
                "This description",
                {
                    "200": {
                        "description": "OpenAPI 3.1.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            )
        },
        "/docs": {"get": _open("docs", "This description for people", _text("text/html"))},
    }


def _open(operation: str, summary: str, responses: Json) -> Json:
    return {
        "operationId": operation,
        "tags": ["Platform"],
        "summary": summary,
        "description": "Needs no key: keep the port inside the network.",
        "security": _OPEN,
        "responses": responses,
    }


def _text(media: str) -> Json:
    content = {media: {"schema": {"type": "string"}}}
    return {"200": {"description": "The text.", "content": content}}


def _header(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_EVENT: Final[dict[str, Any]] = {
    "to": ["user:42", "group:orders/eu"],
    "type": "order.shipped",
    "data": {"order": 1017},
    "id": "order-1017-shipped",
}
_OTHER: Final[dict[str, Any]] = {"to": "everyone", "type": "notice", "data": "Hello", "ttl": 3600}
_CLOUD_EVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "order-1017-shipped",
    "source": "/orders",
    "type": "order.shipped",
    "to": "user:42 group:orders/eu",
    "data": {"order": 1017},
}
