"""AWS limits that more than one part of the project holds itself to.

Owns the numbers, their units and their sources. Does not own behaviour: what happens at a limit
is decided where it is enforced.

Sources: AWS IoT Core endpoints and quotas (general reference, iot-core); AWS STS API reference,
AssumeRole; IoT developer guide, mqtt.html.
"""

from __future__ import annotations

from typing import Final

MAX_PAYLOAD_BYTES: Final = 128 * 1024
"""Most payload bytes in one publish. Source: IoT Core message broker quotas, not adjustable."""

MAX_TOPIC_BYTES: Final = 256
"""Most UTF-8 bytes in a topic or topic filter. Source: IoT Core message broker quotas."""

MAX_TOPIC_SLASHES: Final = 7
"""Most forward slashes in a topic or topic filter. Source: IoT Core message broker quotas."""

MAX_CLIENT_ID_BYTES: Final = 128
"""Most UTF-8 bytes in a client id. Source: IoT Core message broker quotas."""

MAX_FILTERS_PER_SUBSCRIBE: Final = 8
"""Most topic filters in one SUBSCRIBE packet. Source: IoT Core message broker quotas."""

MAX_SUBSCRIPTIONS_PER_CONNECTION: Final = 50
"""Most subscriptions one connection may hold. Source: IoT Core message broker quotas."""

MAX_SESSION_POLICY_CHARS: Final = 2_048
"""Most characters in an inline session policy. Source: STS AssumeRole, parameter Policy."""

MIN_SESSION_S: Final = 900
"""Shortest life of STS credentials, seconds. Source: STS AssumeRole, DurationSeconds."""

MAX_CHAINED_SESSION_S: Final = 3_600
"""Longest life when a role assumes a role, seconds. Source: IAM user guide, role chaining."""

MIN_MESSAGE_EXPIRY_S: Final = 1
"""Shortest message expiry, seconds; 0 becomes 1. Source: IoT developer guide, mqtt.html."""

MAX_MESSAGE_EXPIRY_S: Final = 604_800
"""Longest message expiry, seconds (7 days). Source: IoT developer guide, mqtt.html."""

MIN_CONFIRMATION_S: Final = 1
"""Shortest wait for a client's confirmation, seconds. Source: SendDirectMessage, timeout."""

MAX_CONFIRMATION_S: Final = 15
"""Longest wait for a client's confirmation, seconds. Source: SendDirectMessage, timeout."""

HANDSHAKE_WINDOW_S: Final = 300
"""How far X-Amz-Date may be from IoT's clock, seconds. Source: aws-sdk-js#2254 and the measured
error texts; AWS does not document it."""
