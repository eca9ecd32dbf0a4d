"""The two versions of MQTT that IoT Core speaks.

Source: MQTT 3.1.1 section 3.1.2.2 and MQTT 5.0 section 3.1.2.2, protocol level.
"""

from enum import IntEnum


class Version(IntEnum):
    """A protocol version; the value is the protocol level in CONNECT."""

    V311 = 4
    V5 = 5
