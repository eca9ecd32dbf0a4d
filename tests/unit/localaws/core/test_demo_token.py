"""Demo tokens: what may be asked for and what is signed."""

import json
from datetime import UTC, datetime

import jwt
import pytest

from localaws.core.demo_token import DemoUser, read_demo_user, sign_demo_token
from localaws.errors import PeerMisbehaved
from wire.secret import Secret

NOW = datetime(2026, 3, 12, tzinfo=UTC)


def test_all_members_are_read() -> None:
    """A request names the user, groups, publish addresses and life."""
    body = {"user": "42", "groups": ["orders/*"], "publish": ["user:7"], "ttl_s": 60}
    assert read_demo_user(json.dumps(body).encode()) == DemoUser(
        user="42", groups=("orders/*",), publish=("user:7",), ttl_s=60
    )


def test_only_the_user_is_required() -> None:
    """A request may name nothing but the user."""
    assert read_demo_user(b'{"user": "42"}') == DemoUser(user="42")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "object of"),
        (b"{}", "user is a text"),
        (b'{"user": "42", "admin": true}', "object of"),
        (b'{"user": "a b"}', "user id"),
        (b'{"user": "42", "groups": "orders"}', "groups is a list"),
        (b'{"user": "42", "groups": [1]}', "groups is a list"),
        (b'{"user": "42", "groups": ["a//b"]}', "group"),
        (b'{"user": "42", "publish": ["nobody"]}', "address"),
        (b'{"user": "42", "ttl_s": 0}', "ttl_s"),
        (b'{"user": "42", "ttl_s": true}', "ttl_s"),
        (b'{"user": "42", "ttl_s": 86401}', "ttl_s"),
    ],
)
def test_anything_else_is_refused_with_a_reason(body: bytes, problem: str) -> None:
    """A token that the credential Lambda would refuse anyway is refused here, and says why."""
    with pytest.raises(PeerMisbehaved, match=problem):
        read_demo_user(body)


def test_token_carries_the_grant() -> None:
    """The claims are those an application's issuer would sign."""
    secret = Secret("s" * 32)
    user = DemoUser(user="42", groups=("orders/eu",), publish=("everyone",), ttl_s=60)
    token = sign_demo_token(user, secret=secret, audience="local", now=NOW)
    claims = jwt.decode(
        token,
        secret.reveal(),
        algorithms=["HS256"],
        audience="local",
        issuer="localaws-demo",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {
        "iss": "localaws-demo",
        "aud": "local",
        "sub": "42",
        "groups": ["orders/eu"],
        "publish": ["everyone"],
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
    }
