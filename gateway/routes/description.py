"""`GET /openapi.json` and `/docs`: the API describes itself.

Owns serving both, made once at start. Does not: own what they say (`gateway/openapi`) or how the
page looks (`gateway/docs_page`).
They need no key: they hold nothing but what callers must know.
Source: docs/design.md, "Event API".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.docs_page import content_security_policy, page
from gateway.openapi import openapi

if TYPE_CHECKING:
    from gateway.settings import Settings


class DescriptionRoutes:
    """The description, for machines and for people.

    Args:
        settings: The bounds that it tells.
    """

    def __init__(self, settings: Settings) -> None:
        document = openapi(
            namespace=settings.namespace,
            max_addresses=settings.max_addresses,
            max_events=settings.max_batch_events,
        )
        self._document = json.dumps(document).encode()
        self._page = page(document)
        self._headers = {
            "Content-Security-Policy": content_security_policy(),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.get("/openapi.json", self.document), web.get("/docs", self.page)]

    async def document(self, _request: web.Request) -> web.Response:
        """Answer with the OpenAPI document."""
        return web.Response(body=self._document, content_type="application/json")

    async def page(self, _request: web.Request) -> web.Response:
        """Answer with the page."""
        return web.Response(
            text=self._page, content_type="text/html", charset="utf-8", headers=self._headers
        )
