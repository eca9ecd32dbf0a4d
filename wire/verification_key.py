"""One key that verifies signatures, bound to the algorithms it may serve.

Owns the algorithms we accept, which kind of key belongs to which of them, and reading a key from a
shared secret, a PEM text or a JWK. Does not choose a key for a token (`wire.jwks`) and does not
know tokens (`wire.token`).

A key answers only for the algorithms of its own kind. That is what defeats the classic confusion,
an HS256 token signed with the text of an RSA public key: an RSA key has no HS algorithm, and a
secret that looks like a public key is refused as a secret.

HMAC is the standard library's; everything else is PyJWT's, imported only when an asymmetric key is
read, because that import is most of a cold start (docs/decisions/0003-tokens-and-credentials.md).

Source: RFC 7515; RFC 7517; RFC 7518 section 3; RFC 8037; RFC 8725 sections 3.1 and 3.2.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from wire.errors import InvalidKey

if TYPE_CHECKING:
    from jwt.algorithms import Algorithm

MIN_SECRET_BYTES: Final = 32
"""Shortest shared secret, bytes. RFC 7518 section 3.2 wants the hash's length (48 for HS384, 64 for
HS512); 256 random bits are out of reach of guessing under any of the three."""

MIN_RSA_BITS: Final = 2_048
"""Smallest RSA modulus, bits. Source: RFC 7518 section 3.3."""

_HMAC_DIGESTS: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}

SYMMETRIC_ALGORITHMS: Final = frozenset(_HMAC_DIGESTS)
"""Algorithms that verify with the issuer's own secret."""

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_ALGORITHMS_OF: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
"""By JWK `kty` and `crv`. Source: RFC 7518 section 3.1; RFC 8037 section 3.1."""

ASYMMETRIC_ALGORITHMS: Final = frozenset().union(*_ALGORITHMS_OF.values())
"""Algorithms that verify with a public key."""

_PUBLIC_MEMBERS: Final = {
    "RSA": ("kty", "n", "e"),
    "EC": ("kty", "crv", "x", "y"),
    "OKP": ("kty", "crv", "x"),
}
_CLASS_SAMPLE: Final = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """A key and the algorithms it answers for.

    Attributes:
        kid: The key's id in its JWKS, or None.
        algorithms: Every algorithm this key may verify; all of one family.
        material: A secret's bytes, or PyJWT's public key object. Not shown in the repr.
    """

    kid: str | None
    algorithms: frozenset[str]
    material: Any = field(repr=False)

    def verifies(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Tell whether the signature is this key's over the bytes.

        Args:
            algorithm: One of `algorithms`; any other is answered with False.
            signing_input: The bytes that were signed.
            signature: The decoded signature.
        """
        if algorithm not in self.algorithms:
            return False
        digest = _HMAC_DIGESTS.get(algorithm)
        if digest is not None:
            return hmac.compare_digest(hmac.digest(self.material, signing_input, digest), signature)
        return _primitive(algorithm).verify(signing_input, self.material, signature)


def key_from_secret(secret: str) -> VerificationKey:
    """Return the HS256, HS384 and HS512 key of a shared secret (its UTF-8 bytes).

    Raises:
        InvalidKey: It is shorter than 32 bytes, or is not a secret at all but a public key or JWK.
    """
    material = secret.encode()
    if len(material) < MIN_SECRET_BYTES:
        raise InvalidKey(f"a secret has at least {MIN_SECRET_BYTES} bytes, not {len(material)}")
    if "-----BEGIN" in secret or secret.startswith(("ssh-", "ecdsa-")) or _looks_like_jwk(secret):
        raise InvalidKey("this is a key document, and whoever can read it could sign tokens")
    return VerificationKey(kid=None, algorithms=SYMMETRIC_ALGORITHMS, material=material)


def key_from_pem(pem: str) -> VerificationKey:
    r"""Return the key of a PEM public key; line ends may be written as ``\n``.

    Raises:
        InvalidKey: It is no PEM public key, of a kind we do not accept, a weak RSA key, or a
            private key, which a verifier must not have.
    """
    text = pem.replace("\\n", "\n").strip() + "\n"
    if "PRIVATE KEY-----" in text:
        raise InvalidKey("this is a private key; only the public key belongs here")
    if "-----BEGIN CERTIFICATE" in text:
        raise InvalidKey("this is a certificate; extract its public key (openssl x509 -pubkey)")
    for algorithm in _CLASS_SAMPLE.values():
        jwk = _pem_as_jwk(text, _primitive(algorithm))
        if jwk is not None:
            return key_from_jwk(jwk)
    raise InvalidKey("this is no PEM public key of kind RSA, P-256, P-384, P-521 or Ed25519/Ed448")


def key_from_jwk(jwk: Mapping[str, object]) -> VerificationKey:
    """Return the public key of one JWK.

    Only public members are read. `use`, `key_ops` and `alg` are honoured: a key for encryption is
    refused, and a key with an `alg` answers for that one only.

    Raises:
        InvalidKey: It is symmetric, not for signatures, of an unknown kind, weak or malformed.
    """
    kind, curve, kid, alg = (jwk.get(name) for name in ("kty", "crv", "kid", "alg"))
    if kind == "oct":
        raise InvalidKey("a symmetric key has no place in a published key set")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        raise InvalidKey("kty and crv are texts")
    algorithms = _ALGORITHMS_OF.get((kind, curve if kind != "RSA" else None))
    if algorithms is None:
        raise InvalidKey("its kty and crv are none of ours")
    if not isinstance(kid, str | None) or not isinstance(alg, str | None):
        raise InvalidKey("kid and alg are texts")
    if jwk.get("use", "sig") != "sig":
        raise InvalidKey("its use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise InvalidKey("its key_ops do not include verify")
    if alg is not None:
        algorithms &= {alg}
        if not algorithms:
            raise InvalidKey("its alg does not belong to its kty and crv, or is none of ours")
    return VerificationKey(kid=kid, algorithms=algorithms, material=_public_key(kind, jwk))


def _public_key(kind: str, jwk: Mapping[str, object]) -> object:
    from jwt.exceptions import PyJWTError  # noqa: PLC0415  (see the module docstring)

    public = {name: jwk.get(name) for name in _PUBLIC_MEMBERS[kind]}
    if not all(isinstance(value, str) for value in public.values()):
        raise InvalidKey("a member is missing or is no text")
    try:
        key: Any = _primitive(_CLASS_SAMPLE[kind]).from_jwk(public)
    except (PyJWTError, ValueError, TypeError, KeyError):
        raise InvalidKey("its numbers make no key") from None
    if kind == "RSA" and key.key_size < MIN_RSA_BITS:
        raise InvalidKey(f"an RSA key has at least {MIN_RSA_BITS} bits, not {key.key_size}")
    return key


def _pem_as_jwk(pem: str, primitive: Algorithm) -> Mapping[str, object] | None:
    from jwt.algorithms import ECAlgorithm  # noqa: PLC0415  (see the module docstring)
    from jwt.exceptions import PyJWTError  # noqa: PLC0415

    if isinstance(primitive, ECAlgorithm):
        primitive = ECAlgorithm(ECAlgorithm.SHA256)  # bound to no curve
    try:
        return primitive.to_jwk(primitive.prepare_key(pem), as_dict=True)
    except (PyJWTError, ValueError, TypeError):
        return None


def _looks_like_jwk(text: str) -> bool:
    try:
        return "kty" in text and isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


@lru_cache(maxsize=1)
def _primitives() -> Mapping[str, Algorithm]:
    from jwt.algorithms import get_default_algorithms  # noqa: PLC0415  (see the module docstring)

    return get_default_algorithms()


def _primitive(algorithm: str) -> Algorithm:
    return _primitives()[algorithm]
