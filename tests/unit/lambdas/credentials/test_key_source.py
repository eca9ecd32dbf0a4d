"""Keys come from the configuration, from AWS, or from an issuer that may be down."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from lambdas.credentials.errors import KeysUnavailable
from lambdas.credentials.key_source import PublishedKeys, key_source
from lambdas.credentials.settings import StoredSecret
from tests.unit.issuer import SECRET, jwk, jwks
from tests.unit.lambdas.credentials.stack import clients
from wire.jwks_cache import JwksTimes
from wire.verification_key import key_from_secret

SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:jwt-AbCdEf"
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/live/jwt"
DOWN = KeysUnavailable("down")


class Site:
    """An issuer's site: answers from a list, counts the requests."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.requests = 0

    def __call__(self) -> bytes:
        """Give the next answer, or the last one again."""
        self.requests += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def kids(keys: Any) -> list[str]:
    """Return the ids in a set."""
    return [key.kid for key in keys.keys]


OLD, NEW = jwks(jwk("p256", kid="old")), jwks(jwk("p256", 1, kid="new"))


def test_a_configured_key_is_always_there() -> None:
    """Nothing is fetched for it."""
    key = key_from_secret(SECRET)
    assert key_source(key, clients()).keys("any", 0).keys == (key,)


def test_published_keys_are_fetched_once_while_fresh() -> None:
    """The container keeps them."""
    site = Site(OLD)
    source = PublishedKeys(site, JwksTimes())
    for now_s in (0, 1, 599):
        assert kids(source.keys("old", now_s)) == ["old"]
    assert site.requests == 1


def test_a_rotation_is_noticed_by_its_first_token() -> None:
    """An unknown kid fetches again."""
    source = PublishedKeys(Site(OLD, NEW), JwksTimes())
    source.keys("old", 0)
    assert kids(source.keys("new", 31)) == ["new"]


@pytest.mark.parametrize("trouble", [DOWN, b"<html>", b'{"keys": []}'])
def test_stale_keys_serve_while_the_issuer_is_in_trouble(
    trouble: bytes | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Down, or answering nonsense: the last good set stays, and the log says so."""
    source = PublishedKeys(Site(OLD, trouble), JwksTimes(max_stale_s=1000))
    source.keys("old", 0)
    assert kids(source.keys("old", 601)) == ["old"]
    assert "jwks fetch failed" in caplog.text
    with pytest.raises(KeysUnavailable):
        source.keys("old", 1000)


def test_without_any_keys_the_service_is_unavailable() -> None:
    """That is not the token's fault; and the issuer is not asked with every request."""
    site = Site(DOWN, OLD)
    source = PublishedKeys(site, JwksTimes())
    for now_s in (0, 1, 4):
        with pytest.raises(KeysUnavailable):
            source.keys("old", now_s)
    assert site.requests == 1
    assert kids(source.keys("old", 5)) == ["old"]


class StubbedClients:
    """A maker of one stubbed client, which remembers what was asked for."""

    def __init__(self, service: str) -> None:
        self.real = clients().client(service, "eu-west-1")
        self.stub = Stubber(self.real)
        self.stub.activate()
        self.asked: list[tuple[str, str]] = []

    def client(self, service: str, region: str) -> Any:
        """Return the stubbed client."""
        self.asked.append((service, region))
        return self.real


@pytest.mark.parametrize("member", [{"SecretString": SECRET}, {"SecretBinary": SECRET.encode()}])
def test_the_secret_is_read_from_secrets_manager(member: dict[str, Any]) -> None:
    """In the ARN's own region, once."""
    made: Any = StubbedClients("secretsmanager")
    made.stub.add_response("get_secret_value", member, {"SecretId": SECRET_ARN})
    source = key_source(StoredSecret(SECRET_ARN), made)
    assert source.keys(None, 0).keys == (key_from_secret(SECRET),)
    assert made.asked == [("secretsmanager", "eu-central-1")]


def test_the_secret_is_read_from_a_parameter() -> None:
    """Decrypted."""
    made: Any = StubbedClients("ssm")
    made.stub.add_response(
        "get_parameter",
        {"Parameter": {"Value": SECRET}},
        {"Name": PARAMETER_ARN, "WithDecryption": True},
    )
    assert key_source(StoredSecret(PARAMETER_ARN), made).keys(None, 0).keys == (
        key_from_secret(SECRET),
    )


def test_a_secret_that_cannot_be_read_says_why() -> None:
    """AWS's code, and no more."""
    made: Any = StubbedClients("secretsmanager")
    made.stub.add_client_error("get_secret_value", "AccessDeniedException", "User x may not")
    with pytest.raises(KeysUnavailable, match=r"\(AccessDeniedException\)"):
        key_source(StoredSecret(SECRET_ARN), made)


@pytest.mark.parametrize("member", [{"SecretString": "hunter2"}, {"SecretBinary": b"\xff" * 40}])
def test_a_stored_secret_that_is_no_secret_for_tokens_is_refused(member: dict[str, Any]) -> None:
    """Its text is not shown."""
    made: Any = StubbedClients("secretsmanager")
    made.stub.add_response("get_secret_value", member)
    with pytest.raises(KeysUnavailable) as refusal:
        key_source(StoredSecret(SECRET_ARN), made)
    assert "hunter2" not in str(refusal.value)
