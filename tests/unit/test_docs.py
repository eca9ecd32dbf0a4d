"""The documentation names what exists, and nothing that does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.render_configuration import render

ROOT = Path(__file__).resolve().parents[2]


def text_of(name: str) -> str:
    """Return one document."""
    return (ROOT / name).read_text()


def test_the_configuration_page_is_up_to_date() -> None:
    """docs/configuration.md is what the settings say; otherwise run `make docs`."""
    assert text_of("docs/configuration.md") == render()


def test_every_setting_has_a_meaning() -> None:
    """No row of the page is left without words."""
    rows = re.findall(r"^\| `[A-Z0-9_]+` \| (.*?) \| (.*?) \|$", render(), re.M)
    assert len(rows) > 50
    assert all(default and meaning for default, meaning in rows)


def test_every_make_target_is_documented() -> None:
    """The README lists exactly the targets that `make` shows."""
    targets = set(re.findall(r"^([a-z-]+):.*## ", text_of("Makefile"), re.M))
    assert targets == set(re.findall(r"^\| `make ([a-z-]+)`", text_of("README.md"), re.M))


def test_every_decision_is_listed() -> None:
    """The index of decisions names every page."""
    pages = {path.name for path in (ROOT / "docs/decisions").glob("0*.md")}
    assert pages == set(re.findall(r"\]\((0[^)]+\.md)\)", text_of("docs/decisions/README.md")))


@pytest.mark.parametrize(
    "page",
    ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))],
)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a document leads to a file."""
    here = (ROOT / page).parent
    for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text_of(page)):
        assert (here / link).exists(), f"{page} links to {link}"
