"""The SNS bridges as the operator writes them, read and checked.

Owns the two list settings `iotToSns` and `snsToIot`, one bridge a line, and the part of the loop
guard that can be decided before anything exists. The rest is in the rules' SQL
(`infra.iot_to_sns`) and in the bridge Lambda (`lambdas/sns_bridge`).

    iotToSns   group:support/* -> support                  a topic that the stack makes
               user:*          -> arn:aws:sns:…:audit raw   one that exists; payload untouched
    snsToIot   orders.fifo     -> group:orders/*            order kept; attribute `to` picks the group
               arn:aws:sns:…:n -> everyone raw              message text as it is, no envelope

What came in by a bridge never goes out by one: what the bridge Lambda publishes carries an MQTT user
property that the rules leave alone. An echo (out of an address and back to it, through one SNS
topic) the Lambda knows by what the rule added; a raw bridge out adds nothing, so a bridge back from
its topic to the same address is refused here. docs/decisions/0012-sns-bridges.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wire.address import AddressPattern
from wire.errors import InvalidAddress

if TYPE_CHECKING:
    from infra.config_reader import ConfigReader

MAX_BRIDGES: Final = 20
"""Most bridges in: the routes of all of them stand in the Lambda's environment, 4 KB in all.
Source: Lambda quotas, "Environment variables"."""

_LINE: Final = re.compile(r"(?P<source>\S+)\s+->\s+(?P<target>\S+)(?P<raw>\s+raw)?")
_TOPIC_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:(?P<name>[A-Za-z0-9_-]{1,251}(\.fifo)?)", re.ASCII
)
_TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(\.fifo)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SnsTopic:
    """An SNS topic, which exists or is to be made.

    Attributes:
        name: Its name; the stem of a unique one where the stack makes it.
        arn: Its ARN where it exists, else None.
    """

    name: str
    arn: str | None = None

    @property
    def fifo(self) -> bool:
        """Whether it keeps order."""
        return self.name.endswith(".fifo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """One bridge, in or out.

    Attributes:
        topic: The SNS end.
        pattern: The addresses at the IoT end.
        raw: Whether messages cross as they are, without envelope or added fields.
    """

    topic: SnsTopic
    pattern: AddressPattern
    raw: bool

    @property
    def key(self) -> str:
        """A short name of its own: letters and digits, the same for the same line."""
        line = f"{self.topic.arn or self.topic.name} {self.pattern}"
        return hashlib.sha256(line.encode()).hexdigest()[:8]

    def meets(self, other: Bridge) -> bool:
        """Tell whether some address belongs to both."""
        return self.pattern.covers(other.pattern) or other.pattern.covers(self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridges:
    """All bridges of a stack.

    Attributes:
        outward: From IoT to SNS.
        inward: From SNS to IoT.
    """

    outward: tuple[Bridge, ...] = ()
    inward: tuple[Bridge, ...] = ()

    @property
    def topics(self) -> tuple[SnsTopic, ...]:
        """Every SNS topic once, in the order of its first bridge."""
        return tuple(dict.fromkeys(bridge.topic for bridge in (*self.outward, *self.inward)))


def read_bridges(reader: ConfigReader) -> Bridges:
    """Read both lists; problems go to the reader."""
    outward = _read(reader, "iotToSns", source_is_topic=False)
    inward = _read(reader, "snsToIot", source_is_topic=True)
    for bridge in outward:
        if bridge.topic.fifo:
            reader.problem("iotToSns", f"cannot reach {bridge.topic.name}: rules send to no FIFO")
    for bridge in inward:
        if bridge.pattern.kind is None:
            reader.problem("snsToIot", "must not end in *: name the kind of address, as group:*")
    if len(inward) > MAX_BRIDGES:
        reader.problem("snsToIot", f"has {len(inward)} bridges, at most {MAX_BRIDGES} fit")
    for problem in _echoes(outward, inward):
        reader.problem("snsToIot", problem)
    return Bridges(outward=outward, inward=inward)


def _read(reader: ConfigReader, key: str, *, source_is_topic: bool) -> tuple[Bridge, ...]:
    shape = (
        "<SNS topic> -> <address> [raw]" if source_is_topic else "<address> -> <SNS topic> [raw]"
    )
    bridges: dict[tuple[SnsTopic, AddressPattern], Bridge] = {}
    for line in reader.listing(key):
        found = _LINE.fullmatch(line.strip())
        if not found:
            reader.problem(key, f"holds {line!r}; a bridge is {shape}")
            continue
        topic_text, address_text = found["source"], found["target"]
        if not source_is_topic:
            topic_text, address_text = address_text, topic_text
        topic, pattern = _topic(topic_text), _pattern(address_text)
        if topic is None:
            reader.problem(key, f"holds {topic_text!r}, which is no ARN or name of an SNS topic")
        elif isinstance(pattern, str):
            reader.problem(key, f"holds {address_text!r}: {pattern}")
        elif (topic, pattern) in bridges:
            reader.problem(key, f"holds {line!r} twice")
        else:
            bridges[topic, pattern] = Bridge(topic=topic, pattern=pattern, raw=bool(found["raw"]))
    return tuple(bridges.values())


def _topic(text: str) -> SnsTopic | None:
    if found := _TOPIC_ARN.fullmatch(text):
        return SnsTopic(found["name"], text)
    return SnsTopic(text) if _TOPIC_NAME.fullmatch(text) else None


def _pattern(text: str) -> AddressPattern | str:
    try:
        return AddressPattern.parse(text)
    except InvalidAddress as error:
        return str(error)


def _echoes(outward: tuple[Bridge, ...], inward: tuple[Bridge, ...]) -> list[str]:
    return [
        f"brings back what iotToSns takes raw from {going.pattern} to {going.topic.name}: "
        "clients would get it twice"
        for coming in inward
        for going in outward
        if going.raw and going.topic == coming.topic and coming.meets(going)
    ]
