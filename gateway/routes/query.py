"""Query parameters: only those a route knows, each once, each within its bounds.

Owns reading them. Does not: know what they are for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from typing import Final

from aiohttp import web

from gateway.errors import InvalidQuery

_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_FLAGS: Final = {"true": True, "false": False}


def query_of(request: web.Request, known: Collection[str]) -> dict[str, str]:
    """Return the parameters of a request.

    Raises:
        InvalidQuery: One is unknown or stands twice.
    """
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            near = difflib.get_close_matches(name[:64], known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidQuery(name[:64], f"is not known here{hint}")
        if name in found:
            raise InvalidQuery(name, "stands twice")
        found[name] = value
    return found


def whole(query: dict[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within bounds, both included.

    Raises:
        InvalidQuery: It is none.
    """
    text = query.get(name)
    if text is None:
        return default
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise InvalidQuery(name, f"must be a whole number from {least} to {most}")
    return int(text)


def flag(query: dict[str, str], name: str) -> bool:
    """Return a switch, which is off where it is absent.

    Raises:
        InvalidQuery: It is neither ``true`` nor ``false``.
    """
    value = _FLAGS.get(query.get(name, "false"))
    if value is None:
        raise InvalidQuery(name, "must be true or false")
    return value
