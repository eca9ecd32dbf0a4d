"""Role sessions are named after users, one to one, and live as long as they may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.credentials.role_session import role_session_name, session_seconds
from tests.unit.issuer import NOW
from tests.unit.wire.strategies import ID_ALPHABET

ALLOWED = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
user_ids = st.text(ID_ALPHABET, min_size=1, max_size=64) | st.text(":|~a", min_size=1, max_size=64)


@pytest.mark.parametrize(
    ("user_id", "name"),
    [
        ("42", "42"),
        ("ada.lovelace@example.com", "ada.lovelace@example.com"),
        ("7", "7+"),
        (":", "+3a"),
        ("auth0|5f2c", "auth0+7c5f2c"),
        ("x" * 64, "x" * 64),
    ],
)
def test_names_stay_readable(user_id: str, name: str) -> None:
    """CloudTrail and presence events show the user id wherever STS allows it."""
    assert role_session_name(user_id) == name


def test_a_name_that_is_too_long_ends_in_a_digest() -> None:
    """Its beginning still tells who it is."""
    name = role_session_name("a" * 20 + ":" * 40)
    assert len(name) == 64
    assert name.startswith("a" * 20 + "+3a")
    assert "+h" in name


@given(user_ids)
def test_every_name_is_one_sts_takes(user_id: str) -> None:
    """Characters and length are those of the API reference."""
    assert ALLOWED.fullmatch(role_session_name(user_id))


@given(user_ids, user_ids)
def test_no_two_users_share_a_name(one: str, other: str) -> None:
    """Also where the names had to change."""
    assert (role_session_name(one) == role_session_name(other)) == (one == other)


@pytest.mark.parametrize("end", [":", "|", "~:", "::"])
def test_long_ids_that_differ_at_the_end_only(end: str) -> None:
    """The digest is over the whole id."""
    assert role_session_name(":" * 62 + end) != role_session_name(":" * 62 + "a")


@given(st.floats(-60, 1e6), st.integers(900, 3600))
def test_a_session_lives_900_s_to_the_configured_time(left_s: float, configured_s: int) -> None:
    """And as long as its token in between."""
    seconds = session_seconds(
        token_expires_at=NOW + timedelta(seconds=left_s), now=NOW, configured_s=configured_s
    )
    assert 900 <= seconds <= configured_s
    assert seconds == 900 or seconds <= left_s
