"""The index of subscriptions, against a slow and obvious matcher."""

from hypothesis import given
from hypothesis import strategies as st

from localaws.core.mqtt.version import Version
from localaws.core.session import Session
from localaws.core.subscriptions import Subscription, Subscriptions
from localaws.core.topics import Wanted
from wire.topic import matches

levels = st.sampled_from(["a", "b", "", "$x"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = st.builds(
    lambda middle, last: "/".join([*middle, *last]),
    st.lists(levels | st.just("+"), max_size=3),
    st.sampled_from([["#"], ["a"], ["+"], [""]]),
).filter(bool)
shares = st.sampled_from([None, None, "g", "h"])
wishes = st.lists(st.tuples(st.sampled_from(["c", "d"]), filters, shares), unique=True, max_size=12)


def made(wish: tuple[str, str, str | None]) -> Subscription:
    """Make a subscription out of client id, filter and share."""
    client_id, topic_filter, share = wish
    session = Session(client_id, Version.V311, expiry_s=0)
    wanted = Wanted(topic_filter, share)
    return Subscription(session=session, text=str(wish), wanted=wanted, qos=0)


@given(wishes, st.data(), topics)
def test_the_index_finds_what_the_obvious_matcher_finds(
    wished: list[tuple[str, str, str | None]], data: st.DataObject, topic: str
) -> None:
    """After any additions and removals, members and groups are exactly those that match."""
    index = Subscriptions()
    kept = [made(wish) for wish in wished]
    for one in kept:
        index.add(one)
    for _ in range(data.draw(st.integers(0, len(kept)))):
        index.remove(kept.pop(data.draw(st.integers(0, len(kept) - 1))))
    expected = [one for one in kept if matches(one.wanted.topic_filter, topic)]
    found = index.matches(topic)
    assert {id(one) for one in found.members} == {
        id(one) for one in expected if one.wanted.share is None
    }
    assert {id(one) for group in found.groups for one in group.values()} == {
        id(one) for one in expected if one.wanted.share is not None
    }


@given(wishes)
def test_nothing_is_left_when_all_are_gone(wished: list[tuple[str, str, str | None]]) -> None:
    """Removing every subscription leaves an empty index: no memory is held for filters of the past."""
    index = Subscriptions()
    all_made = [made(wish) for wish in wished]
    for one in all_made:
        index.add(one)
    for one in all_made:
        index.remove(one)
    assert index._exact == {}
    assert index._root.children == {}


def test_a_filter_with_a_multi_level_wildcard_does_not_match_its_parent() -> None:
    """`a/#` matches `a/` and `a/b`, not `a`: AWS departs from the MQTT specification."""
    index = Subscriptions()
    index.add(made(("c", "a/#", None)))
    assert [len(index.matches(topic).members) for topic in ("a", "a/", "a/b", "a/b/c")] == [
        0,
        1,
        1,
        1,
    ]
