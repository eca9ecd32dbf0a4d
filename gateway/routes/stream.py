"""`GET /v1/stream`: what happens now, as server-sent events.

Owns the order of what is told, its pace, and the end of a stream.
Does not: choose what a listener hears (`gateway/feed.py`) or compute it (`core/snapshot.py`).
Source: docs/design.md, "Event API"; WHATWG HTML, "Server-sent events".

Theory of operation: a stream begins with `hello` and `history`, then tells a `snapshot` each second
and, as they happen, `accepted` and `settled` notices. What a reader is too slow for is dropped, the
oldest first, and `dropped` says how many; one who reads nothing at all is cut off. `end` is the
last word: the gateway stops, or the key is not good any more, which is looked at each second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from gateway.core.server_sent import MEDIA_TYPE, server_sent
from gateway.core.service import SERVICE_NAME, SERVICE_NAME_RULE
from gateway.errors import AdminRequired, InvalidQuery, IssuerUnavailable, NotAuthenticated
from gateway.metrics import NOBODY
from gateway.request_line import LINE, SERVER_NAME
from gateway.routes.caller import caller_of
from gateway.routes.query import flag, query_of

if TYPE_CHECKING:
    from gateway.admission import Admission
    from gateway.core.service import Service
    from gateway.feed import Feed, Listener
    from gateway.sampler import Sampler
    from gateway.settings import Settings

STREAM: Final = "/v1/stream"

HEARTBEAT_S: Final = 15.0
"""Longest silence, seconds; proxies close what is silent for a minute."""

_GATHER_S: Final = 0.1
"""Notices of this time are written together: a reader renders ten times a second, not a thousand."""

_HEARTBEAT: Final = b": still here\n\n"


class StreamRoutes:
    """The stream.

    Args:
        admission: Who may call.
        feed: Where news comes from.
        sampler: Who knows the last minutes.
        settings: Namespace, and how long a reader may take.
    """

    def __init__(
        self, *, admission: Admission, feed: Feed, sampler: Sampler, settings: Settings
    ) -> None:
        self._admission = admission
        self._feed = feed
        self._sampler = sampler
        self._namespace = settings.namespace
        self._write_timeout_s = settings.stream_write_timeout_s

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the route; without HEAD, whose answer would never end."""
        return [web.get(STREAM, self.stream, allow_head=False)]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Tell what happens until the caller goes away."""
        service = await caller_of(request, self._admission)
        query = query_of(request, ("service", "payloads"))
        only = _service_of(query, service)
        payloads = flag(query, "payloads")
        if payloads and not service.admin:
            raise AdminRequired(service.name)
        listener = self._feed.join(service=only, payloads=payloads)
        try:
            return await self._answer(request, service, listener)
        finally:
            self._feed.leave(listener)

    async def _answer(
        self, request: web.Request, service: Service, listener: Listener
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: MEDIA_TYPE,
                hdrs.CACHE_CONTROL: "no-store",
                hdrs.SERVER: SERVER_NAME,
                "X-Request-Id": request[LINE].request_id,
                # nginx would otherwise gather the stream before it passes it on.
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        try:
            await self._write(response, self._greeting(service, listener))
            await self._write(response, await self._news(request, service, listener, response))
        except ConnectionError:
            return response  # the caller went away, which is how streams end
        except TimeoutError:
            request[LINE].facts["code"] = "reader_too_slow"
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _news(
        self,
        request: web.Request,
        service: Service,
        listener: Listener,
        response: web.StreamResponse,
    ) -> bytes:
        """Write news until there will be no more; return the last word."""
        told = dropped = 0
        while not listener.closed:
            await listener.news(HEARTBEAT_S)
            snapshot, notices, lost = listener.take()
            if not await self._still_good(request, service):
                return server_sent("end", {"why": "key"})
            parts = [server_sent("dropped", {"dropped": lost})] if lost else []
            parts += [
                server_sent(one.name, one.members(payload=listener.payloads)) for one in notices
            ]
            if snapshot is not None:
                parts.append(server_sent("snapshot", snapshot.members(listener.service)))
            if not parts and not listener.closed:
                parts.append(_HEARTBEAT)
            await self._write(response, b"".join(parts))
            told, dropped = told + len(notices), dropped + lost
            request[LINE].facts.update(notices=told, dropped=dropped)
            await asyncio.sleep(_GATHER_S)
        return server_sent("end", {"why": "stopping"})

    async def _still_good(self, request: web.Request, service: Service) -> bool:
        try:
            now = await self._admission.identify(request.headers.get(hdrs.AUTHORIZATION))
        except NotAuthenticated:
            return False
        except IssuerUnavailable:
            return True  # it was good a moment ago, and will be asked about again
        return (now.name, now.admin) == (service.name, service.admin)

    async def _write(self, response: web.StreamResponse, told: bytes) -> None:
        async with asyncio.timeout(self._write_timeout_s):
            await response.write(told)

    def _greeting(self, service: Service, listener: Listener) -> bytes:
        known = {service.name}
        if service.admin:
            known |= self._admission.services | self._sampler.services
        hello = {
            "service": service.name,
            "admin": service.admin,
            "namespace": self._namespace,
            "services": sorted(known - {NOBODY}),
            "payloads": listener.payloads,
        }
        history = [one.members(listener.service) for one in self._sampler.history]
        return server_sent("hello", hello) + server_sent("history", history)


def _service_of(query: dict[str, str], service: Service) -> str | None:
    """Return whose events are streamed, or None for everybody's."""
    wanted = query.get("service")
    if wanted is None:
        return None if service.admin else service.name
    if not SERVICE_NAME.fullmatch(wanted):
        raise InvalidQuery("service", f"must be a service's name: {SERVICE_NAME_RULE}")
    if wanted != service.name and not service.admin:
        raise AdminRequired(service.name)
    return wanted
