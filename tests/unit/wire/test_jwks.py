"""Key sets are read leniently, chosen from strictly."""

from __future__ import annotations

import pytest

from tests.unit.issuer import SECRET, jwk, jwks
from wire.errors import InvalidKeySet, InvalidToken
from wire.jwks import MAX_JWKS_BYTES, KeySet, parse_jwks, static_key_set
from wire.verification_key import key_from_secret

TWO = parse_jwks(jwks(jwk("p256", kid="a"), jwk("ed25519", kid="b")))


def reason(keys: KeySet, kid: str | None, algorithm: str) -> str:
    """Return why a choice is refused."""
    with pytest.raises(InvalidToken) as refusal:
        keys.candidates(kid, algorithm)
    return refusal.value.reason


def test_the_named_key_is_the_only_candidate() -> None:
    """`kid` chooses among the published keys."""
    assert [key.kid for key in TWO.candidates("a", "ES256")] == ["a"]
    assert TWO.knows("a")
    assert not TWO.knows("z")


def test_an_unknown_kid_is_refused() -> None:
    """No other key is tried in its place."""
    assert reason(TWO, "z", "ES256") == "unknown_key"


def test_a_named_key_of_another_family_is_refused() -> None:
    """The token cannot lend a key an algorithm."""
    assert reason(TWO, "b", "ES256") == "algorithm_not_allowed"
    assert reason(TWO, None, "RS256") == "algorithm_not_allowed"


def test_without_a_kid_the_one_fitting_key_is_taken() -> None:
    """A set may mix families and still leave no doubt."""
    assert [key.kid for key in TWO.candidates(None, "EdDSA")] == ["b"]


def test_without_a_kid_several_fitting_keys_are_refused() -> None:
    """OpenID Connect Core section 10.1: then the token must name one."""
    several = parse_jwks(jwks(jwk("p256", kid="a"), jwk("p256", 1, kid="b")))
    assert reason(several, None, "ES256") == "unknown_key"


def test_a_repeated_kid_leaves_every_fitting_key() -> None:
    """RFC 7517 section 4.5 lets equivalent keys share an id."""
    shared = parse_jwks(jwks(jwk("p256", kid="a"), jwk("p256", 1, kid="a"), jwk("rsa", kid="a")))
    assert len(shared.candidates("a", "ES256")) == 2
    assert len(shared.candidates("a", "RS256")) == 1


def test_a_key_without_a_kid_does_not_answer_for_one() -> None:
    """A named key must be there under its name."""
    assert reason(parse_jwks(jwks(jwk("p256"))), "a", "ES256") == "unknown_key"


def test_a_configured_key_ignores_the_tokens_kid() -> None:
    """With one configured key there is nothing to choose."""
    keys = static_key_set(key_from_secret(SECRET))
    assert keys.candidates("whatever", "HS256") == keys.candidates(None, "HS256") == keys.keys
    assert keys.knows("whatever")


def test_unusable_keys_are_skipped() -> None:
    """An issuer may add kinds we do not know, symmetric keys never count."""
    document = jwks(
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"},
        jwk("rsa", kid="e", use="enc"),
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "q"},
        jwk("p256", kid="a"),
    )
    keys = parse_jwks(document.replace(b'{"kty": "AKP"', b'5, "x", {"kty": "AKP"'))
    assert [key.kid for key in keys.keys] == ["a"]


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "list of"),
        (b'{"keys": {}}', "list of"),
        (b'{"keys": []}', "none of its 0 keys"),
        (jwks({"kty": "oct", "k": "c2VjcmV0"}), "none of its 1 keys"),
        (jwks(*[jwk("p256")] * 101), "101 keys"),
        (b" " * (MAX_JWKS_BYTES + 1), "larger"),
    ],
)
def test_a_set_that_cannot_serve_is_refused(document: bytes, problem: str) -> None:
    """It must never take the place of one that works."""
    with pytest.raises(InvalidKeySet, match=problem):
        parse_jwks(document)
