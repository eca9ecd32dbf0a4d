"""Addresses: where an event goes, and patterns over addresses.

Owns the four kinds of address, the shape of the ids inside them, and the one mapping between an
address and its topic. Does not own who may use an address (`wire.grant`).

The characters allowed in ids are exactly those that mean nothing to IAM, MQTT or JSON: `*`, `?`,
`$`, `+`, `#`, quotes and non-ASCII can never reach an ARN.

Source: docs/design.md, "Addresses and topics"; docs/decisions/0001-client-ids.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire.errors import InvalidAddress, InvalidDevice, InvalidNamespace, InvalidTopic
from wire.topic import Topic, check_topic

MAX_GROUP_LEVELS: Final = 4
"""Most `/`-separated levels in a group's name: with the namespace, it stays in AWS's 7 slashes."""

_ID: Final = re.compile(r"[A-Za-z0-9_.@:|=,~-]{1,64}", re.ASCII)
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,24}", re.ASCII)
_DEVICE: Final = re.compile(r"[A-Za-z0-9_-]{1,38}", re.ASCII)
_CLIENT_ID: Final = re.compile(
    rf"(?P<namespace>{_NAMESPACE.pattern})\.(?P<user>{_ID.pattern})\.(?P<device>{_DEVICE.pattern})",
    re.ASCII,
)
_ID_RULE: Final = "1 to 64 characters of A-Z a-z 0-9 _ . @ : | = , ~ -"


class Kind(StrEnum):
    """The four kinds of address; each is one level of the topic tree."""

    CLIENT = "client"
    USER = "user"
    GROUP = "group"
    EVERYONE = "everyone"


def check_namespace(text: str) -> str:
    """Return the text as a namespace.

    Raises:
        InvalidNamespace: It is not 1 to 24 characters of A-Z a-z 0-9 _ -.
    """
    if not _NAMESPACE.fullmatch(text):
        raise InvalidNamespace("a namespace is 1 to 24 characters of A-Z a-z 0-9 _ -")
    return text


def check_user_id(text: str) -> str:
    """Return the text as a user id.

    Raises:
        InvalidAddress: It is outside the id alphabet or longer than 64 characters.
    """
    if not _ID.fullmatch(text):
        raise InvalidAddress(f"a user id is {_ID_RULE}")
    return text


def check_device(text: str) -> str:
    """Return the text as a device id.

    Raises:
        InvalidDevice: It is not 1 to 38 characters of A-Z a-z 0-9 _ -. A dot is refused because
            the last dot of a client id separates the device: with a dot in it, one user could
            spell another user's client id.
    """
    if not _DEVICE.fullmatch(text):
        raise InvalidDevice("a device is 1 to 38 characters of A-Z a-z 0-9 _ - (no dot)")
    return text


def client_id(namespace: str, user_id: str, device: str) -> str:
    """Return the one client id of a user's device in a namespace, at most 128 bytes.

    Namespaces and devices hold no dot, so the mapping is injective: no two users share a client
    id, and no two stacks in one account do either.

    Raises:
        InvalidNamespace, InvalidAddress, InvalidDevice: A part breaks its rule.
    """
    return f"{check_namespace(namespace)}.{check_user_id(user_id)}.{check_device(device)}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an event goes: one client, user or group, or everyone.

    Attributes:
        kind: Which of the four.
        name: Client id, user id or group name; empty for everyone.
    """

    kind: Kind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address such as ``group:orders/eu``.

        Raises:
            InvalidAddress: It is no address; the text says which rule it breaks.
        """
        if text == Kind.EVERYONE:
            return cls(Kind.EVERYONE)
        head, separator, name = text.partition(":")
        if not separator or head not in (Kind.CLIENT, Kind.USER, Kind.GROUP):
            raise InvalidAddress(
                "an address is client:<clientId>, user:<userId>, group:<name> or everyone"
            )
        kind = Kind(head)
        _check_name(kind, name)
        return cls(kind, name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)

    def topic(self, namespace: str) -> Topic:
        """Return the one topic of this address.

        Args:
            namespace: The stack's namespace.

        Raises:
            InvalidAddress: The topic would break IoT Core's limits (a group of long levels), or a
                client id belongs to another namespace.
        """
        if self.kind is Kind.CLIENT and not self.name.startswith(f"{namespace}."):
            raise InvalidAddress(f"client ids of this stack start with {namespace}.")
        tail = f"/{self.name}" if self.name else ""
        try:
            return check_topic(f"{namespace}/{self.kind}{tail}")
        except InvalidTopic as error:
            raise InvalidAddress(f"its topic does not fit: {error.problem}") from None


def address_of(topic: str, namespace: str) -> Address | None:
    """Return the address whose topic this is, or None for a topic outside the scheme."""
    prefix = f"{namespace}/"
    if not topic.startswith(prefix):
        return None
    kind, _, name = topic[len(prefix) :].partition("/")
    try:
        address = Address.parse(f"{kind}:{name}" if name else kind)
        return address if address.topic(namespace) == topic else None
    except InvalidAddress:
        return None


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """A set of addresses: one address, or all below a prefix.

    Attributes:
        kind: The kind of address, or None for every address (``*``).
        name: An exact name, or the prefix when `subtree` is set (empty: the whole kind).
        subtree: Whether everything below the prefix is meant.
    """

    kind: Kind | None
    name: str = ""
    subtree: bool = False

    @classmethod
    def parse(cls, text: str) -> AddressPattern:
        """Read ``*``, ``user:*``, ``group:orders/*`` or an exact address.

        Raises:
            InvalidAddress: It is none of these.
        """
        if text == "*":
            return cls(None, subtree=True)
        head, separator, name = text.partition(":")
        if separator and name == "*" and head in (Kind.CLIENT, Kind.USER, Kind.GROUP):
            return cls(Kind(head), subtree=True)
        if separator and head == Kind.GROUP and name.endswith("/*"):
            prefix = name.removesuffix("/*")
            _check_name(Kind.GROUP, prefix)
            if prefix.count("/") + 1 >= MAX_GROUP_LEVELS:
                raise InvalidAddress(f"nothing fits below {MAX_GROUP_LEVELS} levels of group")
            return cls(Kind.GROUP, prefix, subtree=True)
        exact = Address.parse(text)
        return cls(exact.kind, exact.name)

    def __str__(self) -> str:
        if self.kind is None:
            return "*"
        if not self.subtree:
            return str(Address(self.kind, self.name))
        return f"{self.kind}:{self.name}/*" if self.name else f"{self.kind}:*"

    def covers(self, other: Address | AddressPattern) -> bool:
        """Tell whether every address the other one means is in this set."""
        whole = isinstance(other, AddressPattern) and other.subtree
        if self.kind is None or not self.subtree:
            same = (self.kind, self.name) == (other.kind, other.name)
            return self.kind is None or (same and not whole)
        if other.kind is not self.kind:
            return False
        if not self.name or (whole and other.name == self.name):
            return True
        return other.name.startswith(f"{self.name}/")

    def topic_prefix(self, namespace: str) -> str:
        """Return the exact topic, or for a subtree the prefix that ends in `/`."""
        if self.kind is None:
            return f"{namespace}/"
        if not self.subtree:
            return Address(self.kind, self.name).topic(namespace)
        return f"{namespace}/{self.kind}/" + (f"{self.name}/" if self.name else "")

    def names_topic(self, topic: str, namespace: str) -> bool:
        """Tell whether a topic (or topic filter) lies inside this set."""
        prefix = self.topic_prefix(namespace)
        return topic.startswith(prefix) if self.subtree else topic == prefix


def _check_name(kind: Kind, name: str) -> None:
    if kind is Kind.USER:
        check_user_id(name)
    elif kind is Kind.CLIENT:
        if not _CLIENT_ID.fullmatch(name):
            raise InvalidAddress("a client id is <namespace>.<userId>.<device>")
    else:
        _check_group(name)


def _check_group(name: str) -> None:
    levels = name.split("/")
    if len(levels) > MAX_GROUP_LEVELS:
        raise InvalidAddress(f"a group has at most {MAX_GROUP_LEVELS} levels, not {len(levels)}")
    if not all(_ID.fullmatch(level) for level in levels):
        raise InvalidAddress(f"each level of a group is {_ID_RULE}")
