"""What a caller shows is read once, and shown nowhere else."""

from __future__ import annotations

import pytest

from gateway.bearer import Bearer
from gateway.keys import hash_of


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "swk_x"])
def test_nothing_shown(header: str | None) -> None:
    """No header, another scheme, or nothing behind it."""
    assert Bearer.of(header) is None


def test_a_key_and_a_token() -> None:
    """Told apart by how a key begins."""
    key, token = Bearer.of("bearer  swk_x "), Bearer.of("Bearer eyJ")
    assert key is not None
    assert token is not None
    assert (key.shown, key.is_key, key.key_hash) == ("swk_x", True, hash_of("swk_x"))
    assert (token.shown, token.is_key) == ("eyJ", False)


def test_what_is_too_long_for_a_key_is_not_hashed() -> None:
    """Whoever sends megabytes pays for them alone."""
    long = Bearer.of("Bearer swk_" + "x" * 5_000)
    assert long is not None
    assert long.key_hash is None


def test_is_not_shown() -> None:
    """Neither by repr nor by str."""
    bearer = Bearer.of("Bearer swk_secret")
    assert "secret" not in f"{bearer!r} {bearer}"
