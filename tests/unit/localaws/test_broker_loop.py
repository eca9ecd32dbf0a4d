"""Frames around what is written."""

import pytest

from localaws.broker_loop import binary_frame


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (65_535, "827effff"),
        (65_536, "827f0000000000010000"),
    ],
)
def test_frames_have_the_shortest_header(size: int, header: str) -> None:
    """One final, unmasked binary frame. Source: RFC 6455 section 5.2."""
    payload = bytes(size)
    assert binary_frame(payload) == bytes.fromhex(header) + payload
