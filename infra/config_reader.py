"""Reading the stack configuration, all problems at once.

Owns the conversions (Pulumi hands every value over as text, lists as JSON), the
near-match hint for an unknown key and the collecting of problems.
Does not own which keys there are (`infra.settings`) and does not import Pulumi.

Source: Pulumi documentation, "Project-level configuration"; style guide, "Settings".
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

from infra.errors import ConfigInvalid
from wire.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class ConfigReader:
    """Read keys from a stack configuration and collect what is wrong.

    Every reading method remembers its key as known; where the value is wrong it notes a problem
    and returns the default. Call `finish` last.

    Args:
        values: Raw values by key, without the project's name.
        encrypted: The keys among them that are Pulumi secrets.
    """

    def __init__(self, values: Mapping[str, str], encrypted: Collection[str] = ()) -> None:
        self._values = values
        self._encrypted = frozenset(encrypted)
        self._known: set[str] = set()
        self._problems: list[str] = []

    def text(self, key: str, default: str = "") -> str:
        """Return a text; an empty value counts as absent."""
        return self._raw(key) or default

    def choice(self, key: str, default: str, options: Collection[str]) -> str:
        """Return one of the options."""
        value = self.text(key, default)
        if value not in options:
            self.problem(key, f"must be one of {', '.join(options)}")
            return default
        return value

    def secret(self, key: str) -> Secret | None:
        """Return a secret, or None where it is absent or empty; in plain text it is a problem."""
        value = self._raw(key)
        if value and key not in self._encrypted:
            self.problem(key, "is stored in plain text: replace it, and set it with --secret")
        return Secret(value) if value else None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a switch: true or false, as Pulumi writes them."""
        value = self._raw(key).lower()
        if value not in {"", "true", "false"}:
            self.problem(key, "must be true or false")
        return value == "true" if value in {"true", "false"} else default

    def integer(self, key: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds, both included."""
        value = self._raw(key)
        try:
            number = int(value) if value else default
        except ValueError:
            self.problem(key, "must be a whole number")
            return default
        if not least <= number <= most:
            self.problem(key, f"must be between {least} and {most}")
            return default
        return number

    def listing(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; absent means empty."""
        try:
            value: object = json.loads(self._raw(key) or "[]")
        except ValueError:
            value = None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.problem(key, "must be a list of texts")
            return ()
        return tuple(value)

    def problem(self, key: str, sentence: str) -> None:
        """Note a problem with one key; the value of a secret never stands in it."""
        self._problems.append(f"{key} {sentence}")

    def finish(self) -> None:
        """Check for unknown keys and end the reading.

        Raises:
            ConfigInvalid: Anything was wrong; it names every problem.
        """
        for key in sorted(set(self._values) - self._known):
            near = difflib.get_close_matches(key, sorted(self._known), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self._problems.append(f"{key} is not a setting{hint}")
        if self._problems:
            raise ConfigInvalid(self._problems)

    def _raw(self, key: str) -> str:
        self._known.add(key)
        return self._values.get(key, "").strip()
