"""Topics and topic filters follow IoT Core's rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import InvalidTopic
from wire.topic import check_topic, check_topic_filter, matches

levels = st.text("ab$", max_size=2)
topics = st.lists(levels, min_size=1, max_size=5).map("/".join).filter(bool)
filters = (
    st.tuples(
        st.lists(levels | st.just("+"), max_size=4), st.sampled_from([[], ["#"], ["+"], ["a"]])
    )
    .map(lambda parts: "/".join(parts[0] + parts[1]))
    .filter(bool)
)


def slow_matches(topic_filter: str, topic: str) -> bool:
    """Match by turning the filter into a regular expression, the slow obvious way."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    expression = "/".join(
        {"+": "[^/]*", "#": ".*"}.get(level, re.escape(level)) for level in topic_filter.split("/")
    )
    return re.fullmatch(expression, topic) is not None


@given(filters, topics)
def test_matches_agrees_with_the_slow_matcher(topic_filter: str, topic: str) -> None:
    """The level-by-level matcher and a regular expression give the same answer."""
    assert matches(topic_filter, topic) is slow_matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/#", "a", False),
        ("a/#", "a/", True),
        ("a/#", "a/b/c", True),
        ("#", "a", True),
        ("#", "$aws/events", False),
        ("+/x", "$aws/x", False),
        ("$aws/#", "$aws/events", True),
        ("a/+", "a/", True),
        ("a/+", "a", False),
        ("a/+/c", "a/b/c", True),
    ],
)
def test_matches_where_aws_is_particular(topic_filter: str, topic: str, *, expected: bool) -> None:
    """AWS's `a/#` excludes `a`, and wildcards stay away from reserved topics."""
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(
    "text", ["", "a/+", "a/#", "a\0b", "x" * 257, "a/b/c/d/e/f/g/h/i", "\ud800"]
)
def test_bad_topics_are_refused(text: str) -> None:
    """A topic is not empty, has no wildcard or NUL, and stays within 256 bytes and 7 slashes."""
    with pytest.raises(InvalidTopic):
        check_topic(text)


@pytest.mark.parametrize("text", ["", "a#", "#/a", "a/#/b", "a+/b", "+a"])
def test_bad_filters_are_refused(text: str) -> None:
    """Wildcards stand alone in their level and # stands last."""
    with pytest.raises(InvalidTopic):
        check_topic_filter(text)


def test_the_limits_themselves_are_allowed() -> None:
    """256 bytes and 7 slashes are still fine."""
    assert check_topic("x" * 256)
    assert check_topic("a/b/c/d/e/f/g/h")
    assert check_topic_filter("+/+/#")
