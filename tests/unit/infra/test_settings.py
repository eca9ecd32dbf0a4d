"""The stack configuration, read once and refused whole."""

from __future__ import annotations

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.errors import ConfigInvalid
from infra.settings import KeySetUrl, PublicKey, Settings, SharedSecret, StoredSecret
from tests.unit.infra.program import EVERYTHING, MINIMAL, SECRET
from wire.secret import Secret

STORED = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:jwt-AbCdEf"


def read(changes: dict[str, str] | None = None, *, stack: str = "prod") -> Settings:
    """Read the minimal configuration with some keys changed; an empty value removes one."""
    values = {**MINIMAL, **(changes or {})}
    return Settings.from_config(
        {key: value for key, value in values.items() if value},
        project="push",
        stack=stack,
        encrypted=["jwtSecret"],
    )


def problems(changes: dict[str, str], *, stack: str = "prod") -> tuple[str, ...]:
    """Return what is wrong with the minimal configuration, changed."""
    with pytest.raises(ConfigInvalid) as caught:
        read(changes, stack=stack)
    return caught.value.problems


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """Return a key's public half as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_three_settings_are_enough() -> None:
    """Algorithms, where the keys are, and origins; the rest has safe defaults."""
    settings = read()
    assert settings.namespace == "prod"
    assert settings.tags == {"Project": "push", "Stack": "prod"}
    assert settings.jwt_keys == KeySetUrl("https://login.example.com/.well-known/jwks.json")
    assert settings.jwt_algorithms == ("RS256",)
    assert settings.credential_lifetime_s == 3600
    assert settings.gateway_principals == ()
    assert settings.jwt_secret_arn is None


def test_every_setting_is_read() -> None:
    """A configuration away from all defaults arrives in every field."""
    settings = Settings.from_config(EVERYTHING, project="p", stack="s", encrypted=["jwtSecret"])
    defaults = read()
    assert settings.jwt_keys == SharedSecret(Secret(SECRET))
    assert settings.tags == {"Project": "p", "Stack": "s", "Team": "web", "CostCentre": "4711"}
    for field in dataclasses.fields(Settings):
        assert getattr(settings, field.name) != getattr(defaults, field.name), field.name


def test_settings_hide_the_secret() -> None:
    """Neither the settings' repr nor a problem shows it."""
    assert SECRET not in repr(
        Settings.from_config(EVERYTHING, project="p", stack="s", encrypted=["jwtSecret"])
    )
    short = "tooshortbutstillsecret"
    found = problems({"jwksUrl": "", "jwtSecret": short, "jwtAlgorithms": '["HS256"]'})
    assert short not in " ".join(found)
    assert any("32 bytes" in problem for problem in found)


def test_a_secret_in_plain_text_is_refused() -> None:
    """A secret that `pulumi config set` wrote without --secret is on disk in the clear."""
    values = {**MINIMAL, "jwksUrl": "", "jwtSecret": SECRET, "jwtAlgorithms": '["HS256"]'}
    with pytest.raises(ConfigInvalid, match="--secret"):
        Settings.from_config(values, project="p", stack="s")


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"jwtSecretArn": STORED, "jwtAlgorithms": '["HS256"]'}, StoredSecret(STORED)),
        ({"jwtSecret": SECRET, "jwtAlgorithms": '["HS384"]'}, SharedSecret(Secret(SECRET))),
    ],
)
def test_tokens_may_be_signed_with_a_secret(changes: dict[str, str], keys: object) -> None:
    """A shared secret comes from the configuration or from a store in AWS."""
    settings = read({"jwksUrl": "", **changes})
    assert settings.jwt_keys == keys
    assert settings.jwt_secret_arn == (STORED if "jwtSecretArn" in changes else None)


def test_a_public_key_serves_its_own_algorithms() -> None:
    """An Ed25519 key goes with EdDSA, and asking it for RS256 names the mistake."""
    text = pem(ed25519.Ed25519PrivateKey.generate())
    settings = read({"jwksUrl": "", "jwtPublicKey": text, "jwtAlgorithms": '["EdDSA"]'})
    assert settings.jwt_keys == PublicKey(text.strip())
    (problem,) = problems({"jwksUrl": "", "jwtPublicKey": text, "jwtAlgorithms": '["RS256"]'})
    assert problem == "jwtPublicKey does not serve RS256, only EdDSA"


def test_all_problems_are_named_at_once() -> None:
    """One run of `pulumi up` shows everything there is to mend."""
    found = problems(
        {
            "namespace": "a.b",
            "tags": '["Team"]',
            "jwtAlgorithms": '["none", "HS256"]',
            "jwksUrl": "http://login.example.com/jwks",
            "jwtSecretArn": "arn:aws:s3:::secret",
            "allowedOrigins": '["*", "https://app.example.com/path"]',
            "credentialLifetimeS": "43200",
            "lambdaMemoryMb": "lots",
            "lambdaTimeoutS": "30",
            "lambdaReservedConcurrency": "0",
            "apiRequestsPerS": "0",
            "apiBurstRequests": "-1",
            "logRetentionDays": "31",
            "logLevel": "LOUD",
            "gatewayPrincipals": '["arn:aws:iam::123456789012:root", "*"]',
            "lambdaTimeout": "5",
        }
    )
    text = "\n".join(found)
    for expected in (
        "namespace ('a.b') is unfit",
        "tags holds 'Team'",
        "exactly one",
        "jwtAlgorithms is unfit: 'none'",
        "jwksUrl must start with https://",
        "jwtSecretArn must be the whole ARN",
        "allowedOrigins holds '*'",
        "allowedOrigins holds 'https://app.example.com/path'",
        "credentialLifetimeS must be between 900 and 3600",
        "lambdaMemoryMb must be a whole number",
        "lambdaTimeoutS must be between 1 and 29",
        "lambdaReservedConcurrency must not be 0",
        "apiRequestsPerS must be between",
        "apiBurstRequests must be between",
        "logRetentionDays must be one of",
        "logLevel must be one of DEBUG, INFO, WARN, ERROR",
        "gatewayPrincipals holds 'arn:aws:iam::123456789012:root'",
        "gatewayPrincipals holds '*'",
        "lambdaTimeout is not a setting; did you mean lambdaTimeoutS?",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"jwksUrl": ""}, "exactly one"),
        ({"jwtAlgorithms": ""}, "jwtAlgorithms is required"),
        ({"jwtAlgorithms": "RS256"}, "jwtAlgorithms must be a list of texts"),
        ({"jwtAlgorithms": "[256]"}, "jwtAlgorithms must be a list of texts"),
        ({"jwtAlgorithms": '["HS256"]'}, "HS256 does not go with public keys"),
        ({"allowedOrigins": ""}, "allowedOrigins is required"),
        ({"allowedOrigins": '["http://app.example.com"]'}, "http for localhost only"),
        ({"jwksUrl": "", "jwtPublicKey": "nonsense"}, "jwtPublicKey is unfit"),
    ],
)
def test_each_mistake_is_explained(changes: dict[str, str], expected: str) -> None:
    """Single mistakes that newcomers make."""
    assert expected in "\n".join(problems(changes))


def test_a_stack_name_that_is_no_namespace_is_said() -> None:
    """The default namespace is the stack's name, which may hold dots."""
    (problem,) = problems({}, stack="acme.prod")
    assert problem.startswith("namespace ('acme.prod') is unfit")
