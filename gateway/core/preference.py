"""What the caller prefers: `Prefer: wait=N`.

Owns reading that one preference and its bound. Does not: wait.
Source: RFC 7240, sections 2, 3 and 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_HEADER_CHARS: Final = 256
"""A longer header is no preference of anybody's; ours, so that reading it costs nothing."""

_PREFERENCE: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_WAIT: Final = re.compile(
    r'\s*wait\s*=\s*(?:"([0-9]{1,9})"|([0-9]{1,9}))\s*(?:;.*)?', re.I | re.S | re.A
)
_NAMED: Final = re.compile(r"\s*wait\s*(?:[=;]|$)", re.I)


def wait_s(headers: Iterable[str], *, most_s: float) -> int | None:
    """Return how long to wait for the outcome, whole seconds, or None if it is not asked for.

    A value that is none is ignored, as the standard asks; the first `wait` counts.

    Args:
        headers: All `Prefer` headers of a request.
        most_s: Longest wait that is granted, seconds.
    """
    for header in headers:
        for preference in _PREFERENCE.findall(header[:MAX_HEADER_CHARS]):
            if _NAMED.match(preference):
                found = _WAIT.fullmatch(preference)
                return min(int(found[1] or found[2]), int(most_s)) if found else None
    return None
