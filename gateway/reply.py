"""A reply: what goes back to a caller, whoever writes it to the socket.

Owns status, body and headers of one answer. Does not: add what every answer has (request id, date,
length): the connection does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import hdrs, web


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        status: HTTP status.
        body: The whole body.
        content_type: Value of its Content-Type header.
        headers: Further headers.
    """

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """Return it for aiohttp."""
        return web.Response(
            status=self.status,
            body=self.body,
            headers={**self.headers, hdrs.CONTENT_TYPE: self.content_type},
        )
