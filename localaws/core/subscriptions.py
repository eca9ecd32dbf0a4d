"""Who wants which topics: all subscriptions, found by topic.

Owns the index from topic filters to subscriptions, with AWS's rules of matching (`a/#` does not
match `a`). Does not own sessions, policies or delivery.

Theory of operation: a filter without wildcards is a key in a dictionary, since nearly all filters
are; one with wildcards is a path in a trie of levels. A shared subscription stands in its own group
beside the others of the same filter.

Source: aws-iot-facts 3.3 and 3.9; MQTT 3.1.1 section 4.7.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localaws.core.topics import Wanted

if TYPE_CHECKING:
    from localaws.core.session import Session


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subscription:
    """One session's wish for one topic filter.

    Attributes:
        text: The filter as the client wrote it, `$share/...` included.
        qos: Highest QoS granted, 0 or 1.
    """

    session: "Session"
    text: str
    wanted: Wanted
    qos: int
    no_local: bool = False
    retain_as_published: bool = False


Members = dict[str, Subscription]
"""Subscriptions to one filter, by client id."""


@dataclass(slots=True)
class _Entry:
    """Everybody at one filter: plain members, and groups that share."""

    members: Members = field(default_factory=dict)
    groups: dict[str, Members] | None = None

    def of(self, share: str | None) -> Members:
        if share is None:
            return self.members
        if self.groups is None:
            self.groups = {}
        return self.groups.setdefault(share, {})

    @property
    def empty(self) -> bool:
        return not self.members and not self.groups


@dataclass(slots=True)
class _Node:
    """One level of the trie."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    entry: _Entry | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """What matches one topic.

    Attributes:
        members: Subscriptions that each get the message; a session may stand there twice.
        groups: Shared subscriptions; one member of each gets the message.
    """

    members: tuple[Subscription, ...]
    groups: tuple[Members, ...]


class Subscriptions:
    """All subscriptions of all sessions."""

    __slots__ = ("_exact", "_groups", "_root")

    def __init__(self) -> None:
        self._exact: dict[str, _Entry] = {}
        self._root = _Node()
        self._groups: dict[tuple[str, str], Members] = {}

    @property
    def groups(self) -> int:
        """Shared subscriptions there are, each of one name and filter."""
        return len(self._groups)

    def group(self, wanted: Wanted) -> Members | None:
        """Return the members of a shared subscription; None if there are none yet."""
        return self._groups.get((wanted.share or "", wanted.topic_filter))

    def add(self, subscription: Subscription) -> None:
        """Add a subscription, in place of the session's former one to the same filter."""
        wanted = subscription.wanted
        members = self._make(wanted).of(wanted.share)
        members[subscription.session.client_id] = subscription
        if wanted.share is not None:
            self._groups[wanted.share, wanted.topic_filter] = members

    def remove(self, subscription: Subscription) -> None:
        """Remove a subscription and what only it needed."""
        wanted = subscription.wanted
        self._remove(wanted, subscription.session.client_id)
        if wanted.share is not None and not self._groups[wanted.share, wanted.topic_filter]:
            del self._groups[wanted.share, wanted.topic_filter]

    def matches(self, topic: str) -> Matches:
        """Find everything that matches a topic."""
        entries = list(_walk(self._root, topic.split("/"), 0, reserved=topic.startswith("$")))
        exact = self._exact.get(topic)
        if exact is not None:
            entries.append(exact)
        return Matches(
            members=tuple(one for entry in entries for one in entry.members.values()),
            groups=tuple(group for entry in entries for group in (entry.groups or {}).values()),
        )

    def _remove(self, wanted: Wanted, client_id: str) -> None:
        if wanted.exact:
            entry = self._exact[wanted.topic_filter]
            _discard(entry, wanted.share, client_id)
            if entry.empty:
                del self._exact[wanted.topic_filter]
            return
        path = [self._root]
        levels = wanted.topic_filter.split("/")
        for level in levels:
            path.append(path[-1].children[level])
        last = path[-1]
        if last.entry is not None:
            _discard(last.entry, wanted.share, client_id)
            if last.entry.empty:
                last.entry = None
        for parent, node, level in zip(path[-2::-1], path[:0:-1], reversed(levels), strict=True):
            if node.children or node.entry is not None:
                break
            del parent.children[level]

    def _make(self, wanted: Wanted) -> _Entry:
        if wanted.exact:
            return self._exact.setdefault(wanted.topic_filter, _Entry())
        node = self._root
        for level in wanted.topic_filter.split("/"):
            node = node.children.setdefault(level, _Node())
        if node.entry is None:
            node.entry = _Entry()
        return node.entry


def _discard(entry: _Entry, share: str | None, client_id: str) -> None:
    members = entry.of(share)
    members.pop(client_id, None)
    if share is not None and not members and entry.groups is not None:
        del entry.groups[share]


def _walk(node: _Node, levels: list[str], depth: int, *, reserved: bool) -> Iterator[_Entry]:
    if depth == len(levels):
        if node.entry is not None:
            yield node.entry
        return
    wildcards = not (reserved and depth == 0)
    if wildcards:
        # Here and not one level up: a/# matches a/ and a/b, never a itself.
        rest = node.children.get("#")
        if rest is not None and rest.entry is not None:
            yield rest.entry
        any_one = node.children.get("+")
        if any_one is not None:
            yield from _walk(any_one, levels, depth + 1, reserved=reserved)
    exact = node.children.get(levels[depth])
    if exact is not None:
        yield from _walk(exact, levels, depth + 1, reserved=reserved)
