"""Principals: services that are known by the IAM identity that signed their message.

Owns the entries of a keys file that name one, and finding the entry behind an SQS sender.
Does not: hold a secret; AWS stamps the sender on every message, and no sender can write it.
Source: SQS API, ReceiveMessage, `SenderId`; IAM user guide, "Unique identifiers".

A role is named by its unique id, not by its ARN: a role that is deleted and made again under the
same name is another one. The session's name behind it is left out, since whoever takes the role on
chooses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.core.service import Service
from gateway.errors import KeyRefused
from gateway.rights import read_moment, read_service, rights_of
from wire.envelope import format_time

PRINCIPAL: Final = re.compile(r"(AROA|AIDA)[A-Z0-9]{12,124}", re.ASCII)
"""Unique id of a role or a user."""

_FIELDS: Final = frozenset({"principal", "name", "publish", "rate", "created"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One IAM identity and the service it is.

    Attributes:
        id: Unique id of the role (``AROA…``) or user (``AIDA…``).
        service: Whose it is and what it may do; never with the admin right, which is for HTTP.
        created_at: When the entry was made.
    """

    id: str
    service: Service
    created_at: datetime

    def members(self) -> dict[str, object]:
        """Return it as an entry of a keys file."""
        created = format_time(self.created_at)
        return {"principal": self.id, **rights_of(self.service), "created": created}


def new_principal(
    *, id_: str, name: str, publish: Iterable[str], rate_per_s: float | None, now: datetime
) -> Principal:
    """Make an entry.

    Args:
        id_: Unique id of the role or user.
        name: The service's name.
        publish: Address patterns it may publish to.
        rate_per_s: Events per second, or None for no bound.
        now: When it is made.

    Raises:
        KeyRefused: The id, the name, a pattern or the rate breaks its rule.
    """
    return read_principal(
        {
            "principal": id_,
            "name": name,
            "publish": list(publish),
            "rate": rate_per_s,
            "created": format_time(now),
        }
    )


def read_principal(members: object) -> Principal:
    """Read an entry of a keys file.

    Raises:
        KeyRefused: It is none; says what is wrong.
    """
    if not isinstance(members, Mapping) or members.keys() != _FIELDS:
        raise KeyRefused(f"it must have exactly {', '.join(sorted(_FIELDS))}")
    id_ = members["principal"]
    if not isinstance(id_, str) or not PRINCIPAL.fullmatch(id_):
        raise KeyRefused(
            "a principal is the unique id of a role (AROA...) or user (AIDA...), as "
            "`aws iam get-role --role-name <name> --query Role.RoleId` shows it"
        )
    return Principal(
        id=id_,
        service=read_service(members, credential_id=id_, admin=False),
        created_at=read_moment(members["created"]),
    )


def principal_of(sender: str) -> str:
    """Return the principal behind an SQS sender: ``AROA…:session`` is the role's, whoever uses it."""
    return sender.partition(":")[0]
