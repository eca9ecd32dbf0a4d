"""A publication is a value."""

from __future__ import annotations

import pytest

from gateway.core.publication import Publication
from wire.address import Address

ADDRESS = Address.parse("user:1")
PUBLICATION = Publication(
    address=ADDRESS,
    topic=ADDRESS.topic("n"),
    payload=b"secret",
    content_type="text/plain",
    qos=0,
    retain=False,
    message_expiry_s=None,
)


def test_cannot_be_changed() -> None:
    """What is on its way is never altered."""
    with pytest.raises(AttributeError):
        PUBLICATION.qos = 1  # type: ignore[misc]


def test_shows_no_payload() -> None:
    """Neither in a log nor in an error."""
    assert repr(PUBLICATION) == "Publication(n/user/1, 6 bytes)"
