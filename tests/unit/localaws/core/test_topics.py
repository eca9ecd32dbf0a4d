"""What may be published to and subscribed to at all."""

import pytest

from localaws.core.quotas import Quotas
from localaws.core.topics import Wanted, check_published, parse_filter
from wire.errors import InvalidTopic

DEEP = "/".join("a" * 9)
LONG = "a" * 257


@pytest.mark.parametrize("topic", ["a", "a/b c", "$aws/rules/one", f"$aws/rules/one/{'a' * 256}"])
def test_topics_to_publish_to(topic: str) -> None:
    """Ordinary topics, and Basic Ingest, whose prefix does not count."""
    assert check_published(topic) == topic


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "a/+",
        "#",
        DEEP,
        LONG,
        "$aws/events/presence/connected/c",
        "$SYS/x",
        "$aws/rules/",
        "$aws/rules//x",
        f"$aws/rules/one/{LONG}",
    ],
)
def test_topics_not_to_publish_to(topic: str) -> None:
    """Reserved, too long, too deep, with wildcards."""
    with pytest.raises(InvalidTopic):
        check_published(topic)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a/b", Wanted("a/b")),
        ("a/+/#", Wanted("a/+/#")),
        ("$aws/events/presence/+/+", Wanted("$aws/events/presence/+/+")),
        ("$share/g/a/#", Wanted("a/#", "g")),
        (f"$share/g/{'/'.join('a' * 8)}", Wanted("/".join("a" * 8), "g")),
    ],
)
def test_filters_to_subscribe_to(text: str, wanted: Wanted) -> None:
    """The two slashes of a shared subscription do not count."""
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a#",
        "a/#/b",
        DEEP,
        LONG,
        "$SYS/#",
        "$aws/#",
        "$aws/rules/one",
        "$share/g",
        "$share//a",
        "$share/g+/a",
        f"$share/{'g' * 129}/a",
        "$share/g/$SYS/a",
    ],
)
def test_filters_not_to_subscribe_to(text: str) -> None:
    """Malformed, reserved, or no shared subscription."""
    with pytest.raises(InvalidTopic):
        parse_filter(text)


def test_length_and_depth_can_be_switched_off() -> None:
    """Each by itself."""
    assert check_published(LONG, Quotas(topic_bytes=None)) == LONG
    assert check_published(DEEP, Quotas(topic_slashes=None)) == DEEP
    assert parse_filter(LONG, Quotas(topic_bytes=None)) == Wanted(LONG)
    assert parse_filter(DEEP, Quotas(topic_slashes=20)) == Wanted(DEEP)
    with pytest.raises(InvalidTopic):
        parse_filter(DEEP, Quotas(topic_bytes=None))


def test_exact_filters_match_one_topic() -> None:
    """Retained messages are for those only."""
    assert parse_filter("a/b").exact
    assert not parse_filter("a/+").exact
    assert not parse_filter("#").exact
