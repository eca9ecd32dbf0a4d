"""Cross-origin rules as an API Gateway HTTP API applies them.

Owns the answer to a preflight and the fields added to every other answer.
Does not route or listen; which origins are allowed is the caller's business.

The gateway answers a preflight by itself, so a function never sees one, and once rules are set it
drops the CORS fields a function returns. An origin that is not listed gets the same answers without
CORS fields: the browser refuses, the server does not.

Source: API Gateway developer guide, "Configure CORS for HTTP APIs"; WHATWG Fetch, "CORS protocol".
"""

from dataclasses import dataclass

from localaws.core.http_api import HttpRequest
from localaws.core.refusal import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRules:
    """What other origins may do.

    Attributes:
        origins: Exact origins, such as `https://app.example.com`; `*` allows any.
        methods: Verbs, upper case.
        request_headers: Request fields a script may set, lower case.
        expose: Answer fields a script may read, lower case.
        max_age_s: How long a browser may remember a preflight.
    """

    origins: frozenset[str]
    methods: tuple[str, ...] = ("POST",)
    request_headers: tuple[str, ...] = ("authorization", "content-type")
    expose: tuple[str, ...] = ("retry-after",)
    max_age_s: int = 3_600


def is_preflight(request: HttpRequest) -> bool:
    """Tell whether a browser asks before sending the real request."""
    return (
        request.method == "OPTIONS"
        and request.header("origin") is not None
        and request.header("access-control-request-method") is not None
    )


def preflight(request: HttpRequest, rules: CorsRules) -> Answer:
    """Answer a preflight: 204, with CORS fields only if everything asked for is allowed."""
    headers: tuple[tuple[str, str], ...] = (("vary", "Origin"),)
    if _allows(request, rules):
        headers = (
            *_allow_origin(request, rules),
            ("access-control-allow-methods", ",".join(rules.methods)),
            ("access-control-allow-headers", ",".join(rules.request_headers)),
            ("access-control-max-age", str(rules.max_age_s)),
        )
    return Answer(204, headers, b"")


def with_cors(answer: Answer, request: HttpRequest, rules: CorsRules) -> Answer:
    """Replace whatever CORS fields an answer has by the gateway's own."""
    kept = [
        (name, value)
        for name, value in answer.headers
        if not name.startswith("access-control-") and name != "vary"
    ]
    vary = [value for name, value in answer.headers if name == "vary" and value != "Origin"]
    added = _allow_origin(request, rules)
    if added and rules.expose:
        added = (*added, ("access-control-expose-headers", ",".join(rules.expose)))
    return Answer(
        answer.status,
        (*kept, *(("vary", value) for value in vary), *(added or (("vary", "Origin"),))),
        answer.body,
    )


def _allow_origin(request: HttpRequest, rules: CorsRules) -> tuple[tuple[str, str], ...]:
    origin = request.header("origin")
    if origin is None:
        return ()
    if "*" in rules.origins:
        return (("access-control-allow-origin", "*"),)
    if origin in rules.origins:
        return (("access-control-allow-origin", origin), ("vary", "Origin"))
    return ()


def _allows(request: HttpRequest, rules: CorsRules) -> bool:
    asked = (request.header("access-control-request-headers") or "").lower().split(",")
    return (
        bool(_allow_origin(request, rules))
        and request.header("access-control-request-method") in rules.methods
        and all(name.strip() in rules.request_headers for name in asked if name.strip())
    )
