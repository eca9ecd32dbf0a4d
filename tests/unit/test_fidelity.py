"""docs/fidelity.md says of every behaviour how localaws stands to it, and names tests that exist.

Checks the page, not the behaviour.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("proven", "differs", "unverified")
CITED = re.compile(r"\bfacts? (\d+(?:\.\d+)?(?:(?:, | and | to )\d+(?:\.\d+)?)*)")


@cache
def page() -> str:
    """Return the page."""
    return (ROOT / "docs/fidelity.md").read_text()


def rows() -> list[list[str]]:
    """Return the cells of every line about a behaviour."""
    facts = page().partition("\n## 1 ")[2]
    lines = [line for line in facts.splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in lines
        if not line.startswith("| behaviour")
    ]


def named() -> list[tuple[str, str]]:
    """Return every test the page names: file and function."""
    return re.findall(r"`(test_\w+)::([Tt]est\w+)`", page())


@cache
def all_tests() -> dict[str, list[Path]]:
    """Return which of the named files have each test, by `file::function`."""
    found = defaultdict(list)
    stems = {stem for stem, _ in named()}
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path.stem not in stems:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.stem}::{node.name}"].append(path)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                # A stateful model becomes a test by an assignment.
                found[f"{path.stem}::{node.targets[0].id}"].append(path)
    return found


def test_every_line_has_a_mark() -> None:
    """A behaviour is proven, differs on purpose, or is unverified; there is no fourth."""
    assert len(rows()) > 100
    for row in rows():
        assert len(row) == 3, row
        assert row[1] in MARKS, row


def test_what_is_proven_names_its_proof() -> None:
    """Only a test proves anything."""
    for behaviour, mark, text in rows():
        if mark == "proven":
            assert re.search(r"`test_\w+::[Tt]est\w+`", text), behaviour


@pytest.mark.parametrize("name", sorted({"::".join(pair) for pair in named()}))
def test_every_named_test_exists_once(name: str) -> None:
    """A name leads to one test, in one file."""
    assert len(all_tests()[name]) == 1, all_tests()[name]


def test_every_fact_that_the_source_cites_has_a_section() -> None:
    """What a comment calls "aws-iot-facts 3.13" is section 3.13."""
    sections = set(re.findall(r"^##+ (\d+(?:\.\d+)?) ", page(), re.M))
    for path in sorted((ROOT / "localaws").rglob("*.py")):
        for numbers in CITED.findall(path.read_text()):
            for number in re.findall(r"\d+(?:\.\d+)?", numbers):
                # Numbers behind the last section are sizes: "facts 1.6, 241 bytes".
                whole = int(number.partition(".")[0])
                assert number in sections or whole >= 10, f"{path}: {number}"
