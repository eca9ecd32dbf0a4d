"""Claims are typed, timed and addressed to us, or refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.issuer import NOW, claims
from wire.claims import Claims, Expected, read_claims
from wire.errors import InvalidToken

SECONDS = int(NOW.timestamp())
STRICT = Expected(issuer="https://issuer.example", audiences=("push", "web"), leeway_s=30)


def read(payload: dict[str, object], expected: Expected | None = None) -> Claims:
    """Read a payload at `NOW`."""
    return read_claims(payload, expected=expected or Expected(), now=NOW)


def reason(payload: dict[str, object], expected: Expected | None = None) -> str:
    """Return why a payload is refused."""
    with pytest.raises(InvalidToken) as refusal:
        read(payload, expected)
    return refusal.value.reason


def test_all_claims_are_read() -> None:
    """Known claims become attributes, the others are kept."""
    read_back = read(
        claims(groups=["orders/eu", "ops/*", "orders/eu"], publish=["user:7"], role="admin")
    )
    assert read_back == Claims(
        subject="42",
        expires_at=NOW + timedelta(hours=1),
        groups=("orders/eu", "ops/*"),
        publish=("user:7",),
        extras={"role": "admin"},
    )
    assert hash(read_back)


def test_groups_and_publish_are_off_by_default() -> None:
    """A token without them grants nothing beyond its own user."""
    bare = read(claims())
    assert (bare.groups, bare.publish) == ((), ())


def test_the_extras_stay_out_of_the_repr() -> None:
    """Whatever an issuer puts into a token does not reach logs by way of a repr."""
    assert "someone@example.com" not in repr(read(claims(email="someone@example.com")))


@pytest.mark.parametrize(
    ("exp", "outcome"),
    [(SECONDS + 1, None), (SECONDS, None), (SECONDS - 29, None), (SECONDS - 30, "expired")],
)
def test_exp_counts_with_leeway(exp: int, outcome: str | None) -> None:
    """The issuer's clock may be 30 s ahead of ours."""
    payload = claims(exp=exp)
    if outcome is None:
        assert read(payload).expires_at == datetime.fromtimestamp(exp, UTC)
    else:
        assert reason(payload) == outcome


def test_the_expiry_tells_how_long_ago() -> None:
    """A person debugging clocks sees the distance."""
    with pytest.raises(InvalidToken, match="3600 s ago"):
        read(claims(exp=SECONDS - 3600))


@pytest.mark.parametrize(("nbf", "refused"), [(SECONDS + 30, False), (SECONDS + 31, True)])
def test_nbf_counts_with_leeway(nbf: int, *, refused: bool) -> None:
    """The issuer's clock may be 30 s behind ours."""
    if refused:
        assert reason(claims(nbf=nbf)) == "not_yet_valid"
    else:
        assert read(claims(nbf=nbf))


@pytest.mark.parametrize("claim", ["sub", "exp"])
def test_required_claims_must_be_there(claim: str) -> None:
    """Without a user or an end there is no grant."""
    assert reason(claims(**{claim: None})) == "missing_claim"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": "soon"},
        {"exp": True},
        {"exp": [1]},
        {"exp": (SECONDS + 60) * 1000},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": -1},
        {"nbf": "now"},
        {"sub": 42},
        {"sub": ""},
        {"sub": "a/b"},
        {"sub": "a*"},
        {"sub": "ä"},
        {"sub": "x" * 65},
        {"groups": "orders"},
        {"groups": {"orders": True}},
        {"groups": ["orders", 7]},
        {"publish": "user:7"},
        {"publish": [None]},
    ],
)
def test_claims_of_wrong_type_or_value_are_refused(changes: dict[str, object]) -> None:
    """Nothing is guessed or converted."""
    assert reason(claims(**changes)) == "invalid_claim"


@pytest.mark.parametrize("claim", ["exp", "nbf", "groups", "publish", "sub"])
def test_null_is_no_value(claim: str) -> None:
    """A claim that is there must have its type."""
    assert reason({**claims(), claim: None}) == "invalid_claim"


def test_the_issuer_is_checked_when_configured() -> None:
    """Exactly, as RFC 7519 section 4.1.1 compares."""
    good = claims(iss="https://issuer.example", aud="push")
    assert read(good, STRICT)
    assert reason({**good, "iss": "https://issuer.example/"}, STRICT) == "wrong_issuer"
    assert reason({**good, "iss": ["https://issuer.example"]}, STRICT) == "invalid_claim"
    assert reason(claims(aud="push"), STRICT) == "missing_claim"
    assert read(claims(iss="anyone"))


def test_the_audience_is_checked_when_configured() -> None:
    """One of the token's must be one of ours."""
    good = claims(iss="https://issuer.example", aud=["other", "web"])
    assert read(good, STRICT)
    assert reason({**good, "aud": "other"}, STRICT) == "wrong_audience"
    assert reason({**good, "aud": []}, STRICT) == "wrong_audience"
    assert reason({**good, "aud": [1]}, STRICT) == "invalid_claim"
    assert reason({**good, "aud": {"push": 1}}, STRICT) == "invalid_claim"
    assert reason(claims(iss="https://issuer.example"), STRICT) == "missing_claim"
    assert read(claims(aud="anything"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
names = st.sampled_from(["sub", "exp", "nbf", "iss", "aud", "groups", "publish", "x"])


@given(st.dictionaries(names, json_values))
def test_any_json_object_is_read_or_refused(payload: dict[str, object]) -> None:
    """No payload raises anything but `InvalidToken`."""
    for expected in (Expected(), STRICT):
        try:
            read({**claims(), **payload}, expected)
            read(payload, expected)
        except InvalidToken:
            pass
