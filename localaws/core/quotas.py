"""IoT Core's limits on connections, sessions and messages, each with a way to change it.

Owns the numbers. What happens at a limit is decided where it is enforced.

Source: aws-iot-facts 3.6, 3.7 and 3.11 (IoT Core message broker and protocol quotas).
"""

from dataclasses import dataclass

from wire.limits import (
    MAX_CLIENT_ID_BYTES,
    MAX_FILTERS_PER_SUBSCRIBE,
    MAX_PAYLOAD_BYTES,
    MAX_SUBSCRIPTIONS_PER_CONNECTION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What one connection, session or topic may use. None switches a limit off.

    Attributes:
        client_id_bytes: UTF-8 bytes of a client id.
        payload_bytes: Bytes of one message; more closes the connection.
        filters_per_subscribe: Topic filters in one SUBSCRIBE.
        subscriptions_per_connection: Subscriptions one connection may hold.
        unacknowledged: QoS 1 messages sent and not yet acknowledged; the rest waits.
        publishes_per_s: Messages of one connection, in and out together; more are discarded.
        topic_aliases: Highest topic alias a version 5 client may use.
        least_keep_alive_s: Keep-alive below it is raised to it.
        most_keep_alive_s: Keep-alive above it, or 0, becomes it.
        connection_s: A WebSocket connection ends after this long.
        session_expiry_s: Longest life of a session without a connection.
        queued_messages: QoS 1 messages kept for one session; later ones are dropped.
        stored_messages_per_s: Pace at which a resumed session gets what was kept for it.
        retained_messages: Topics with a retained message.
        connect_timeout_s: Time from the handshake to CONNECT. Ours: AWS documents none.
    """

    client_id_bytes: int = MAX_CLIENT_ID_BYTES
    payload_bytes: int = MAX_PAYLOAD_BYTES
    filters_per_subscribe: int | None = MAX_FILTERS_PER_SUBSCRIBE
    subscriptions_per_connection: int | None = MAX_SUBSCRIPTIONS_PER_CONNECTION
    unacknowledged: int = 100
    publishes_per_s: int | None = 100
    topic_aliases: int = 8
    least_keep_alive_s: int = 30
    most_keep_alive_s: int = 1_200
    connection_s: float | None = 86_400
    session_expiry_s: int = 3_600
    queued_messages: int = 1_000
    stored_messages_per_s: int | None = 10
    retained_messages: int = 5_000
    connect_timeout_s: float = 30

    def keep_alive_s(self, asked_s: int) -> int:
        """Clamp the keep-alive a client asks for."""
        if asked_s == 0 or asked_s > self.most_keep_alive_s:
            return self.most_keep_alive_s
        return max(asked_s, self.least_keep_alive_s)
