"""Keys are bound to their algorithms, and weak, private or foreign ones are refused."""

from __future__ import annotations

import json

import pytest

from tests.unit.issuer import ASYMMETRIC, SECRET, Issuer, jwk, private_pem, public_pem
from wire.errors import InvalidKey
from wire.verification_key import (
    ASYMMETRIC_ALGORITHMS,
    SYMMETRIC_ALGORITHMS,
    key_from_jwk,
    key_from_pem,
    key_from_secret,
)


def signed(issuer: Issuer) -> tuple[bytes, bytes]:
    """Return some bytes and the issuer's signature over them."""
    return b"a message", issuer._signature(b"a message")


@pytest.mark.parametrize("algorithm", sorted(SYMMETRIC_ALGORITHMS))
def test_a_secret_verifies_what_it_signed(algorithm: str) -> None:
    """One shared secret serves all three HS algorithms."""
    message, signature = signed(Issuer(algorithm=algorithm))
    key = key_from_secret(SECRET)
    assert key.verifies(algorithm, message, signature)
    assert not key.verifies(algorithm, message + b"!", signature)


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC_ALGORITHMS))
def test_a_public_key_verifies_what_its_private_key_signed(algorithm: str) -> None:
    """PEM and JWK lead to the same key."""
    message, signature = signed(Issuer(algorithm=algorithm))
    kind = ASYMMETRIC[algorithm]
    for key in (key_from_pem(public_pem(kind)), key_from_jwk(jwk(kind))):
        assert key.verifies(algorithm, message, signature)
        assert not key.verifies(algorithm, message + b"!", signature)
        assert not key.verifies(algorithm, message, signature[:-1])


def test_ed448_is_an_eddsa_key() -> None:
    """RFC 8037 has two curves under one algorithm."""
    assert key_from_jwk(jwk("ed448")).algorithms == {"EdDSA"}
    assert key_from_pem(public_pem("ed448")).algorithms == {"EdDSA"}


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521", "ed25519"])
def test_a_public_key_serves_no_hmac_algorithm(kind: str) -> None:
    """The family of a key is fixed, which is what defeats algorithm confusion."""
    key = key_from_jwk(jwk(kind))
    assert not key.algorithms & SYMMETRIC_ALGORITHMS
    assert not key.verifies("HS256", b"x", b"x")


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_short_secret_is_refused(secret: str) -> None:
    """A secret has at least 32 bytes."""
    with pytest.raises(InvalidKey, match="at least 32 bytes"):
        key_from_secret(secret)


def test_the_secrets_bytes_count_and_not_its_characters() -> None:
    """Sixteen two-byte characters are long enough."""
    assert key_from_secret("é" * 16).algorithms == SYMMETRIC_ALGORITHMS


@pytest.mark.parametrize(
    "document",
    [public_pem("rsa"), "ssh-rsa " + "A" * 40, json.dumps(jwk("rsa")), json.dumps([jwk("p256")])],
)
def test_a_key_document_is_no_secret(document: str) -> None:
    """A public key used as a secret would let everybody sign."""
    with pytest.raises(InvalidKey, match="could sign"):
        key_from_secret(document)


def test_a_secret_may_contain_the_letters_kty() -> None:
    """Only whole JSON documents are taken for keys."""
    assert key_from_secret("my kty is long enough to be a secret")


def test_a_pem_may_be_written_in_one_line() -> None:
    r"""Environment variables often carry line ends as \n."""
    one_line = public_pem("p256").replace("\n", "\\n")
    assert key_from_pem(one_line).algorithms == {"ES256"}


@pytest.mark.parametrize(
    ("pem", "problem"),
    [
        (private_pem("rsa"), "private key"),
        (private_pem("ed25519"), "private key"),
        ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", "certificate"),
        (public_pem("rsa1024"), "2048 bits"),
        (public_pem("secp256k1"), "none of ours"),
        ("not a key at all", "no PEM"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no PEM"),
        ("", "no PEM"),
    ],
)
def test_pems_that_cannot_serve_are_refused(pem: str, problem: str) -> None:
    """Each refusal says what to do about it."""
    with pytest.raises(InvalidKey, match=problem):
        key_from_pem(pem)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kty": "oct", "k": "AAAA"}, "symmetric"),
        ({"kty": "XYZ"}, "none of ours"),
        ({"kty": 1}, "texts"),
        ({"kty": None}, "texts"),
        ({"crv": ["P-256"]}, "texts"),
        ({"crv": "P-999"}, "none of ours"),
        ({"kid": 7}, "texts"),
        ({"alg": ["ES256"]}, "texts"),
        ({"alg": "ES384"}, "alg"),
        ({"alg": "HS256"}, "alg"),
        ({"use": "enc"}, "use"),
        ({"use": None}, "use"),
        ({"key_ops": ["sign"]}, "key_ops"),
        ({"key_ops": "verify"}, "key_ops"),
        ({"x": None}, "member"),
        ({"x": 5}, "member"),
        ({"x": "AAAA"}, "numbers"),
        ({"x": "!!!"}, "numbers"),
    ],
)
def test_jwks_members_are_honoured(changes: dict[str, object], problem: str) -> None:
    """A key that is not ours to verify with is refused, with the reason."""
    with pytest.raises(InvalidKey, match=problem):
        key_from_jwk({**jwk("p256"), **changes})


def test_a_point_off_the_curve_is_refused() -> None:
    """Numbers that only look like a key make none."""
    other = jwk("p256", 1)
    with pytest.raises(InvalidKey, match="numbers"):
        key_from_jwk({**jwk("p256"), "y": other["y"]})


def test_a_weak_rsa_jwk_is_refused() -> None:
    """RFC 7518 section 3.3 asks for 2,048 bits."""
    with pytest.raises(InvalidKey, match="1024"):
        key_from_jwk(jwk("rsa1024"))


def test_private_members_are_not_read() -> None:
    """A set that leaks its private part still yields a public key."""
    key = key_from_jwk({**jwk("ed25519"), "d": "AAAA"})
    assert not hasattr(key.material, "sign")


def test_a_jwk_with_an_algorithm_serves_that_one_only() -> None:
    """`alg` narrows what the kind of key would allow."""
    key = key_from_jwk(jwk("rsa", alg="RS256", use="sig", key_ops=["verify"], kid="a"))
    assert (key.kid, key.algorithms) == ("a", frozenset({"RS256"}))


def test_keys_and_refusals_do_not_show_the_material() -> None:
    """Secrets stay out of reprs and errors."""
    assert SECRET not in repr(key_from_secret(SECRET))
    with pytest.raises(InvalidKey) as refusal:
        key_from_secret("hunter2")
    assert "hunter2" not in str(refusal.value)
