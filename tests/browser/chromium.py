"""Which browser the tests drive, and how it is started.

Owns the choice. The system's own Chromium: nothing is downloaded, and nothing it would do in the
background (updates, synchronisation, telemetry) is allowed to.
"""

from __future__ import annotations

import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
"""Commands looked for, in this order."""

ARGUMENTS: Final = (
    "--no-sandbox",
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
)
"""`--no-sandbox` because continuous integration runs as root; it only ever sees our own page."""


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
