"""Token issuers for tests: a key pair or secret, what is published of it, and signing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import get_default_algorithms

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
"""The time in tests."""

SECRET = "correct horse battery staple correct horse battery staple stapled!"
"""A shared secret, long enough for HS512."""

ASYMMETRIC = {
    "RS256": "rsa",
    "RS384": "rsa",
    "RS512": "rsa",
    "PS256": "rsa",
    "PS384": "rsa",
    "PS512": "rsa",
    "ES256": "p256",
    "ES384": "p384",
    "ES512": "p521",
    "EdDSA": "ed25519",
}
"""The kind of key each algorithm needs."""

ALGORITHMS = ("HS256", "HS384", "HS512", *ASYMMETRIC)


@lru_cache
def private_key(kind: str, number: int = 0) -> Any:
    """Return one key pair of a kind; different numbers are different pairs."""
    del number
    match kind:
        case "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case "rsa1024":
            return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (to be refused)
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "p521":
            return ec.generate_private_key(ec.SECP521R1())
        case "secp256k1":
            return ec.generate_private_key(ec.SECP256K1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return ed448.Ed448PrivateKey.generate()


def public_pem(kind: str, number: int = 0) -> str:
    """Return the public key as PEM."""
    public = private_key(kind, number).public_key()
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def private_pem(kind: str) -> str:
    """Return the private key as PEM."""
    key = private_key(kind)
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def jwk(kind: str, number: int = 0, **members: object) -> dict[str, object]:
    """Return the public key as a JWK with further members."""
    sample = {"rsa": "RS256", "rsa1024": "RS256", "ed25519": "EdDSA", "ed448": "EdDSA"}
    primitive = get_default_algorithms()[sample.get(kind, "ES256")]
    public = primitive.to_jwk(private_key(kind, number).public_key(), as_dict=True)
    return {**{k: v for k, v in public.items() if k != "key_ops"}, **members}


def jwks(*keys: Mapping[str, object]) -> bytes:
    """Return a JWKS document."""
    return json.dumps({"keys": keys}).encode()


def encoded(part: object) -> str:
    """Return a JWS segment: base64url without padding, of bytes or of compact JSON."""
    octets = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def claims(**changes: object) -> dict[str, object]:
    """Return the claims of a good token; a change to None takes the claim away."""
    standard: dict[str, object] = {"sub": "42", "exp": int(NOW.timestamp()) + 3600}
    return {name: value for name, value in {**standard, **changes}.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Signs tokens with one algorithm, as little checked as a hostile issuer would like."""

    algorithm: str = "HS256"
    number: int = 0
    secret: bytes = SECRET.encode()
    header: Mapping[str, object] = field(default_factory=dict)

    def sign(self, payload: object, **header: object) -> str:
        """Return a token over any payload; header members set to None are left out."""
        members = {"typ": "JWT", "alg": self.algorithm, **self.header, **header}
        head = {name: value for name, value in members.items() if value is not None}
        signing_input = f"{encoded(head)}.{encoded(payload)}".encode()
        return f"{signing_input.decode()}.{encoded(self._signature(signing_input))}"

    def _signature(self, signing_input: bytes) -> bytes:
        if self.algorithm.startswith("HS"):
            digest = f"sha{self.algorithm[2:]}"
            return hmac.digest(self.secret, signing_input, getattr(hashlib, digest))
        key = private_key(ASYMMETRIC[self.algorithm], self.number)
        return get_default_algorithms()[self.algorithm].sign(signing_input, key)
