"""Imports point the way docs/design.md draws them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("wire", "infra", "gateway", "lambdas", "localaws")
ALLOWED = {
    "wire": {"wire"},
    "infra": {"infra", "wire"},
    "gateway": {"gateway", "wire"},
    "lambdas": {"lambdas", "wire"},
    "localaws": {"localaws", "wire", "infra.policies", "lambdas"},
}
IMPURE = {
    "asyncio",
    "socket",
    "time",
    "logging",
    "boto3",
    "botocore",
    "aiohttp",
    "os",
    "subprocess",
    "threading",
    "random",
}


def imported(path: Path) -> set[str]:
    """Return the dotted names a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def sources(package: str) -> list[Path]:
    """Return a package's modules."""
    return sorted((ROOT / package).rglob("*.py"))


def within(name: str, allowed: set[str]) -> bool:
    """Tell whether a dotted name lies in one of the allowed packages."""
    return any(name == root or name.startswith(f"{root}.") for root in allowed)


@pytest.mark.parametrize("package", OURS)
def test_packages_import_only_what_they_may(package: str) -> None:
    """No arrow between our packages but those of the design."""
    assert sources(package), f"{package} has no modules"
    for path in sources(package):
        strangers = {
            name
            for name in imported(path)
            if name.partition(".")[0] in OURS
            and not within(name, ALLOWED[package])
            and not any(root.startswith(f"{name}.") for root in ALLOWED[package])
        }
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"


def test_wire_imports_only_the_standard_library_and_pyjwt() -> None:
    """Both sides of the wire stay free of third-party weight."""
    for path in sources("wire"):
        roots = {name.partition(".")[0] for name in imported(path)}
        strangers = roots - set(sys.stdlib_module_names) - {"wire", "jwt"}
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"


@pytest.mark.parametrize("folder", ["wire", "gateway/core", "localaws/core"])
def test_cores_are_pure(folder: str) -> None:
    """Decisions take `now` and values; clocks, sockets and SDKs stay at the edge."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        roots = {name.partition(".")[0] for name in imported(path)}
        assert not roots & IMPURE, f"{path.relative_to(ROOT)} imports {sorted(roots & IMPURE)}"


@pytest.mark.parametrize("package", OURS)
def test_modules_open_with_a_docstring_and_stay_short(package: str) -> None:
    """Every module says what it owns, and none outgrows one noun."""
    for path in sources(package):
        text = path.read_text()
        assert ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} has no docstring"
        assert text.count("\n") <= 450, f"{path.relative_to(ROOT)} is too long"
