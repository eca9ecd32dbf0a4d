"""The head of a post: what its headers say.

Owns finding each of these things out when it is first asked for, and only once: a caller that keeps
its connection sends the same head again and again, and `gateway/front` shows the same object then.
Does not: decide anything with it. That a key was good a moment ago says nothing about now.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs

from gateway.bearer import Bearer
from gateway.formats.media import Media, media_of
from gateway.formats.trace_context import trace_extensions
from gateway.request_line import REQUEST_ID

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

_PREFER: Final = "Prefer"


class PostHead:
    """What the headers of a post say.

    Attributes:
        headers: The headers.
    """

    def __init__(self, headers: CIMultiDictProxy[str]) -> None:
        self.headers = headers

    @cached_property
    def bearer(self) -> Bearer | None:
        """Whom the caller says it is."""
        return Bearer.of(self.headers.get(hdrs.AUTHORIZATION))

    @cached_property
    def media(self) -> Media:
        """What kind of body follows.

        Raises:
            UnsupportedMedia: One that is not read here.
        """
        return media_of(self.headers)

    @cached_property
    def trace(self) -> Mapping[str, str]:
        """The extensions that carry the caller's trace; none if it sent none."""
        states = self.headers.getall("tracestate", ())
        return trace_extensions(self.headers.get("traceparent", ""), ",".join(states))

    @cached_property
    def preferences(self) -> tuple[str, ...]:
        """All `Prefer` headers."""
        return tuple(self.headers.getall(_PREFER, ()))

    @cached_property
    def request_id(self) -> str | None:
        """The caller's own id of the request, if it sent one."""
        return self.headers.get(REQUEST_ID)
