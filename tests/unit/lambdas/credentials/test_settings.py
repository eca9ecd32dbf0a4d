"""The settings are whole and consistent, or every problem is named at once."""

from __future__ import annotations

import pytest

from lambdas.credentials.settings import PublishedSet, Settings, StoredSecret
from tests.unit.issuer import SECRET, private_pem, public_pem
from tests.unit.lambdas.credentials.stack import ENVIRON
from wire.errors import SettingsError
from wire.verification_key import VerificationKey

BARE = {name: value for name, value in ENVIRON.items() if name != "CREDENTIALS_JWT_SECRET"}
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-AbCdEf"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/live/jwt"


def settings(environ: dict[str, str] | None = None, **changes: str) -> Settings:
    """Read an environment with changes; names are given without the prefix."""
    prefixed = {f"CREDENTIALS_{name}": value for name, value in changes.items()}
    return Settings.from_env({**(ENVIRON if environ is None else environ), **prefixed})


def problems(environ: dict[str, str] | None = None, **changes: str) -> str:
    """Return the text of a refusal."""
    with pytest.raises(SettingsError) as refusal:
        settings(environ, **changes)
    text = str(refusal.value)
    assert SECRET not in text
    return text


def test_the_defaults_are_safe() -> None:
    """HS256 only, a small leeway, an hour at most."""
    read = settings()
    assert read.token_rules.algorithms == {"HS256"}
    assert read.token_rules.expected.leeway_s == 30
    assert read.token_rules.expected.issuer is None
    assert (read.duration_s, read.sts_timeout_s) == (3600, 2)
    assert (read.region, read.partition) == ("eu-west-1", "aws")


def test_every_setting_is_read() -> None:
    """Names, units and lists."""
    read = settings(
        NAMESPACE="dev",
        REGION="cn-north-1",
        CLIENT_ROLE_ARN="arn:aws-cn:iam::123456789012:role/path/dev-client",
        IOT_ENDPOINT="WS://LocalHost:8081/mqtt",
        DURATION_S="900",
        STS_TIMEOUT_S="0.5",
        JWT_ALGORITHMS="HS512, HS384",
        JWT_ISSUER="https://issuer.example",
        JWT_AUDIENCE="push, web",
        JWT_LEEWAY_S="0",
    )
    assert (read.namespace, read.region, read.partition) == ("dev", "cn-north-1", "aws-cn")
    assert read.iot_endpoint == "ws://localhost:8081/mqtt"
    assert (read.duration_s, read.sts_timeout_s) == (900, 0.5)
    assert read.token_rules.algorithms == {"HS512", "HS384"}
    expected = read.token_rules.expected
    assert (expected.issuer, expected.audiences) == ("https://issuer.example", ("push", "web"))
    assert expected.leeway_s == 0


def test_an_empty_environment_names_everything_that_is_missing() -> None:
    """All at once, so that one deployment is enough to see them."""
    text = problems({})
    for name in ("NAMESPACE", "CLIENT_ROLE_ARN", "IOT_ENDPOINT", "REGION", "JWT_SECRET"):
        assert f"CREDENTIALS_{name} " in text


def test_an_unknown_name_is_refused_with_the_near_match() -> None:
    """A typo does not silently mean the default."""
    text = problems(DURATION="900")
    assert "CREDENTIALS_DURATION is not a setting; did you mean CREDENTIALS_DURATION_S?" in text


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("rsa", "RS256"), ("p256", "ES256"), ("p384", "ES384"), ("p521", "ES512"), ("ed448", "EdDSA")],
)
def test_a_public_key_brings_its_own_default_algorithm(kind: str, algorithm: str) -> None:
    """Only RSA leaves a choice, and RS256 is what issuers use."""
    read = settings(BARE, JWT_PUBLIC_KEY=public_pem(kind))
    assert read.token_rules.algorithms == {algorithm}
    assert isinstance(read.key_from, VerificationKey)


def test_the_secret_may_be_kept_in_aws() -> None:
    """The ARN tells the service and the region."""
    for arn, service, region in (
        (SECRET_ARN, "secretsmanager", "eu-central-1"),
        (PARAMETER_ARN, "ssm", "eu-west-1"),
    ):
        source = settings(BARE, JWT_SECRET_ARN=arn).key_from
        assert isinstance(source, StoredSecret)
        assert (source.arn, source.service, source.region) == (arn, service, region)
    assert settings(BARE, JWT_SECRET_ARN=SECRET_ARN).token_rules.algorithms == {"HS256"}


def test_the_keys_may_be_published() -> None:
    """With the times of the cache."""
    url = "https://issuer.example/.well-known/jwks.json"
    read = settings(
        BARE,
        JWKS_URL=url,
        JWKS_MAX_AGE_S="60",
        JWKS_MAX_STALE_S="120",
        JWKS_MIN_INTERVAL_S="10",
        JWKS_TIMEOUT_S="1",
    )
    source = read.key_from
    assert isinstance(source, PublishedSet)
    assert (source.url, source.timeout_s) == (url, 1)
    assert (source.times.max_age_s, source.times.max_stale_s) == (60, 120)
    assert source.times.min_interval_s == 10
    assert read.token_rules.algorithms == {"RS256"}


@pytest.mark.parametrize("algorithms", ["RS256,ES256,EdDSA,PS384", "ES512"])
def test_published_keys_may_be_of_several_kinds(algorithms: str) -> None:
    """An issuer may move from one kind to another."""
    read = settings(BARE, JWKS_URL="https://issuer.example/jwks", JWT_ALGORITHMS=algorithms)
    assert read.token_rules.algorithms == set(algorithms.split(","))


@pytest.mark.parametrize(
    ("url", "insecure", "allowed"),
    [
        ("https://issuer.example/jwks", "0", True),
        ("http://127.0.0.1:9000/jwks", "0", True),
        ("http://[::1]:9000/jwks", "0", True),
        ("http://localhost/jwks", "0", True),
        ("http://issuer.example/jwks", "1", True),
        ("http://issuer.example/jwks", "0", False),
        ("http://127.0.0.1.evil.example/jwks", "0", False),
        ("file:///etc/passwd", "1", False),
        ("ftp://issuer.example/jwks", "1", False),
        ("https://user:pass@issuer.example/jwks", "0", False),
        ("https:///jwks", "0", False),
    ],
)
def test_published_keys_come_over_https(url: str, insecure: str, *, allowed: bool) -> None:
    """Plain HTTP needs loopback, or a switch that says insecure."""
    if allowed:
        assert settings(BARE, JWKS_URL=url, JWKS_INSECURE_HTTP=insecure)
    else:
        refusal = problems(BARE, JWKS_URL=url, JWKS_INSECURE_HTTP=insecure)
        assert "CREDENTIALS_JWKS_URL must be https" in refusal


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"JWT_SECRET": "short"}, "at least 32 bytes"),
        ({"JWT_SECRET": public_pem("rsa")}, "could sign"),
        ({"JWT_ALGORITHMS": "RS256"}, "RS256 does not go with a shared secret"),
        ({"JWT_ALGORITHMS": "HS256,none"}, "'none' is none of"),
        ({"JWT_PUBLIC_KEY": public_pem("rsa")}, "exactly one of"),
        ({"DURATION_S": "899"}, "between 900 and 3600"),
        ({"DURATION_S": "3601"}, "between 900 and 3600"),
        ({"JWT_LEEWAY_S": "301"}, "between 0 and 300"),
        ({"NAMESPACE": "a/b"}, "namespace"),
        ({"CLIENT_ROLE_ARN": "arn:aws:iam::123456789012:user/x"}, "ARN of an IAM role"),
        ({"REGION": "Europe"}, "AWS region"),
        ({"IOT_ENDPOINT": "https://host/mqtt"}, "wss://"),
        ({"IOT_ENDPOINT": "wss://host"}, "wss://"),
        ({"IOT_ENDPOINT": "wss://host/mqtt?x=1"}, "wss://"),
        ({"IOT_ENDPOINT": "wss://"}, "wss://"),
        ({"JWKS_MAX_STALE_S": "1"}, "must not be less"),
    ],
)
def test_wrong_values_are_named(changes: dict[str, str], problem: str) -> None:
    """Without showing the value where it might be a secret."""
    assert problem in problems(None, **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, "exactly one of"),
        ({"JWT_PUBLIC_KEY": private_pem("p256")}, "private key"),
        (
            {"JWT_PUBLIC_KEY": public_pem("rsa"), "JWT_ALGORITHMS": "HS256"},
            "HS256 does not go with public keys",
        ),
        (
            {"JWT_PUBLIC_KEY": public_pem("rsa"), "JWT_ALGORITHMS": "RS256,HS256"},
            "HS256 does not go with public keys",
        ),
        (
            {"JWT_PUBLIC_KEY": public_pem("p256"), "JWT_ALGORITHMS": "RS256"},
            "does not serve RS256, but ES256",
        ),
        (
            {"JWKS_URL": "https://issuer.example/jwks", "JWT_ALGORITHMS": "HS256"},
            "HS256 does not go with public keys",
        ),
        ({"JWT_SECRET_ARN": "arn:aws:s3:::bucket/secret"}, "ARN of a secret"),
        ({"JWT_SECRET_ARN": SECRET_ARN, "JWT_ALGORITHMS": "ES256"}, "does not go with a shared"),
    ],
)
def test_keys_and_algorithms_fit_together(changes: dict[str, str], problem: str) -> None:
    """Families never mix, and no container starts with a key that cannot serve."""
    assert problem in problems(BARE, **changes)


def test_the_repr_shows_no_secret() -> None:
    """Settings may be printed."""
    assert SECRET not in repr(settings())
