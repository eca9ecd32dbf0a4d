"""The doors that only localaws has: look at denials, order faults.

Owns `/_localaws/denials` and `/_localaws/faults` on the API port, for pages and programs of this
very machine only. Does not carry faults out (`localaws.faults`). None of this exists in AWS.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aiohttp import web

from localaws.core.denials import told
from localaws.core.faults import FaultRefused, read_fault
from localaws.core.loopback import loopback_refusal
from wire.problem import PROBLEM_JSON, Problem

if TYPE_CHECKING:
    from localaws.core.denials import Denials
    from localaws.core.faults import Fault
    from localaws.faults import FaultDesk

DENIALS_PATH: Final = "/_localaws/denials"
FAULTS_PATH: Final = "/_localaws/faults"

MAX_SEED: Final = 2**53
"""Largest seed: what JSON in a browser holds exactly."""


class Controls:
    """The routes.

    Args:
        port: The API port, which browsers name in Origin.
        denials: What was denied.
        desk: Where faults are ordered.
    """

    def __init__(self, *, port: int, denials: Denials, desk: FaultDesk) -> None:
        self._port = port
        self._denials = denials
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get(DENIALS_PATH, self._list_denials),
            web.delete(DENIALS_PATH, self._forget_denials),
            web.get(FAULTS_PATH, self._list_faults),
            web.post(FAULTS_PATH, self._order_faults),
            web.delete(FAULTS_PATH, self._clear_faults),
        ]

    async def _list_denials(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        found = self._denials.latest(
            client_id=request.query.get("client_id"), action=request.query.get("action")
        )
        return _json({"total": self._denials.total, "denials": [told(one) for one in found]})

    async def _forget_denials(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        self._denials.clear()
        return web.Response(status=204)

    async def _list_faults(self, request: web.Request) -> web.Response:
        return self._refusal(request) or self._told()

    async def _clear_faults(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        self._desk.clear()
        return web.Response(status=204)

    async def _order_faults(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        # A page of another origin cannot send this type without asking first.
        if request.content_type != "application/json":
            return _problem(415, "unsupported_media_type", "send application/json")
        try:
            seed, faults = _read(await request.read())
            if seed is not None:
                self._desk.clear(seed)
            struck = sum(self._desk.order(fault) for fault in faults)
        except FaultRefused as refused:
            return _problem(400, "invalid_request", refused.problem)
        return self._told(struck=struck)

    def _told(self, **more: object) -> web.Response:
        faults = self._desk.faults
        return _json({"seed": faults.seed, "faults": faults.listing(), **more})

    def _refusal(self, request: web.Request) -> web.Response | None:
        reason = loopback_refusal(request.headers, port=self._port)
        return _problem(403, "not_local", reason) if reason else None


def _read(body: bytes) -> tuple[int | None, list[Fault]]:
    """Read one fault, or `{"seed": …, "faults": […]}`; a seed ends all faults before it.

    Raises:
        FaultRefused: It is neither.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise FaultRefused("the body is not JSON") from None
    if not isinstance(document, dict) or "fault" in document:
        return None, [read_fault(document)]
    for name in document:
        if name not in ("seed", "faults"):
            raise FaultRefused(f"{name} is not a member; a fault has a member named fault")
    seed, faults = document.get("seed"), document.get("faults", [])
    if seed is not None and (
        not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED
    ):
        raise FaultRefused("seed must be a whole number from 0")
    if not isinstance(faults, list):
        raise FaultRefused("faults must be a list")
    return seed, [read_fault(one) for one in faults]


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
