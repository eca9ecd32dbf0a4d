"""IoT Core's limits on connections, sessions, messages and the account, each with a way to change it.

Owns the numbers. What happens at a limit is decided where it is enforced.

Source: aws-iot-facts 3.6, 3.7, 3.9, 3.11 and 8 (IoT Core message broker and protocol quotas).
"""

from dataclasses import dataclass
from enum import StrEnum

from localaws.core.mqtt.properties import NO_PROPERTIES, Properties
from localaws.core.mqtt.version import Version
from wire.limits import (
    MAX_CLIENT_ID_BYTES,
    MAX_FILTERS_PER_SUBSCRIBE,
    MAX_PAYLOAD_BYTES,
    MAX_SUBSCRIPTIONS_PER_CONNECTION,
    MAX_TOPIC_BYTES,
    MAX_TOPIC_SLASHES,
)

MAX_WINDOW = 65_535
"""Most QoS 1 messages in flight by the protocol: one for each packet id."""

ANY_KEEP_ALIVE_S = 1_000_000_000
"""Keep-alive of a client that wants none, where the upper clamp is switched off."""


class Exhausted(StrEnum):
    """A rate or a store that has nothing left for one more publish; HTTP answers 429."""

    ACCOUNT_PUBLISHES = "publishes per second of the account"
    ACCOUNT_RETAINED = "retained publishes per second of the account"
    TOPIC_RETAINED = "retained publishes per second to one topic"
    RETAINED_MESSAGES = "retained messages of the account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What one connection, session, topic or account may use. None switches a limit off.

    Attributes:
        client_id_bytes: UTF-8 bytes of a client id.
        payload_bytes: Bytes of one message; more closes the connection.
        topic_bytes: UTF-8 bytes of a topic or topic filter.
        topic_slashes: Slashes in a topic or topic filter.
        user_properties_bytes: Of all names and values in one PUBLISH or will (5).
        correlation_bytes: Bytes of correlation data (5).
        content_type_bytes: UTF-8 bytes of a content type (5).
        least_packet_bytes: Smallest maximum packet size a client may ask for (5).
        filters_per_subscribe: Topic filters in one SUBSCRIBE.
        subscriptions_per_connection: Subscriptions one connection may hold.
        share_groups: Groups that share subscriptions, in the account.
        share_members: Members of one such group.
        unacknowledged: QoS 1 messages sent and not yet acknowledged; the rest waits.
        publishes_per_s: Messages of one connection, in and out together; more are discarded.
        bytes_per_s: Bytes of one connection, in and out together; more are delayed.
        connects_per_s: CONNECTs with one client id; more are refused.
        retained_per_s: Retained publishes to one topic; more are refused.
        account_connects_per_s: CONNECTs of all clients; more are refused.
        account_publishes_in_per_s: Publishes of all clients and HTTP callers; more are refused.
        account_publishes_out_per_s: Deliveries to all clients; more are discarded, or queued (QoS 1).
        account_subscriptions_per_s: Topic filters in SUBSCRIBE of all clients; more are refused.
        account_retained_per_s: Retained publishes to all topics; more are refused.
        topic_aliases: Highest topic alias a version 5 client may use; None lets it use any.
        least_keep_alive_s: Keep-alive below it is raised to it.
        most_keep_alive_s: Keep-alive above it, or 0, becomes it.
        connection_s: A WebSocket connection ends after this long.
        session_expiry_s: Longest life of a session without a connection.
        queued_messages: QoS 1 messages kept for one session; later ones are dropped.
        stored_messages_per_s: Pace at which a resumed session gets what was kept for it.
        retained_messages: Topics with a retained message; publishes to more are refused.
        retry_s: An unacknowledged message is sent again after so long. Ours: AWS documents none.
        retry_for_311_s: A 3.1.1 client's unacknowledged message is given up after so long.
        retry_for_5_s: A version 5 client's.
        connect_timeout_s: Time from the handshake to CONNECT. Ours: AWS documents none.
    """

    client_id_bytes: int | None = MAX_CLIENT_ID_BYTES
    payload_bytes: int | None = MAX_PAYLOAD_BYTES
    topic_bytes: int | None = MAX_TOPIC_BYTES
    topic_slashes: int | None = MAX_TOPIC_SLASHES
    user_properties_bytes: int | None = 8 * 1024
    correlation_bytes: int | None = 8 * 1024
    content_type_bytes: int | None = 256
    least_packet_bytes: int | None = 512
    filters_per_subscribe: int | None = MAX_FILTERS_PER_SUBSCRIBE
    subscriptions_per_connection: int | None = MAX_SUBSCRIPTIONS_PER_CONNECTION
    share_groups: int | None = 100
    share_members: int | None = 100
    unacknowledged: int | None = 100
    publishes_per_s: int | None = 100
    bytes_per_s: int | None = 512 * 1024
    connects_per_s: float | None = 1
    retained_per_s: float | None = 1
    account_connects_per_s: int | None = 500
    account_publishes_in_per_s: int | None = 20_000
    account_publishes_out_per_s: int | None = 20_000
    account_subscriptions_per_s: int | None = 500
    account_retained_per_s: int | None = 500
    topic_aliases: int | None = 8
    least_keep_alive_s: int | None = 30
    most_keep_alive_s: int | None = 1_200
    connection_s: float | None = 86_400
    session_expiry_s: int | None = 3_600
    queued_messages: int | None = 1_000
    stored_messages_per_s: int | None = 10
    retained_messages: int | None = 5_000
    retry_s: float | None = 30
    retry_for_311_s: float | None = 3_600
    retry_for_5_s: float | None = 300
    connect_timeout_s: float | None = 30

    @property
    def window(self) -> int:
        """Most QoS 1 messages in flight to one client."""
        return MAX_WINDOW if self.unacknowledged is None else self.unacknowledged

    def keep_alive_s(self, asked_s: int) -> int:
        """Clamp the keep-alive a client asks for."""
        most_s = self.most_keep_alive_s
        if most_s is None:
            if asked_s == 0:
                return ANY_KEEP_ALIVE_S
        elif asked_s == 0 or asked_s > most_s:
            return most_s
        return max(asked_s, self.least_keep_alive_s or 0)

    def expiry_s(self, asked_s: int) -> int:
        """Clamp the session expiry a client asks for."""
        return asked_s if self.session_expiry_s is None else min(asked_s, self.session_expiry_s)

    def misfit(self, properties: Properties) -> str | None:
        """Say which property of a PUBLISH or a will is too large, or None."""
        if properties is NO_PROPERTIES:
            return None
        pairs = properties.user_properties
        if _more(self.user_properties_bytes, *(text for pair in pairs for text in pair)):
            return "the user properties are too large"
        if _more(self.correlation_bytes, properties.correlation_data):
            return "the correlation data is too large"
        if _more(self.content_type_bytes, properties.content_type):
            return "the content type is too large"
        return None

    def retry_for_s(self, version: Version) -> float | None:
        """Return how long an unacknowledged message is kept for a live client."""
        return self.retry_for_5_s if version is Version.V5 else self.retry_for_311_s


DEFAULTS = Quotas()
"""AWS's own."""


def _more(limit: int | None, *values: str | bytes | None) -> bool:
    """Tell whether values together have more bytes than a limit."""
    if limit is None:
        return False
    sizes = (len(one.encode() if isinstance(one, str) else one) for one in values if one)
    return sum(sizes) > limit
