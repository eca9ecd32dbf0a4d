"""PINGREQ and PINGRESP: two packets without a body.

Source: MQTT 3.1.1 sections 3.12 and 3.13; the same in MQTT 5.0.
"""

from dataclasses import dataclass

PINGREQ_TYPE = 12
PINGRESP_TYPE = 13

PINGREQ_BYTES = b"\xc0\x00"
PINGRESP_BYTES = b"\xd0\x00"


@dataclass(frozen=True, slots=True)
class Pingreq:
    """A client shows that it is alive."""


@dataclass(frozen=True, slots=True)
class Pingresp:
    """The broker answers a PINGREQ."""
