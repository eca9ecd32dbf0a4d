"""What one token lets one client do: the grant.

Owns the step from verified claims to rights: one client id, the addresses it may receive and those
it may publish to. Does not own tokens (`wire.token`) nor IAM (`wire.policy` compiles a grant).

The law that ties this to IAM: for any topic, the compiled session policy allows it exactly when
the grant names it.

Source: docs/design.md, "Tokens, grants, session policy".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from wire.address import Address, AddressPattern, Kind, check_namespace, client_id
from wire.errors import GrantRefused, InvalidAddress
from wire.limits import MAX_SUBSCRIPTIONS_PER_CONNECTION


class GrantedClaims(Protocol):
    """The claims a grant is made from; `wire.claims.Claims` has them."""

    @property
    def subject(self) -> str:
        """The user id."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Group names; a trailing `/*` means the subtree."""

    @property
    def publish(self) -> tuple[str, ...]:
        """Address patterns the client may publish to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The rights of one client.

    Attributes:
        namespace: The stack's namespace.
        user_id: The token's subject.
        client_id: The one client id it may connect with.
        receive: What it may subscribe to and receive, smallest set, sorted.
        publish: What it may publish to, smallest set, sorted; usually empty.
    """

    namespace: str
    user_id: str
    client_id: str
    receive: tuple[AddressPattern, ...]
    publish: tuple[AddressPattern, ...]

    def subscribe_filters(self) -> tuple[str, ...]:
        """Return the topic filters that, subscribed to, bring all it may receive."""
        return tuple(_topic_filter(pattern, self.namespace) for pattern in self.receive)

    def publish_filters(self) -> tuple[str, ...]:
        """Return the topics it may publish to; a subtree ends in `#`."""
        return tuple(_topic_filter(pattern, self.namespace) for pattern in self.publish)

    def may_connect(self, client: str) -> bool:
        """Tell whether it may connect with this client id."""
        return client == self.client_id

    def may_receive(self, topic: str) -> bool:
        """Tell whether the grant names this topic."""
        return any(pattern.names_topic(topic, self.namespace) for pattern in self.receive)

    def may_subscribe(self, topic_filter: str) -> bool:
        """Tell whether every topic that the filter can match is granted.

        A filter inside a granted subtree starts with the subtree's prefix, and an exact grant
        covers only itself, so this is the same question as for a topic.
        """
        return self.may_receive(topic_filter)

    def may_publish(self, topic: str) -> bool:
        """Tell whether the grant lets the client publish to this topic."""
        return any(pattern.names_topic(topic, self.namespace) for pattern in self.publish)


def grant_for(claims: GrantedClaims, device: str, namespace: str) -> Grant:
    """Return what verified claims grant to one device.

    Args:
        claims: From a verified token.
        device: The device id the browser chose, or one made for it.
        namespace: The stack's namespace.

    Raises:
        GrantRefused: A group or publish address is invalid, or there are too many to subscribe.
        InvalidDevice: The device breaks its rule.
        InvalidAddress: The subject is no user id.
    """
    check_namespace(namespace)
    own_client_id = client_id(namespace, claims.subject, device)
    groups = [_pattern(f"group:{group}", "groups", namespace) for group in claims.groups]
    own = [
        AddressPattern(Kind.CLIENT, own_client_id),
        AddressPattern(Kind.USER, claims.subject),
        AddressPattern(Kind.EVERYONE),
    ]
    receive = (*own, *_smallest(groups))
    if len(receive) > MAX_SUBSCRIPTIONS_PER_CONNECTION:
        raise GrantRefused(
            "too_many_subscriptions",
            f"the token grants {len(receive)} topic filters; one connection holds at most "
            f"{MAX_SUBSCRIPTIONS_PER_CONNECTION}",
        )
    return Grant(
        namespace=namespace,
        user_id=claims.subject,
        client_id=own_client_id,
        receive=receive,
        publish=_smallest(_pattern(item, "publish", namespace) for item in claims.publish),
    )


def _pattern(text: str, claim: str, namespace: str) -> AddressPattern:
    try:
        pattern = AddressPattern.parse(text)
        if not pattern.subtree and pattern.kind is not None:
            Address(pattern.kind, pattern.name).topic(namespace)
    except InvalidAddress as error:
        raise GrantRefused("invalid_address", f"claim {claim}: {error.problem}") from None
    return pattern


def _smallest(patterns: Iterable[AddressPattern]) -> tuple[AddressPattern, ...]:
    unique = sorted(set(patterns), key=str)
    return tuple(
        pattern
        for pattern in unique
        if not any(other is not pattern and other.covers(pattern) for other in unique)
    )


def _topic_filter(pattern: AddressPattern, namespace: str) -> str:
    return pattern.topic_prefix(namespace) + ("#" if pattern.subtree else "")
