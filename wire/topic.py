"""Topics and topic filters by AWS IoT Core's rules.

Owns what a legal topic and a legal topic filter are, and which topics a filter matches. Does not
own who may use them (`wire.grant`, `wire.iam`) nor how a broker finds subscribers quickly.

Source: MQTT 3.1.1 section 4.7; IoT developer guide, topics.html and mqtt.html (differences).
"""

from __future__ import annotations

from typing import NewType

from wire.errors import InvalidTopic
from wire.limits import MAX_TOPIC_BYTES, MAX_TOPIC_SLASHES

Topic = NewType("Topic", str)
"""A concrete topic: no wildcards, at most 256 bytes and 7 slashes."""

TopicFilter = NewType("TopicFilter", str)
"""A topic, or a pattern over topics with `+` and `#`."""


def check_topic(
    text: str,
    *,
    max_bytes: int | None = MAX_TOPIC_BYTES,
    max_slashes: int | None = MAX_TOPIC_SLASHES,
) -> Topic:
    """Return the text as a topic.

    Args:
        text: A concrete topic.
        max_bytes: Most UTF-8 bytes; None for a stand-in that was told to allow any.
        max_slashes: Most slashes, or None.

    Raises:
        InvalidTopic: It is empty, too long, too deep, or holds a wildcard or NUL.
    """
    _check_shape(text, max_bytes, max_slashes)
    if "+" in text or "#" in text:
        raise InvalidTopic("a topic to publish to holds no wildcard (+ or #)")
    return Topic(text)


def check_topic_filter(
    text: str,
    *,
    max_bytes: int | None = MAX_TOPIC_BYTES,
    max_slashes: int | None = MAX_TOPIC_SLASHES,
) -> TopicFilter:
    """Return the text as a topic filter.

    Args:
        text: A topic filter.
        max_bytes: Most UTF-8 bytes; None for a stand-in that was told to allow any.
        max_slashes: Most slashes, or None.

    Raises:
        InvalidTopic: It is empty, too long, too deep, or a wildcard stands in the wrong place.
            Source: MQTT 3.1.1 [MQTT-4.7.1-2] and [MQTT-4.7.1-3].
    """
    _check_shape(text, max_bytes, max_slashes)
    levels = text.split("/")
    for position, level in enumerate(levels):
        if "#" in level and (level != "#" or position != len(levels) - 1):
            raise InvalidTopic("# must be the whole last level of a topic filter")
        if "+" in level and level != "+":
            raise InvalidTopic("+ must be a whole level of a topic filter")
    return TopicFilter(text)


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether a topic filter matches a topic, as IoT Core does it.

    Two differences from plain string matching: `a/#` does not match `a` (AWS departs from the
    MQTT specification here), and a leading wildcard never matches a topic that starts with `$`.

    Args:
        topic_filter: A valid topic filter.
        topic: A valid topic.
    """
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    pattern, levels = topic_filter.split("/"), topic.split("/")
    if pattern[-1] == "#":
        pattern.pop()
        if len(levels) <= len(pattern):
            return False
        levels = levels[: len(pattern)]
    return len(pattern) == len(levels) and all(
        wanted in ("+", level) for wanted, level in zip(pattern, levels, strict=True)
    )


def _check_shape(text: str, max_bytes: int | None, max_slashes: int | None) -> None:
    if not text:
        raise InvalidTopic("it is empty")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidTopic("it is not valid Unicode") from None
    if max_bytes is not None and size > max_bytes:
        raise InvalidTopic(f"it has {size} bytes; the limit is {max_bytes}")
    if "\0" in text:
        raise InvalidTopic("it holds a NUL character")
    slashes = text.count("/")
    if max_slashes is not None and slashes > max_slashes:
        raise InvalidTopic(f"it has {slashes} slashes; the limit is {max_slashes}")
