"""The inbox as the operator asks for it, read and checked.

Owns the settings `inbox`, `inboxSenders` and `inboxRules`; without the first there is none and the
others must be left out. A rule is one line:

    group:orders/eu <- {"source": ["com.example.orders"]}           of the default event bus
    group:orders/eu <- shop {"detail-type": ["Order Shipped"]}      of another bus of this account

The address is where events of the rule go; an event whose detail has a `to` goes there instead, as
far as the rule's entry in the keys file allows.

Source: docs/inbox.md; EventBridge API, PutRule (bus names, patterns of 2,048 characters).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wire.address import Address
from wire.errors import InvalidAddress

if TYPE_CHECKING:
    from infra.config_reader import ConfigReader

MAX_PATTERN_CHARS: Final = 2_048
"""Longest event pattern. Source: EventBridge quotas, "Event pattern size"."""

DEFAULT_BUS: Final = "default"
"""The event bus that every account has, and that AWS's own services put events on."""

_LINE: Final = re.compile(r"(?P<address>\S+)\s+<-\s+((?P<bus>[\w./-]{1,256})\s+)?(?P<pattern>\{.*)")
_SENDER: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRule:
    """One rule of EventBridge that sends to the inbox.

    Attributes:
        address: Where its events go.
        bus: Name of the event bus.
        pattern: The event pattern, JSON.
    """

    address: str
    bus: str
    pattern: str

    @property
    def key(self) -> str:
        """A short name of its own: letters and digits, the same for the same line."""
        line = f"{self.address} {self.bus} {self.pattern}"
        return hashlib.sha256(line.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSettings:
    """An inbox.

    Attributes:
        senders: ARNs of roles and users that the queue itself lets send, besides those whose own
            policies do.
        rules: Rules that send to it.
    """

    senders: tuple[str, ...]
    rules: tuple[InboxRule, ...]


def read_inbox(reader: ConfigReader) -> InboxSettings | None:
    """Read the inbox's settings, or None where there is none; problems go to the reader."""
    wanted = reader.flag("inbox", default=False)
    found = InboxSettings(senders=reader.listing("inboxSenders"), rules=_rules(reader))
    if not wanted:
        for key, value in (("inboxSenders", found.senders), ("inboxRules", found.rules)):
            if value:
                reader.problem(key, "is of no use without inbox: true")
        return None
    for sender in found.senders:
        if not _SENDER.fullmatch(sender):
            reader.problem(
                "inboxSenders",
                f"holds {sender!r}; name one role or user: arn:aws:iam::<account>:role/<name>",
            )
    return found


def _rules(reader: ConfigReader) -> tuple[InboxRule, ...]:
    rules: dict[str, InboxRule] = {}
    for line in reader.listing("inboxRules"):
        found = _LINE.fullmatch(line.strip())
        if not found:
            shape = "<address> <- [<event bus>] {<event pattern>}"
            reader.problem("inboxRules", f"holds {line!r}; a rule is {shape}")
            continue
        try:
            Address.parse(found["address"])
        except InvalidAddress as error:
            reader.problem("inboxRules", f"holds {found['address']!r}: {error.problem}")
            continue
        problem = _pattern_problem(found["pattern"])
        rule = InboxRule(
            address=found["address"], bus=found["bus"] or DEFAULT_BUS, pattern=found["pattern"]
        )
        if problem:
            reader.problem("inboxRules", f"holds the pattern {rule.pattern!r}, which {problem}")
        elif rule.key in rules:
            reader.problem("inboxRules", f"holds {line!r} twice")
        else:
            rules[rule.key] = rule
    return tuple(rules.values())


def _pattern_problem(text: str) -> str | None:
    try:
        pattern: object = json.loads(text)
    except ValueError:
        return "is not JSON"
    if not isinstance(pattern, dict) or not pattern:
        # An empty one would match every event of the bus, and match nothing in AWS's own words.
        return "names no member of an event"
    if len(text) > MAX_PATTERN_CHARS:
        return f"is longer than {MAX_PATTERN_CHARS} characters"
    return None
