"""The file of figures, `figures.toml`, beside this module.

Owns reading it. Does not: know what its tables mean (`gateway/core/plan/figures.py`).
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def read_figures() -> dict[str, Any]:
    """Return the file's tables."""
    return tomllib.loads((files("gateway.plan") / "figures.toml").read_text(encoding="utf-8"))
