"""Which requests come from a page or program on this very machine.

Owns the rules that keep a page from elsewhere away from the demo's tokens and keys. Does not look
at peer addresses: with DNS rebinding the peer is this machine's own browser, and only the names in
`Host` and `Origin` give the stranger away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that no public DNS answer can stand behind."""


def loopback_refusal(headers: Mapping[str, str], *, port: int) -> str | None:
    """Say why a request may not use the demo, or return None if it may.

    Args:
        headers: Request fields; names in any case if the mapping ignores it, else in title case.
        port: The port the demo listens on.
    """
    if _host_name(f"//{headers.get('Host', '')}") not in LOOPBACK_NAMES:
        return "the Host is not this machine's loopback name"
    origin = headers.get("Origin")
    if origin is not None and origin not in page_origins(port):
        return "the Origin is not the demo page"
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return "the request comes from another site"
    return None


def page_origins(port: int) -> frozenset[str]:
    """Return the origins under which the demo page can be opened."""
    return frozenset(
        {f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://[::1]:{port}"}
    )


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
