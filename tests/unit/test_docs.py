"""The documentation names what exists, and nothing that does not."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import lambdas.credentials.settings
import pytest

import gateway.settings
import localaws.settings
from wire.errors import SettingsError
from wire.settings import EnvReader

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "GATEWAY_": gateway.settings.Settings.from_env,
    "LOCALAWS_": localaws.settings.Settings.from_env,
    "CREDENTIALS_": lambdas.credentials.settings.Settings.from_env,
}


def text_of(name: str) -> str:
    """Return one document."""
    return (ROOT / name).read_text()


def settings_read_by(prefix: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the full names a program asks its environment for."""
    asked: set[str] = set()
    original = EnvReader._raw

    def record(self: EnvReader, name: str) -> str:
        asked.add(f"{prefix}{name}")
        return original(self, name)

    monkeypatch.setattr(EnvReader, "_raw", record)
    with contextlib.suppress(SettingsError):
        PROGRAMS[prefix]({})
    return asked


@pytest.mark.parametrize("prefix", PROGRAMS)
def test_every_setting_is_documented(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/configuration.md lists exactly the settings that each program reads."""
    documented = set(
        re.findall(rf"^\| `({prefix}[A-Z0-9_]+)`", text_of("docs/configuration.md"), re.M)
    )
    assert documented == settings_read_by(prefix, monkeypatch)


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
