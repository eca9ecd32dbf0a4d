"""A publication is a value."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.core.publication import Publication
from wire.address import Address


def test_cannot_be_changed() -> None:
    """What is on its way is never altered."""
    address = Address.parse("user:1")
    subject = Publication(
        address=address,
        topic=address.topic("n"),
        payload=b"",
        content_type="text/plain",
        qos=0,
        retain=False,
        message_expiry_s=None,
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        subject.qos = 1  # type: ignore[misc]
