"""The gateway's settings: safe defaults, and every mistake named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings
from wire.errors import SettingsError

LEAST = {
    "GATEWAY_NAMESPACE": "shop",
    "GATEWAY_IOT_ENDPOINT": "https://abc-ats.iot.eu-west-1.amazonaws.com",
}


def problems(**changes: str) -> str:
    """Return what is wrong with the least settings after changes."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(LEAST | changes)
    return str(caught.value)


def test_two_settings_are_enough_on_aws() -> None:
    """The region stands in AWS's own host name; everything else has a default."""
    assert Settings.from_env(LEAST) == Settings(
        namespace="shop",
        iot_endpoint="https://abc-ats.iot.eu-west-1.amazonaws.com",
        region="eu-west-1",
    )


def test_reads_every_setting() -> None:
    """Each name reaches its field."""
    settings = Settings.from_env(
        LEAST
        | {
            "GATEWAY_HOST": "::1",
            "GATEWAY_PORT": "0",
            "GATEWAY_REGION": "us-west-2",
            "GATEWAY_CONNECT_TIMEOUT_S": "1.5",
            "GATEWAY_KEYS_FILE": "keys.json",
            "GATEWAY_INSECURE_NO_AUTH": "1",
            "GATEWAY_CORS_ORIGINS": "http://localhost:8082, https://app.example.com",
            "GATEWAY_LOG_FORMAT": "JSON",
            "GATEWAY_LOG_LEVEL": "debug",
        }
    )
    assert (settings.host, settings.port, settings.region) == ("::1", 0, "us-west-2")
    assert settings.connect_timeout_s == 1.5
    assert settings.keys_file == Path("keys.json")
    assert settings.insecure_no_auth
    assert settings.cors_origins == ("http://localhost:8082", "https://app.example.com")
    assert (settings.log_format, settings.log_level) == ("json", "debug")


def test_nothing_insecure_by_default() -> None:
    """No key means no service, and no web page may call."""
    settings = Settings.from_env(LEAST)
    assert not settings.insecure_no_auth
    assert settings.cors_origins == ()


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://127.0.0.1:8081/", "http://127.0.0.1:8081"),
        ("http://[::1]:8081", "http://[::1]:8081"),
        ("ABC-ats.iot.eu-west-1.amazonaws.com", "https://abc-ats.iot.eu-west-1.amazonaws.com"),
    ],
)
def test_takes_an_endpoint_as_url_or_host(told: str, taken: str) -> None:
    """A host name, as DescribeEndpoint gives it, means https."""
    environ = LEAST | {"GATEWAY_IOT_ENDPOINT": told, "GATEWAY_REGION": "eu-west-1"}
    assert Settings.from_env(environ).iot_endpoint == taken


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_falls_back_on_the_region_of_the_environment(name: str) -> None:
    """Where the endpoint does not say it, AWS's own names do."""
    environ = LEAST | {"GATEWAY_IOT_ENDPOINT": "http://127.0.0.1:1", name: "ap-south-1"}
    assert Settings.from_env(environ).region == "ap-south-1"


def test_names_every_problem_at_once() -> None:
    """The operator corrects all of it in one go; values do not stand in the text."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"GATEWAY_PROT": "1", "GATEWAY_PORT": "x", "GATEWAY_PROBE_S": "nan"})
    text = str(caught.value)
    for part in (
        "GATEWAY_NAMESPACE is required",
        "GATEWAY_IOT_ENDPOINT is required",
        "GATEWAY_REGION is required",
        "GATEWAY_PORT must be a whole number",
        "GATEWAY_PROBE_S must be finite",
        "GATEWAY_PROT is not a setting; did you mean GATEWAY_PORT?",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("NAMESPACE", "a.b", "a namespace is"),
        ("IOT_ENDPOINT", "ftp://x", "must be an http or https URL"),
        ("IOT_ENDPOINT", "https://", "must be an http or https URL"),
        ("IOT_ENDPOINT", "https://x/mqtt", "nothing more"),
        ("IOT_ENDPOINT", "https://u@x", "nothing more"),
        ("IOT_ENDPOINT", "https://x:0", "a port that can be reached"),
        ("IOT_ENDPOINT", "https://x:99999", "GATEWAY_IOT_ENDPOINT"),
        ("CORS_ORIGINS", "*", "exact origins"),
        ("CORS_ORIGINS", "https://a.example/", "exact origins"),
        ("LOG_FORMAT", "xml", "must be one of auto, json, pretty"),
        ("LOG_LEVEL", "loud", "must be one of debug"),
        ("MAX_ADDRESSES", "101", "between 1 and 100"),
    ],
)
def test_refuses_a_value(name: str, value: str, says: str) -> None:
    """The setting is named with its rule."""
    assert says in problems(**{f"GATEWAY_{name}": value})


TOKENS = {
    "GATEWAY_JWKS_URL": "https://issuer.example/jwks",
    "GATEWAY_JWT_ISSUER": "https://issuer.example",
    "GATEWAY_JWT_AUDIENCE": "gateway",
}


def test_takes_an_issuer_of_tokens() -> None:
    """Three settings are enough."""
    settings = Settings.from_env(LEAST | TOKENS)
    assert (settings.jwt_audience, settings.jwt_algorithms) == (("gateway",), ("RS256",))


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_need_url_issuer_and_audience(name: str) -> None:
    """Without one of them, tokens that were made for somebody else would do."""
    told = {key: value for key, value in TOKENS.items() if key != name}
    assert f"{name} is required where service tokens are taken" in problems(**told)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("JWKS_URL", "http://issuer.example/jwks", "must be https"),
        ("JWKS_URL", "https://u@issuer.example/jwks", "must be https://<host>"),
        ("JWT_ALGORITHMS", "HS256", "HS256 does not go with public keys"),
        ("JWT_ALGORITHMS", "none", "is none of"),
        ("JWKS_MAX_STALE_S", "10", "must not be less than GATEWAY_JWKS_MAX_AGE_S"),
        ("OTLP_ENDPOINT", "collector:4317", "must be an http or https URL"),
        ("TRACE_RATIO", "2", "between 0 and 1"),
    ],
)
def test_refuses_a_value_of_tokens_and_traces(name: str, value: str, says: str) -> None:
    """The setting is named with its rule."""
    assert says in problems(**(TOKENS | {f"GATEWAY_{name}": value}))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/jwks", "http://localhost/jwks"])
def test_plain_http_is_for_this_host_only(url: str) -> None:
    """Elsewhere it takes a setting whose name says what it is."""
    assert Settings.from_env(LEAST | TOKENS | {"GATEWAY_JWKS_URL": url}).jwks_url == url
    told = {"GATEWAY_JWKS_URL": "http://a.example", "GATEWAY_JWKS_INSECURE_HTTP": "1"}
    assert Settings.from_env(LEAST | TOKENS | told).jwks_insecure_http


def test_the_inbox_is_a_queue_or_none() -> None:
    """Off by default; works beside either outbox; what is no queue's URL is refused at start."""
    assert Settings.from_env(LEAST).inbox_place is None
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/inbox.fifo"
    place = Settings.from_env(LEAST | {"GATEWAY_INBOX": url}).inbox_place
    assert place is not None
    assert (place.url, place.region) == (url, "eu-west-1")
    assert "GATEWAY_INBOX must" in problems(GATEWAY_INBOX="inbox")
    assert "GATEWAY_INBOX_MESSAGES" in problems(GATEWAY_INBOX_MESSAGES="0")
