"""Where a queue's messages go.

Owns the routes as the stack writes them into the environment: a JSON object of queue ARNs. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from wire.address import Address, AddressPattern

ADDRESS_ATTRIBUTE = "to"
"""SNS message attribute that names the address, where the bridge ends in more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One bridge's way.

    Attributes:
        pattern: The addresses it may publish to.
        raw: Whether the message's text is published as it is.
        topic_name: Name of the SNS topic, for envelopes and logs.
        ordered: Whether the queue keeps order within message groups.
    """

    pattern: AddressPattern
    raw: bool
    topic_name: str
    ordered: bool

    @property
    def only_address(self) -> Address | None:
        """The one address of this route, or None where messages must name theirs."""
        if self.pattern.subtree or self.pattern.kind is None:
            return None
        return Address(self.pattern.kind, self.pattern.name)


def parse_routes(text: str) -> Mapping[str, Route]:
    """Read routes by queue ARN: ``{"arn:…": {"to": "group:a/*", "raw": false, "sns": "name"}}``.

    Raises:
        ValueError: They are not of that shape.
        InvalidAddress: A route ends in no address.
    """
    try:
        found = json.loads(text)
        return {
            str(arn): Route(
                pattern=AddressPattern.parse(route["to"]),
                raw=route["raw"] is True,
                topic_name=str(route["sns"]),
                ordered=str(arn).endswith(".fifo"),
            )
            for arn, route in found.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("must be a JSON object of routes by queue ARN") from error
