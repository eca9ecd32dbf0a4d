"""Which topics a client may publish to and which filters it may subscribe to at all.

Owns the rules of reserved topics, shared subscriptions and Basic Ingest around `wire.topic`. Does
not own policies: what is legal here may still be denied.

Source: aws-iot-facts 3.3, 3.9, 3.11, 3.13 and 6.6.
"""

from dataclasses import dataclass

from localaws.core.quotas import DEFAULTS, Quotas
from wire.errors import InvalidTopic
from wire.topic import check_topic, check_topic_filter

MAX_SHARE_NAME_CHARS = 128
"""Most characters in the name of a shared subscription. Source: aws-iot-facts 3.9."""

_SHARE = "$share/"
_RULES = "$aws/rules/"
_SUBSCRIBABLE = ("$aws/events/", "$aws/things/")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a topic filter in SUBSCRIBE asks for.

    Attributes:
        topic_filter: The filter that topics are matched against.
        share: Name of the group that shares the messages, or None.
    """

    topic_filter: str
    share: str | None = None

    @property
    def exact(self) -> bool:
        """True when it can match one topic only."""
        return "+" not in self.topic_filter and "#" not in self.topic_filter


def check_published(topic: str, quotas: Quotas = DEFAULTS) -> str:
    """Return the topic if a client may publish to it.

    Raises:
        InvalidTopic: It is no topic, or is reserved for AWS.
    """
    if not topic.startswith("$"):
        return _checked(topic, quotas)
    if not topic.startswith(_RULES):
        raise InvalidTopic("it is reserved: a client cannot publish to it")
    rule, slash, rest = topic.removeprefix(_RULES).partition("/")
    if not rule:
        raise InvalidTopic("Basic Ingest needs a rule's name")
    if slash:
        # The prefix counts neither as bytes nor as slashes.
        _checked(rest, quotas)
    return topic


def parse_filter(text: str, quotas: Quotas = DEFAULTS) -> Wanted:
    """Return what a topic filter asks for.

    Raises:
        InvalidTopic: It is no topic filter, or is reserved for AWS.
    """
    share = None
    topic_filter = text
    if text.startswith(_SHARE):
        share, slash, topic_filter = text.removeprefix(_SHARE).partition("/")
        if not share or not slash or len(share) > MAX_SHARE_NAME_CHARS or set(share) & set("+#"):
            raise InvalidTopic("a shared subscription is $share/<name>/<topic filter>")
    check_topic_filter(topic_filter, max_bytes=quotas.topic_bytes, max_slashes=quotas.topic_slashes)
    if topic_filter.startswith("$") and not topic_filter.startswith(_SUBSCRIBABLE):
        raise InvalidTopic("it is reserved: a client cannot subscribe to it")
    return Wanted(topic_filter, share)


def _checked(topic: str, quotas: Quotas) -> str:
    return check_topic(topic, max_bytes=quotas.topic_bytes, max_slashes=quotas.topic_slashes)
