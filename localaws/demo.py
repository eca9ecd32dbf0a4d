"""The demo page and the two doors only localaws has: demo tokens and the demo's own settings.

Owns `GET /` and the files below it, `POST /demo/token`, `GET /demo/config`.
Does not sign (`localaws.core.demo_token`) and does not publish: the page uses the credential API
and the gateway as any application would. None of this exists in AWS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aiohttp import web

from localaws.core.demo_token import read_demo_user, sign_demo_token
from localaws.core.loopback import loopback_refusal
from localaws.errors import PeerMisbehaved
from wire.problem import PROBLEM_JSON, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from localaws.state import StateFolder
    from wire.secret import Secret

NO_PAGE: Final = (
    "The demo page is not built: run `make run`, or `npm ci && npm run build` in web/.\n"
)

FILE_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".svg": "image/svg+xml",
}
"""Types of the page's files; the system's own table differs from machine to machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlace:
    """What the demo page needs to know about its surroundings.

    Attributes:
        port: Port the page itself is served on.
        iot_port: Port of the IoT endpoint.
        gateway_url: Origin of the event API.
        namespace: First level of every topic.
        region: Region for signatures.
        audience: Claim `aud` of demo tokens.
    """

    port: int
    iot_port: int
    gateway_url: str
    namespace: str
    region: str
    audience: str

    def security_headers(self) -> dict[str, str]:
        """Return the fields sent with every file: the page may load and reach nothing else."""
        reach = " ".join(
            ["'self'", self.gateway_url]
            + [f"ws://{name}:{self.iot_port}" for name in ("127.0.0.1", "localhost")]
        )
        return {
            "Content-Security-Policy": (
                "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
                f"img-src 'self' data:; connect-src {reach}; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            # Asked for each time; `no-store` would keep the page out of the back/forward cache.
            "Cache-Control": "no-cache",
        }


class Demo:
    """The demo's routes.

    Args:
        place: Its surroundings.
        secret: Secret demo tokens are signed with.
        state: Folder with the demo service key.
        web_dir: Folder with the built page.
    """

    def __init__(
        self, *, place: DemoPlace, secret: Secret, state: StateFolder, web_dir: Path
    ) -> None:
        self._place = place
        self._secret = secret
        self._state = state
        self._web_dir = web_dir.resolve()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; the files come last, for they match any path."""
        return [
            web.post("/demo/token", self._token),
            web.get("/demo/config", self._config),
            web.get("/{path:.*}", self._file),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        if request.content_type != "application/json":
            return _problem(415, "unsupported_media_type", "send application/json")
        try:
            user = read_demo_user(await request.read())
        except PeerMisbehaved as error:
            return _problem(400, "invalid_request", error.problem)
        now = datetime.now(UTC)
        token = sign_demo_token(user, secret=self._secret, audience=self._place.audience, now=now)
        expiration = now + timedelta(seconds=user.ttl_s)
        return _json({"token": token, "expiration": f"{expiration:%Y-%m-%dT%H:%M:%SZ}"})

    async def _config(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        key = await asyncio.to_thread(self._state.read_service_key)
        return _json(
            {
                "credentialsUrl": f"http://{request.host}/credentials",
                "gatewayUrl": self._place.gateway_url,
                "serviceKey": key.reveal() if key else None,
                "namespace": self._place.namespace,
                "region": self._place.region,
            }
        )

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["path"] or "index.html"
        path = await asyncio.to_thread(self._find, name)
        if path is None and name == "index.html":
            return web.Response(status=503, text=NO_PAGE)
        if path is None:
            raise web.HTTPNotFound
        file_type = FILE_TYPES.get(path.suffix, "application/octet-stream")
        headers = {"Content-Type": file_type, **self._place.security_headers()}
        return web.FileResponse(path, headers=headers)

    def _find(self, name: str) -> Path | None:
        """Return the file of that name below the web folder, links out of it not followed."""
        if "\0" in name:
            return None
        path = (self._web_dir / name).resolve()
        return path if path.is_relative_to(self._web_dir) and path.is_file() else None

    def _refusal(self, request: web.Request) -> web.Response | None:
        reason = loopback_refusal(request.headers, port=self._place.port)
        return _problem(403, "not_local", reason) if reason else None


def _json(members: dict[str, object]) -> web.Response:
    return web.json_response(members, headers={"Cache-Control": "no-store"})


def _problem(status: int, code: str, detail: str) -> web.Response:
    problem = Problem(status=status, code=code, detail=detail)
    return web.Response(
        status=status,
        body=problem.body(),
        content_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store"},
    )
