"""What one evaluation of a rule may look at.

Owns the message as the SQL sees it: topic, payload, publisher. Does not evaluate.

Source: IoT developer guide, "Functions": topic(), clientid(), principal(), timestamp().
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from localaws.core.message import Message
from localaws.core.rules.value import Value, read_json

BASIC_INGEST: Final = "$aws/rules/"
"""Topics that name their rule; the prefix is not part of topic(). Source: facts 6.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One message that a rule was called for.

    Attributes:
        message: As the broker accepted it.
        now: Epoch seconds.
        account: The rule's account.
        trace_id: A UUID, the message's own.
    """

    message: Message
    now: float
    account: str
    trace_id: str

    @property
    def topic(self) -> str:
        """The topic, without a Basic Ingest prefix."""
        topic = self.message.topic
        if topic.startswith(BASIC_INGEST):
            return topic.removeprefix(BASIC_INGEST).partition("/")[2]
        return topic


@dataclass(frozen=True, slots=True)
class Scope:
    """A firing and its payload, read once.

    Attributes:
        document: The payload's JSON, Undefined where it is none.
    """

    firing: Firing
    document: Value = field(repr=False)

    @classmethod
    def of(cls, firing: Firing) -> Scope:
        """Return what a message's rule may look at."""
        return cls(firing, read_json(firing.message.payload))
