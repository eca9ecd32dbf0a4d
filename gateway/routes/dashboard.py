"""`GET /`: the dashboard, where the settings say that there is one.

Owns serving its few files, by name, and what a browser may do with them.
Does not: hold anything worth a key: the page is the same for everybody and asks for one itself.
Source: docs/design.md, "Folders"; `web/dashboard`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

FILE_TYPES: Final[Mapping[str, str]] = {
    "index.html": "text/html; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "main.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}
"""All files of the dashboard; nothing else in its folder is served."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""What is sent with each: it loads and reaches this gateway alone, and nobody may frame it."""

_NOT_BUILT: Final = "The dashboard is not built: run `make web`.\n"


class DashboardRoutes:
    """The dashboard's files.

    Args:
        folder: Where the built files are, or None for no dashboard.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes; none without a folder."""
        if self._folder is None:
            return []
        return [web.get("/", self.page), web.get("/dashboard/{name}", self.file)]

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """Answer with the page."""
        return await self._answer("index.html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer with one of its files."""
        return await self._answer(request.match_info["name"])

    async def _answer(self, name: str) -> web.StreamResponse:
        file_type = FILE_TYPES.get(name)
        if self._folder is None or file_type is None:
            raise web.HTTPNotFound
        path = self._folder / name
        if not await asyncio.to_thread(path.is_file):
            return web.Response(status=503, text=_NOT_BUILT)
        return web.FileResponse(path, headers={hdrs.CONTENT_TYPE: file_type, **HEADERS})
