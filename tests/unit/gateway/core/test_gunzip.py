"""A gzip body is read within its bound."""

from __future__ import annotations

import gzip
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.gunzip import gunzip
from gateway.errors import BodyTooLarge, MalformedBody


@given(st.binary(max_size=500), st.integers(0, 500))
def test_gives_back_what_was_compressed_or_says_too_large(body: bytes, limit: int) -> None:
    """The limit is exact."""
    packed = gzip.compress(body)
    if len(body) <= limit:
        assert gunzip(packed, limit_bytes=limit) == body
    else:
        with pytest.raises(BodyTooLarge):
            gunzip(packed, limit_bytes=limit)


@given(st.binary(max_size=300))
def test_random_bytes_raise_only_our_errors(data: bytes) -> None:
    """Nothing else comes out of zlib."""
    with suppress(MalformedBody, BodyTooLarge):
        gunzip(data, limit_bytes=10)


def test_a_bomb_costs_no_memory() -> None:
    """It is refused at the limit, not after swelling."""
    with pytest.raises(BodyTooLarge):
        gunzip(gzip.compress(b" " * 10_000_000), limit_bytes=1_000)


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"body", mtime=0)[:-1], gzip.compress(b"body", mtime=0) + b"x", b"", b"body"],
)
def test_refuses_half_and_more_than_one(data: bytes) -> None:
    """Exactly one whole member is taken."""
    with pytest.raises(MalformedBody):
        gunzip(data, limit_bytes=100)
