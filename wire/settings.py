"""Reading a program's settings from its environment, all problems at once.

Owns the conversions, the near-match hint for an unknown name and the collecting of problems. Does
not own any program's settings: each has one frozen dataclass with a `from_env`.

Source: docs/design.md; style guide, "Settings".
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from wire.errors import SettingsError, WireError
from wire.secret import Secret

T = TypeVar("T")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


class EnvReader:
    """Read names of one prefix from an environment and collect what is wrong.

    Every reading method takes the name without the prefix, remembers it as known and, where the
    value is wrong, notes a problem and returns the default. Call `finish` last.

    Args:
        prefix: Prefix of this program's names, e.g. ``GATEWAY_``.
        environ: The environment; it is only read.
    """

    def __init__(self, prefix: str, environ: Mapping[str, str]) -> None:
        self._prefix = prefix
        self._environ = environ
        self._known: set[str] = set()
        self._problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        """Return a text; an empty value counts as absent."""
        return self._raw(name) or default

    def optional(self, name: str) -> str | None:
        """Return a text, or None where it is absent or empty."""
        return self._raw(name) or None

    def required(self, name: str) -> str:
        """Return a text that must be there; an absent one is a problem."""
        value = self._raw(name)
        if not value:
            self.problem(name, "is required")
        return value

    def secret(self, name: str) -> Secret | None:
        """Return a secret, or None where it is absent or empty."""
        value = self._raw(name)
        return Secret(value) if value else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a switch: 1/true/yes/on or 0/false/no/off."""
        value = self._raw(name).lower()
        if not value:
            return default
        if value not in _TRUE | _FALSE:
            self.problem(name, "must be 1 or 0")
        return value in _TRUE

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds, both included."""
        value = self._convert(name, default, int, "must be a whole number")
        return self._bounded(name, value, default, least, most)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Return a finite number within bounds, both included; units stand in the name."""
        value = self._convert(name, default, float, "must be a number")
        if not math.isfinite(value):
            self.problem(name, "must be finite")
            return default
        return self._bounded(name, value, default, least, most)

    def listing(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a comma-separated list; blanks around items and empty items are dropped."""
        value = self._raw(name)
        items = tuple(item.strip() for item in value.split(",") if item.strip())
        return items or tuple(default)

    def parsed(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        """Return what `parse` makes of the text.

        Args:
            name: The setting.
            default: Returned when it is absent or refused.
            parse: Raises ValueError or a WireError with a sentence for a value it refuses.
        """
        value = self._raw(name)
        if not value:
            return default
        try:
            return parse(value)
        except (ValueError, WireError) as error:
            self.problem(name, str(error))
            return default

    def problem(self, name: str, sentence: str) -> None:
        """Note a problem with one setting; the value itself never stands in it."""
        self._problems.append(f"{self._prefix}{name} {sentence}")

    def finish(self) -> None:
        """Check for unknown names and end the reading.

        Raises:
            SettingsError: Anything was wrong; it names every problem.
        """
        full_names = sorted(f"{self._prefix}{name}" for name in self._known)
        for name in sorted(self._environ):
            if name.startswith(self._prefix) and name not in full_names:
                near = difflib.get_close_matches(name, full_names, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._problems.append(f"{name} is not a setting{hint}")
        if self._problems:
            raise SettingsError(self._problems)

    def _raw(self, name: str) -> str:
        self._known.add(name)
        return self._environ.get(f"{self._prefix}{name}", "").strip()

    def _convert(self, name: str, default: T, kind: Callable[[str], T], refusal: str) -> T:
        value = self._raw(name)
        if not value:
            return default
        try:
            return kind(value)
        except ValueError:
            self.problem(name, refusal)
            return default

    def _bounded(self, name: str, value: T, default: T, least: float, most: float) -> T:
        if not least <= value <= most:  # type: ignore[operator]
            self.problem(name, f"must be between {least} and {most}")
            return default
        return value
