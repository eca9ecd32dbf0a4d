"""Who is calling: the first step of every route that needs a key.

Owns putting the caller's name on the request's line, and the admin right.
Does not: know keys or tokens (`gateway/admission.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.errors import AdminRequired
from gateway.request_line import LINE

if TYPE_CHECKING:
    from gateway.admission import Admission
    from gateway.core.service import Service


async def caller_of(request: web.Request, admission: Admission) -> Service:
    """Return the service that is calling, and note it on the request's line.

    Raises:
        NotAuthenticated, IssuerUnavailable: See `Admission.identify`.
    """
    service = await admission.identify(request.headers.get(hdrs.AUTHORIZATION))
    request[LINE].facts["service"] = service.name
    return service


async def admin_of(request: web.Request, admission: Admission) -> Service:
    """Return the service that is calling if it has the admin right.

    Raises:
        AdminRequired: It has not.
        NotAuthenticated, IssuerUnavailable: See `Admission.identify`.
    """
    service = await caller_of(request, admission)
    if not service.admin:
        raise AdminRequired(service.name)
    return service
