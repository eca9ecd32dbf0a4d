"""What a keys file says a service may do: its name, its addresses, its rate.

Owns reading and writing these members, which every kind of entry has.
Does not: know how a caller proves that an entry is its own (`gateway/keys.py`: by a secret;
`gateway/principals.py`: by who signed the message).
Source: docs/design.md, "Service keys".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.core.service import SERVICE_NAME, SERVICE_NAME_RULE, Service
from gateway.errors import KeyRefused
from wire.address import AddressPattern
from wire.envelope import parse_time
from wire.errors import InvalidAddress

MAX_RATE_PER_S: Final = 100_000.0
"""Largest rate a service can have, events per second."""


def read_service(members: Mapping[str, object], *, credential_id: str, admin: bool) -> Service:
    """Read a service's rights.

    Args:
        members: The entry of the file.
        credential_id: What the entry is called.
        admin: Whether it gives the admin right.

    Raises:
        KeyRefused: The name, a pattern or the rate breaks its rule.
    """
    name = members["name"]
    if not isinstance(name, str) or not SERVICE_NAME.fullmatch(name):
        raise KeyRefused(f"a service's name is {SERVICE_NAME_RULE}")
    return Service(
        name=name,
        credential_id=credential_id,
        publish=_patterns(members["publish"]),
        rate_per_s=_rate(members["rate"]),
        admin=admin,
    )


def rights_of(service: Service) -> dict[str, object]:
    """Return the members that `read_service` reads."""
    return {
        "name": service.name,
        "publish": [str(pattern) for pattern in service.publish],
        "rate": service.rate_per_s,
    }


def read_moment(value: object) -> datetime:
    """Read when an entry was made.

    Raises:
        KeyRefused: It is no time with a zone.
    """
    try:
        return parse_time(value if isinstance(value, str) else "")
    except ValueError:
        raise KeyRefused("created must be an RFC 3339 time with a zone") from None


def _patterns(value: object) -> tuple[AddressPattern, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise KeyRefused("publish must be an array of address patterns")
    patterns = []
    for item in value:
        try:
            patterns.append(AddressPattern.parse(item))
        except InvalidAddress as error:
            raise KeyRefused(f"publish {item!r}: {error.problem}") from None
    return tuple(patterns)


def _rate(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise KeyRefused("rate must be a number of events per second, or null for no bound")
    if not 0 < value <= MAX_RATE_PER_S:
        raise KeyRefused(f"rate must be above 0 and at most {MAX_RATE_PER_S:g} events per second")
    return float(value)
