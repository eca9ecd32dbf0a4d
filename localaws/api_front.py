"""The HTTP API in front of the credential Lambda, as API Gateway would serve it.

Owns the listener of the API port, the one route `POST /credentials`, and the gateway's own answers.
The demo page and localaws' health share the port. Does not decide about CORS or event shapes
(`localaws.core`), nor run the function (`localaws.functions`).

Known differences: no throttling per route, no access log, no custom domains.

Source: API Gateway developer guide, "HTTP APIs"; aiohttp, "Graceful shutdown".
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aiohttp import web

from localaws.core.cors import CorsRules, is_preflight, preflight, with_cors
from localaws.core.http_api import (
    MAX_BODY_BYTES,
    HttpRequest,
    Route,
    answer_of,
    own_answer,
    request_event,
)
from localaws.functions import FunctionFailed, FunctionThrottled, FunctionTimeout
from localaws.http_request import sent

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Mapping

    from localaws.controls import Controls
    from localaws.core.refusal import Answer
    from localaws.demo import Demo
    from localaws.functions import Function

log = logging.getLogger(__name__)

CREDENTIALS_PATH: Final = "/credentials"
HEALTH_PATH: Final = "/_localaws/health"
API_ID: Final = "localaws"
"""Id of the API in events; AWS would make one up."""


class ApiFront:
    """The listener of the API port.

    Args:
        function: The credential Lambda.
        cors: What pages of other origins may do.
        demo: The demo's routes.
        account: Account in the events.
        health: What `GET /_localaws/health` tells.
        integration_timeout_s: How long the API waits for the function.
        body_timeout_s: How long a client may take to send its body.
        stop_timeout_s: How long requests under way may take when it stops.
        controls: localaws' own doors; None for none.
    """

    def __init__(
        self,
        *,
        function: Function,
        cors: CorsRules,
        demo: Demo,
        account: str,
        health: Mapping[str, object],
        integration_timeout_s: float,
        body_timeout_s: float,
        stop_timeout_s: float,
        controls: Controls | None = None,
    ) -> None:
        self._function = function
        self._cors = cors
        self._account = account
        self._health = health
        self._integration_timeout_s = integration_timeout_s
        self._body_timeout_s = body_timeout_s
        # Answers of our own, not aiohttp's pages, for what no route takes or what is too long.
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_own_errors])
        app.router.add_route("*", CREDENTIALS_PATH, self._credentials)
        app.router.add_get(HEALTH_PATH, self._answer_health)
        if controls is not None:
            app.add_routes(controls.routes())
        app.add_routes(demo.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=stop_timeout_s)

    async def start(self, listener: socket.socket) -> None:
        """Serve on a bound socket, which the front owns from now on."""
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Stop listening, let requests under way end, close the rest."""
        await self._runner.cleanup()

    async def _answer_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", **self._health})

    async def _credentials(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(self._body_timeout_s):
                received = await _received(request)
        except TimeoutError:
            return sent(own_answer(408))
        if is_preflight(received):
            return sent(preflight(received, self._cors))
        if received.method != "POST":
            return sent(with_cors(own_answer(404), received, self._cors))
        request_id = uuid.uuid4().hex[:16]
        route = Route(
            account=self._account,
            api_id=API_ID,
            key=f"POST {CREDENTIALS_PATH}",
            domain=request.host,
        )
        event = request_event(received, route=route, request_id=request_id, now=datetime.now(UTC))
        answer = with_cors(await self._run(event), received, self._cors)
        return sent(replace(answer, headers=(*answer.headers, ("apigw-requestid", request_id))))

    async def _run(self, event: dict[str, object]) -> Answer:
        try:
            async with asyncio.timeout(self._integration_timeout_s):
                result = await self._function.invoke(event)
        except TimeoutError:
            log.warning("integration timed out", extra={"s": self._integration_timeout_s})
            return own_answer(503)
        except FunctionThrottled:
            return own_answer(503)
        except (FunctionFailed, FunctionTimeout):
            return own_answer(500)
        return answer_of(result) or own_answer(500)


@web.middleware
async def _own_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return sent(own_answer(413))
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return sent(own_answer(404))


async def _received(request: web.Request) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        path=request.rel_url.raw_path,
        query=request.rel_url.raw_query_string,
        headers=tuple(
            (name.decode("latin-1"), value.decode("utf-8", "replace"))
            for name, value in request.raw_headers
        ),
        body=await request.read(),
        source_ip=request.remote or "127.0.0.1",
        protocol=f"HTTP/{request.version.major}.{request.version.minor}",
    )
