"""The whole OpenAPI document.

Owns its frame: title, security, tags. Does not: own operations (`paths.py`) or shapes (`schemas.py`).
Source: OpenAPI 3.1.1.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from gateway.openapi.paths import paths
from gateway.openapi.schemas import Json, schemas

_ABOUT: Final = """\
Takes events from internal services and publishes each to browsers over AWS IoT Core.

**202 is a promise:** the event is on disk and will be published at least once, through crash and \
restart, or end as `failed` or `expired` where it can be seen and sent again. To one topic, order \
is kept. Errors are problem documents (RFC 9457)."""


def openapi(*, namespace: str, max_addresses: int, max_events: int) -> Json:
    """Return the document for one gateway.

    Args:
        namespace: The stack's namespace; client ids start with it.
        max_addresses: Most addresses of one event.
        max_events: Most events in one request.
    """
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Event gateway",
            "version": _version(),
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": "Events", "description": "Send events, and see what became of them."},
            {"name": "Clients", "description": "Connected browsers; for operators."},
            {"name": "Platform", "description": "For load balancers, scrapers and readers."},
        ],
        "paths": paths(namespace),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A service key (`swk_…`), or a JWT of the configured issuer.",
                }
            },
            "schemas": schemas(
                namespace=namespace, max_addresses=max_addresses, max_events=max_events
            ),
        },
    }


def _version() -> str:
    try:
        return version("serverless-websockets")
    except PackageNotFoundError:
        # Run from its folder, as `make run` does.
        return "0.1.0"
