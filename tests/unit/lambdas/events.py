"""API Gateway events, one per file, in the shape AWS sends them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("events")


def event(name: str, *, token: str = "", **changes: object) -> dict[str, Any]:
    """Return a recorded event with a token put in and top-level members changed."""
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    headers = loaded["headers"]
    for header in ("authorization", "Authorization"):
        if header in headers:
            headers[header] = f"Bearer {token}"
    return {**loaded, **changes}
