"""A service: who posts events, and what it may do.

Owns the rights that a credential gives.
Does not: know which credential it was (`gateway/keys.py`) or count its requests.
Source: docs/design.md, "Service keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.errors import NotAllowed
from wire.address import Address, AddressPattern

SERVICE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
"""A service's name: it stands in metrics labels and in every envelope's source."""

SERVICE_NAME_RULE: Final = "1 to 63 characters of a-z 0-9 _ -, the first a letter or digit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An internal service as one of its credentials shows it.

    Attributes:
        name: Its name; events it sends have ``/services/<name>`` as their source.
        credential_id: Which of its credentials was shown; rates are counted by it.
        publish: The addresses it may publish to.
        rate_per_s: Events it may send each second, with one second's worth at once; None for any.
        admin: Whether it may use the admin routes.
    """

    name: str
    credential_id: str
    publish: tuple[AddressPattern, ...]
    rate_per_s: float | None = None
    admin: bool = False

    @property
    def source(self) -> str:
        """CloudEvents source of its events. Source: CloudEvents 1.0.2, `source`."""
        return f"/services/{self.name}"

    def check_may_publish(self, to: Iterable[Address]) -> None:
        """Return if it may publish to every one of the addresses.

        Raises:
            NotAllowed: It may not; names the addresses and what it may do instead.
        """
        refused = []
        for address in to:
            for pattern in self.publish:
                if pattern.covers(address):
                    break
            else:
                refused.append(str(address))
        if refused:
            raise NotAllowed(self.name, refused, [str(pattern) for pattern in self.publish])


ANYBODY: Final = Service(
    name="anybody",
    credential_id="anybody",
    publish=(AddressPattern.parse("*"),),
    admin=True,
)
"""Every caller of a gateway that was told to run without authentication."""
