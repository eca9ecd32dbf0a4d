"""The question the broker asks before every connect, subscribe, delivery and publish.

Owns the shape of the question and of its answer, and the memory of answers one connection keeps.
Does not evaluate policies: `localaws.core.principal` does, out of role policy and session policy.

Source: reference aws-iot-facts, section 4.1 (actions and resources), 3.13 (authorization failures).
"""

from collections.abc import Mapping
from typing import Literal, Protocol

ResourceKind = Literal["client", "topic", "topicfilter"]
"""The second part of an IoT resource name: `arn:aws:iot:<region>:<account>:<kind>/<name>`."""

Context = Mapping[str, str | tuple[str, ...]]
"""Condition keys of one request, such as `iot:ClientId` and `iot:ConnectAttributes`."""

MAX_REMEMBERED = 1_024
"""Decisions one connection remembers; past it the memory starts anew.

A connection has at most 50 subscriptions, so a broader memory only serves wildcard subscribers.
"""


class Decision(Protocol):
    """The answer to one question: allowed or not, and which statement or lack of one decided."""

    @property
    def allowed(self) -> bool:
        """True when a statement allows and none denies."""

    @property
    def explanation(self) -> str:
        """Name the deciding statement, or say that none allows; for people, never parsed."""


class Authorizer(Protocol):
    """Who is connected and what they may do. `localaws.core.principal.Principal` is one."""

    @property
    def user_id(self) -> str:
        """The principal as lifecycle events show it, `AROA...:session-name` for a role."""

    def decide(
        self, action: str, resource_kind: ResourceKind, name: str, context: Context
    ) -> Decision:
        """Decide one request.

        Args:
            action: Full action name, such as `iot:Receive`.
            resource_kind: `client`, `topic` or `topicfilter`.
            name: Client id, topic or topic filter; policy wildcards and MQTT wildcards in it are literal.
            context: Condition keys; `iot:ClientId` is always among them for an MQTT connection.
        """


class Decisions:
    """One connection's authorizer with a memory, since Receive is asked on each delivery.

    A remembered answer lives as long as the connection: AWS, too, caches policies for minutes
    and checks the signature at the handshake only (aws-iot-facts 3.15 and 4.12).
    """

    __slots__ = ("_authorizer", "_context", "_remembered")

    def __init__(self, authorizer: Authorizer, context: Context) -> None:
        self._authorizer = authorizer
        self._context = context
        self._remembered: dict[tuple[str, str], Decision] = {}

    def decide(self, action: str, resource_kind: ResourceKind, name: str) -> Decision:
        """Answer from memory, else ask. Each action has one resource kind, so the pair is a key."""
        key = (action, name)
        decision = self._remembered.get(key)
        if decision is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            decision = self._authorizer.decide(action, resource_kind, name, self._context)
            self._remembered[key] = decision
        return decision
