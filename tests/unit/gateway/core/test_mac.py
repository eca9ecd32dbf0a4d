"""The same codes as the standard library's."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.mac import Mac


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), max_size=4))
def test_says_what_hmac_says(key: bytes, messages: list[bytes]) -> None:
    """Whatever the key's length, and for one message after another."""
    mac = Mac(key)
    for message in messages:
        assert mac.hexdigest(message) == hmac.digest(key, message, "sha256").hex()
