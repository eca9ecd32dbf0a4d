"""parliament, a linter that knows AWS's own list of actions, resources and condition keys.

Owns importing it: parliament 1.6.4 asks for `pkg_resources`, which setuptools has given up, and
leaves the files open that it reads. What it asks of `pkg_resources` is one function.
"""

from __future__ import annotations

import json
import sys
import types
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What parliament says of a document."""

    issue: str
    text: str


def findings(document: Mapping[str, Any]) -> list[Finding]:
    """Return what parliament finds wrong with an identity policy."""
    policy = _parliament().analyze_policy_string(json.dumps(document))
    return [Finding(one.issue, f"{one.detail} {one.location}") for one in policy.findings]


def _parliament() -> Any:
    if "parliament" not in sys.modules:
        held = sys.modules.get("pkg_resources")
        stand_in = types.ModuleType("pkg_resources")
        stand_in.resource_filename = _resource_filename  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = stand_in
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import parliament  # type: ignore[import-untyped]  # noqa: F401
        finally:
            del sys.modules["pkg_resources"]
            if held is not None:
                sys.modules["pkg_resources"] = held
    return sys.modules["parliament"]


def _resource_filename(package: str, name: str) -> str:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / name)
