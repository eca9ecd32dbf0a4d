"""Only a token that is whole, signed by the right key and meant for us is verified."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.issuer import (
    ALGORITHMS,
    ASYMMETRIC,
    NOW,
    SECRET,
    Issuer,
    claims,
    encoded,
    jwk,
    jwks,
    public_pem,
)
from tests.unit.wire.strategies import group_claims, ids
from wire.claims import Expected
from wire.errors import InvalidToken
from wire.jwks import KeySet, parse_jwks, static_key_set
from wire.token import (
    MAX_TOKEN_BYTES,
    REASONS,
    TokenRules,
    algorithm_problems,
    key_id,
    verify,
)
from wire.verification_key import key_from_pem, key_from_secret

HS = TokenRules(algorithms=frozenset({"HS256"}))
RS = TokenRules(algorithms=frozenset({"RS256"}))
SHARED = static_key_set(key_from_secret(SECRET))
RSA_KEY = static_key_set(key_from_pem(public_pem("rsa")))


def keys_for(algorithm: str) -> KeySet:
    """Return the configured key that verifies an algorithm."""
    if algorithm.startswith("HS"):
        return SHARED
    return static_key_set(key_from_pem(public_pem(ASYMMETRIC[algorithm])))


def rules_for(*algorithms: str) -> TokenRules:
    """Return rules that allow some algorithms."""
    return TokenRules(algorithms=frozenset(algorithms))


def refusal(token: str, keys: KeySet = SHARED, rules: TokenRules = HS) -> InvalidToken:
    """Return how a token is refused, after checking that the refusal is presentable."""
    with pytest.raises(InvalidToken) as caught:
        verify(token, keys=keys, rules=rules, now=NOW)
    error = caught.value
    assert error.reason in REASONS
    assert not any(len(part) > 8 and part in str(error) for part in token.split("."))
    assert not set(error.detail) & set('"\\')  # it stands in a quoted header
    return error


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_verifies_its_own_tokens(algorithm: str) -> None:
    """A token signed with the key and algorithm that are configured is read."""
    token = Issuer(algorithm=algorithm).sign(claims(groups=["orders"]))
    read = verify(token, keys=keys_for(algorithm), rules=rules_for(algorithm), now=NOW)
    assert (read.subject, read.groups) == ("42", ("orders",))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_refuses_another_keys_tokens(algorithm: str) -> None:
    """The same token from another key, or with other contents, is a bad signature."""
    other = Issuer(algorithm=algorithm, number=1, secret=b"another secret" * 5)
    keys, rules = keys_for(algorithm), rules_for(algorithm)
    assert refusal(other.sign(claims()), keys, rules).reason == "bad_signature"
    head, _, signature = Issuer(algorithm=algorithm).sign(claims()).split(".")
    forged = f"{head}.{encoded(claims(sub='43'))}.{signature}"
    assert refusal(forged, keys, rules).reason == "bad_signature"


def test_pyjwt_tokens_verify() -> None:
    """What the usual issuer library makes is what we read."""
    token = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "any"})
    assert verify(token, keys=SHARED, rules=HS, now=NOW).subject == "42"


signed_payloads = st.fixed_dictionaries(
    {"sub": ids, "exp": st.integers(int(NOW.timestamp()) + 1, 4_000_000_000)},
    optional={
        "groups": st.lists(group_claims, max_size=5),
        "publish": st.lists(st.sampled_from(["everyone", "user:*", "group:a"]), max_size=3),
        "iat": st.integers(),
        "name": st.text(),
    },
)


@given(payload=signed_payloads, algorithm=st.sampled_from(["HS256", "HS384", "HS512", "EdDSA"]))
def test_any_signed_valid_token_verifies(payload: dict[str, object], algorithm: str) -> None:
    """The claims come out as the issuer put them in."""
    token = Issuer(algorithm=algorithm).sign(payload)
    read = verify(token, keys=keys_for(algorithm), rules=rules_for(algorithm), now=NOW)
    groups = payload.get("groups", [])
    assert isinstance(groups, list)
    assert read.subject == payload["sub"]
    assert set(read.groups) == set(groups)
    assert read.expires_at.timestamp() == payload["exp"]


@settings(max_examples=50)
@given(algorithm=st.sampled_from(ALGORITHMS), data=st.data())
def test_any_change_of_one_bit_of_the_signature_is_refused(
    algorithm: str, data: st.DataObject
) -> None:
    """Both in the decoded signature and in the token's own last part."""
    token = Issuer(algorithm=algorithm).sign(claims())
    body, _, text = token.rpartition(".")
    bit = data.draw(st.integers(0, len(text) * 8 - 1))
    octets = bytearray(text.encode())
    octets[bit // 8] ^= 1 << bit % 8
    flipped = octets.decode("latin-1")
    error = refusal(f"{body}.{flipped}", keys_for(algorithm), rules_for(algorithm))
    assert error.reason in ("bad_signature", "malformed")


@given(st.text(max_size=80) | st.lists(st.text(max_size=20), max_size=4).map(".".join))
def test_any_text_is_verified_or_refused(text: str) -> None:
    """Noise raises nothing but `InvalidToken`."""
    with pytest.raises(InvalidToken):
        verify(text, keys=SHARED, rules=HS, now=NOW)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS384", "RS256", "nOnE"])
def test_only_configured_algorithms_count(alg: str) -> None:
    """`alg` is compared, never followed."""
    unsigned = f"{encoded({'alg': alg, 'typ': 'JWT'})}.{encoded(claims())}."
    assert refusal(unsigned).reason == "algorithm_not_allowed"
    assert refusal(Issuer().sign(claims(), alg=alg)).reason == "algorithm_not_allowed"


@pytest.mark.parametrize("rules", [RS, rules_for("RS256", "HS256")])
def test_an_rsa_public_key_is_no_hmac_secret(rules: TokenRules) -> None:
    """The classic confusion fails, even where somebody had allowed both families."""
    pem = public_pem("rsa").encode()
    for secret in (pem, pem.strip(), json.dumps(jwk("rsa")).encode()):
        token = Issuer(algorithm="HS256", secret=secret).sign(claims())
        assert refusal(token, RSA_KEY, rules).reason == "algorithm_not_allowed"


def test_a_key_from_the_token_itself_is_not_used() -> None:
    """`jwk`, `jku` and `x5u` in a header invite forgery."""
    forger = Issuer(algorithm="RS256", number=1)
    token = forger.sign(claims(), jwk=jwk("rsa", 1), jku="https://evil.example/jwks")
    assert refusal(token, RSA_KEY, RS).reason == "bad_signature"


def test_the_kid_chooses_among_published_keys() -> None:
    """A good signature under another key's name does not hold."""
    keys = parse_jwks(jwks(jwk("rsa", kid="a"), jwk("rsa", 1, kid="b")))
    issuer = Issuer(algorithm="RS256")
    assert verify(issuer.sign(claims(), kid="a"), keys=keys, rules=RS, now=NOW).subject == "42"
    assert refusal(issuer.sign(claims(), kid="b"), keys, RS).reason == "bad_signature"
    assert refusal(issuer.sign(claims(), kid="zebra"), keys, RS).reason == "unknown_key"
    assert refusal(issuer.sign(claims()), keys, RS).reason == "unknown_key"


def test_a_repeated_kid_is_tried_with_each_key() -> None:
    """One of the keys that share the name must hold."""
    keys = parse_jwks(jwks(jwk("rsa", 1, kid="a"), jwk("rsa", kid="a")))
    token = Issuer(algorithm="RS256").sign(claims(), kid="a")
    assert verify(token, keys=keys, rules=RS, now=NOW).subject == "42"


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": 0}])
def test_critical_headers_are_refused(header: dict[str, object]) -> None:
    """RFC 7515 section 4.1.11: an extension we do not know may change everything."""
    assert refusal(Issuer(header=header).sign(claims())).reason == "critical_header"


GOOD = Issuer().sign(claims())
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        f"{GOOD}.x",
        f"{GOOD}.x.y",
        f" {GOOD}",
        f"{GOOD}=",
        f"{GOOD}\n",
        GOOD.replace(".", ". "),
        GOOD + "é",
        f"{HEAD}+.{PAYLOAD}.{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}+",
        f"{HEAD}.{PAYLOAD}.AAAAA",
        f"{HEAD}.{PAYLOAD}.{'A' * 42}B",
        f"{encoded(b'{}')}.{PAYLOAD}.{SIGNATURE}",
        f"{encoded(b'[]')}.{PAYLOAD}.{SIGNATURE}",
        f"{encoded(b'HS256')}.{PAYLOAD}.{SIGNATURE}",
        encoded(b"\xff") + f".{PAYLOAD}.{SIGNATURE}",
        f"{encoded({'alg': ['HS256']})}.{PAYLOAD}.{SIGNATURE}",
        Issuer().sign(claims(), kid=5),
        encoded(b'{"alg":"none","alg":"HS256"}') + f".{PAYLOAD}.{SIGNATURE}",
        encoded(b"[" * 3000) + f".{PAYLOAD}.{SIGNATURE}",
    ],
)
def test_malformed_tokens_are_refused(token: str) -> None:
    """A token has exactly one spelling."""
    assert refusal(token).reason == "malformed"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"sub":"42","sub":"43","exp":4000000000}',
        b'{"sub":"42","exp":NaN}',
        b'{"sub":"42","exp":' + b"9" * 5000 + b"}",
        b"[" * 5000,
    ],
)
def test_a_signed_payload_must_be_one_json_object(payload: bytes) -> None:
    """Even the right key may sign nonsense."""
    assert refusal(Issuer().sign(payload)).reason == "malformed"


def test_oversized_tokens_are_refused_unread() -> None:
    """The limit comes before any work."""
    assert refusal("x" * (MAX_TOKEN_BYTES + 1)).reason == "malformed"
    assert refusal(GOOD, rules=replace(HS, max_token_bytes=len(GOOD) - 1)).reason == "malformed"
    assert verify(GOOD, keys=SHARED, rules=replace(HS, max_token_bytes=len(GOOD)), now=NOW)


def test_the_claims_are_checked_with_the_rules() -> None:
    """Time, issuer and audience reach `wire.claims`."""
    rules = replace(HS, expected=Expected(issuer="us", audiences=("push",), leeway_s=0))
    assert refusal(GOOD, rules=rules).reason == "missing_claim"
    assert refusal(Issuer().sign(claims(iss="them")), rules=rules).reason == "wrong_issuer"
    other = Issuer().sign(claims(iss="us", aud="mail"))
    assert refusal(other, rules=rules).reason == "wrong_audience"
    with pytest.raises(InvalidToken, match="expired"):
        verify(GOOD, keys=SHARED, rules=HS, now=NOW + timedelta(hours=2))


def test_the_signature_comes_before_the_claims() -> None:
    """A forged token learns nothing about what we expect."""
    forged = Issuer(secret=b"x" * 32).sign(claims(exp=1))
    assert refusal(forged).reason == "bad_signature"


def test_the_kid_can_be_asked_before_verifying() -> None:
    """It decides whether the key set is fetched, so hopeless tokens are refused there."""
    assert key_id(Issuer().sign(claims(), kid="a"), HS) == "a"
    assert key_id(GOOD, HS) is None
    with pytest.raises(InvalidToken):
        key_id(Issuer().sign(claims(), alg="none", kid="a"), HS)


@pytest.mark.parametrize(
    ("algorithms", "secret", "problems"),
    [
        (["HS256", "HS512"], True, 0),
        (["RS256", "ES256", "EdDSA", "PS512"], False, 0),
        (["HS256"], False, 1),
        (["RS256", "HS256"], True, 1),
        (["none"], True, 1),
        (["hs256", ""], True, 2),
        (["ES256K"], False, 1),
    ],
)
def test_families_do_not_mix_in_a_configuration(
    algorithms: list[str], problems: int, *, secret: bool
) -> None:
    """HS goes with a secret, everything else with public keys, nothing with both."""
    assert len(algorithm_problems(algorithms, secret=secret)) == problems
