"""Pulumi.yaml, the example stack file and docs/deploy.md say what infra/settings.py reads."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml  # type: ignore[import-untyped]

from infra.config_reader import ConfigReader
from infra.settings import Settings
from tests.unit.infra.program import MINIMAL, PROJECT, ROOT, Program

PROJECT_FILE: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
SCHEMA: dict[str, dict[str, Any]] = PROJECT_FILE["config"]
UNDECLARED = {"jwtSecret"}


def raw(value: object) -> str:
    """Return a value as Pulumi hands it to a program."""
    return value if isinstance(value, str) else json.dumps(value)


def keys_read() -> set[str]:
    """Return every key that the settings ask for."""
    asked: set[str] = set()

    class Recording(ConfigReader):
        def _raw(self, key: str) -> str:
            asked.add(key)
            return super()._raw(key)

    original = Settings.from_config.__func__.__globals__  # type: ignore[attr-defined]
    kept = original["ConfigReader"]
    original["ConfigReader"] = Recording
    try:
        Settings.from_config(MINIMAL, project="p", stack="s")
    finally:
        original["ConfigReader"] = kept
    return asked


def test_the_schema_declares_every_setting() -> None:
    """Pulumi checks types before the program runs; the one exception says why in the file."""
    assert set(SCHEMA) | UNDECLARED == keys_read()


def test_the_schema_uses_what_pulumi_knows() -> None:
    """Types and members of a declaration are those of Pulumi's project schema."""
    for key, declared in SCHEMA.items():
        assert set(declared) <= {"type", "items", "description", "default"}, key
        assert declared["type"] in {"string", "integer", "boolean", "array"}, key
        assert ("items" in declared) == (declared["type"] == "array"), key
        assert declared["description"].endswith("."), key


def test_the_schema_has_the_settings_own_defaults() -> None:
    """Reading the declared defaults gives what reading nothing gives."""
    defaults = {
        key: raw(declared["default"]) for key, declared in SCHEMA.items() if "default" in declared
    }
    explicit = Settings.from_config({**defaults, **MINIMAL}, project="p", stack="s")
    assert explicit == Settings.from_config(MINIMAL, project="p", stack="s")


def test_only_what_every_stack_must_set_lacks_a_default() -> None:
    """Pulumi itself refuses a stack without these."""
    required = {key for key, declared in SCHEMA.items() if "default" not in declared}
    assert required == {"jwtAlgorithms", "allowedOrigins"}


def test_the_program_runs_from_the_repository_root() -> None:
    """`main` would move the root away from the packages the program imports."""
    assert PROJECT_FILE["name"] == PROJECT
    assert "main" not in PROJECT_FILE
    assert PROJECT_FILE["runtime"]["name"] == "python"
    assert PROJECT_FILE["runtime"]["options"]["virtualenv"] == ".venv"


def test_the_example_stack_file_is_valid() -> None:
    """Copied as it stands, it deploys."""
    example = yaml.safe_load((ROOT / "Pulumi.example.yaml").read_text())["config"]
    values = {
        key.removeprefix(f"{PROJECT}:"): raw(value)
        for key, value in example.items()
        if key.startswith(f"{PROJECT}:")
    }
    settings = Settings.from_config(values, project=PROJECT, stack="example")
    assert settings.allowed_origins == ("https://app.example.com",)
    assert len(settings.bridges.topics) == 2
    assert settings.inbox is not None
    assert len(settings.inbox.rules) == 1
    assert len(example) == 12


def test_the_deployment_guide_lists_every_setting() -> None:
    """docs/deploy.md has one table row for each key, and none for others."""
    guide = (ROOT / "docs" / "deploy.md").read_text()
    text = guide.partition("## Configuration")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-zA-Z]+)`", text, re.M)) == set(SCHEMA) | UNDECLARED


def test_the_deployment_guide_lists_every_output(everything: Program) -> None:
    """What the program exports is what the guide explains."""
    guide = (ROOT / "docs" / "deploy.md").read_text()
    text = guide.partition("## Outputs")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-zA-Z]+)`", text, re.M)) == set(everything.exports)
