"""Pages of a listing: how many at a time, and the token that leads to the next.

Owns the token: it holds the name of the last item seen, so that a listing which changes in between
neither repeats nor skips what stays. Clients must not look into it, as in AWS.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from localaws.core.http_parameters import Unfit

Item = TypeVar("Item")


def page(
    items: Sequence[Item], name: Callable[[Item], str], *, token: str | None, size: int
) -> tuple[list[Item], str | None]:
    """Return a page and the token of the next one, None at the end.

    Args:
        items: All of them.
        name: What items are sorted by; each has its own.
        token: Of the page before; None for the first page.
        size: Most items of a page.

    Raises:
        Unfit: The token is not one of ours.
    """
    after = None if token is None else _read(token)
    left = sorted((item for item in items if after is None or name(item) > after), key=name)
    shown = left[:size]
    return shown, _write(name(shown[-1])) if len(left) > size else None


def _write(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unfit("nextToken is not valid.") from None
