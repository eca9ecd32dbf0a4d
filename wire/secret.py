"""A secret text that does not show itself.

Owns keeping a secret out of reprs, logs and error texts. Does not encrypt anything.

Source: docs/design.md, "Credential API": no secret is ever logged.
"""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Hold a secret text whose `str`, `repr` and pickles give nothing away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself; call this only where it is used."""
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __len__(self) -> int:
        """Return the number of UTF-8 bytes, which settings may check."""
        return len(self._text.encode())

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be pickled")
