"""Writes docs/configuration.md from the settings themselves: `make docs`.

Owns the page's frame and the table rows. Does not own any setting: names, defaults and meanings are
read from each program's `Settings` class, so the page cannot drift. A test renders it again.

Source: docs/design.md; the three `settings.py`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import gateway.settings  # noqa: E402 (the repository root goes first)
import lambdas.credentials.settings  # noqa: E402
import localaws.settings  # noqa: E402
from wire.errors import SettingsError  # noqa: E402
from wire.settings import EnvReader  # noqa: E402

PAGE = ROOT / "docs/configuration.md"
HEAD = """# Configuration

Each program reads its settings once, from its environment, into one frozen object.
Units stand in the names.
A name with the program's prefix that is not in its table is refused with the nearest match, and all problems are reported at once.
Secrets never reach a log.

This page is written by `make docs` from the programs' own settings; a test fails when it is out of date.
"""
GATEWAY = """
## The gateway: `python -m gateway serve`

AWS credentials come the standard AWS ways (environment, shared files, container or instance role).
"""
LOCALAWS = """
## localaws: `python -m localaws up` and `serve`

`make run` works without any of these.
`LOCALAWS_QUOTA_…` and `LOCALAWS_RATE_…` are IoT Core's limits, at AWS's defaults; 0 switches one off.
"""
CREDENTIALS = """
## The credential Lambda

Pulumi sets these on the function, and localaws on the laptop.
"""


def asked(module: Any) -> list[str]:
    """Return the names, without prefix, that a program asks its environment for, in order."""
    names: dict[str, None] = {}
    original = EnvReader._raw  # noqa: SLF001 (the one place every reading passes)

    def record(self: EnvReader, name: str) -> str:
        names[name] = None
        return original(self, name)

    with mock.patch.object(EnvReader, "_raw", record), contextlib.suppress(SettingsError):
        module.Settings.from_env({})
    return list(names)


def documented(module: Any) -> dict[str, tuple[str, str]]:
    """Return default and meaning by setting, from the class or the module's table."""
    row = re.compile(rf"^\| `{module.PREFIX}([A-Z0-9_]+)` *\| *(.*?) *\| *(.*?) *\|$", re.M)
    rows = row.findall(module.__doc__ or "")
    if rows:
        return {name: (default, meaning) for name, default, meaning in rows}
    found = fields_of(module.Settings)
    for prefix, kind in getattr(module, "NESTED", {}).items():
        for name, (default, meaning) in fields_of(kind).items():
            found[f"{prefix}{name}"] = ("`0`" if default == "none" else default, meaning)
    return found


def fields_of(kind: Any) -> dict[str, tuple[str, str]]:
    """Return default and meaning by upper-case field of a dataclass, from its docstring."""
    meanings = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", kind.__doc__, re.M)
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    return {
        name.upper(): (shown(defaults.get(name)), " ".join(meaning.split()))
        for name, meaning in meanings
    }


def shown(default: object) -> str:
    """Return a default as the environment would spell it."""
    if default is dataclasses.MISSING:
        return "required"
    if default is None or default == ():
        return "none"
    if isinstance(default, bool):
        return str(int(default))
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def table(module: Any) -> Iterator[str]:
    """Yield the rows of one program's table."""
    yield "\n| setting | default | meaning |\n|---|---|---|\n"
    rows = documented(module)
    for name in asked(module):
        default, meaning = rows[name]
        yield f"| `{module.PREFIX}{name}` | {default} | {meaning} |\n"


def render() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for text, module in (
        (GATEWAY, gateway.settings),
        (LOCALAWS, localaws.settings),
        (CREDENTIALS, lambdas.credentials.settings),
    ):
        parts += [text, *table(module)]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render())
