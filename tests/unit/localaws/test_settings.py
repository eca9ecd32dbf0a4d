"""The LOCALAWS_ settings."""

from dataclasses import fields
from pathlib import Path

import pytest

from localaws.core.api_rates import ApiRates
from localaws.core.quotas import Quotas
from localaws.core.rules.limits import RuleLimits
from localaws.settings import Settings
from wire.errors import SettingsError
from wire.secret import Secret


def problems_of(**environ: str) -> tuple[str, ...]:
    """Return what is wrong with an environment; names lack the prefix."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({f"LOCALAWS_{name}": value for name, value in environ.items()})
    return caught.value.problems


def test_nothing_needs_to_be_set() -> None:
    """The defaults are a whole world."""
    assert Settings.from_env({"PATH": "/bin"}) == Settings()


def test_everything_can_be_set() -> None:
    """Each name reaches its field."""
    environ = {
        "LOCALAWS_HOST": "::1",
        "LOCALAWS_IOT_PORT": "1",
        "LOCALAWS_AWS_PORT": "2",
        "LOCALAWS_API_PORT": "3",
        "LOCALAWS_MQTT_TCP_PORT": "4",
        "LOCALAWS_INSECURE_ALLOW_ANONYMOUS": "1",
        "LOCALAWS_REGION": "eu-west-1",
        "LOCALAWS_ACCOUNT": "000000000001",
        "LOCALAWS_NAMESPACE": "mine",
        "LOCALAWS_STATE_DIR": "state",
        "LOCALAWS_WEB_DIR": "page",
        "LOCALAWS_GATEWAY_URL": "http://localhost:9/",
        "LOCALAWS_CORS_ORIGINS": "https://a.example, http://b.example:81",
        "LOCALAWS_JWT_SECRET": "x" * 32,
        "LOCALAWS_CREDENTIALS_DURATION_S": "900",
        "LOCALAWS_FUNCTION_TIMEOUT_S": "1.5",
        "LOCALAWS_FUNCTION_CONCURRENCY": "4",
        "LOCALAWS_INTEGRATION_TIMEOUT_S": "2",
        "LOCALAWS_BODY_TIMEOUT_S": "5",
        "LOCALAWS_UPSTREAM_TIMEOUT_S": "6",
        "LOCALAWS_START_TIMEOUT_S": "3",
        "LOCALAWS_STOP_TIMEOUT_S": "4",
        "LOCALAWS_PACKED_LIMIT_PERCENT": "100",
        "LOCALAWS_LOG_LEVEL": "debug",
        "LOCALAWS_QUOTA_PUBLISHES_PER_S": "5",
        "LOCALAWS_RATE_SEND_DIRECT_PER_S": "6",
        "LOCALAWS_RULES_WORKERS": "7",
    }
    assert Settings.from_env(environ) == Settings(
        host="::1",
        iot_port=1,
        aws_port=2,
        api_port=3,
        mqtt_tcp_port=4,
        insecure_allow_anonymous=True,
        region="eu-west-1",
        account="000000000001",
        namespace="mine",
        state_dir=Path("state"),
        web_dir=Path("page"),
        gateway_url="http://localhost:9",
        cors_origins=("https://a.example", "http://b.example:81"),
        jwt_secret=Secret("x" * 32),
        credentials_duration_s=900,
        function_timeout_s=1.5,
        function_concurrency=4,
        integration_timeout_s=2.0,
        body_timeout_s=5.0,
        upstream_timeout_s=6.0,
        start_timeout_s=3.0,
        stop_timeout_s=4.0,
        packed_limit_percent=100,
        log_level="DEBUG",
        quotas=Quotas(publishes_per_s=5),
        rates=ApiRates(send_direct_per_s=6),
        rules=RuleLimits(workers=7),
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("IOT_PORT", "65536", "between 0 and 65535"),
        ("REGION", "mars", "region such as"),
        ("ACCOUNT", "12", "12 digits"),
        ("NAMESPACE", "a/b", "namespace"),
        ("GATEWAY_URL", "localhost:8080", "scheme, host and port"),
        ("GATEWAY_URL", "http://localhost:8080/v1", "scheme, host and port"),
        ("CORS_ORIGINS", "https://a.example/page", "scheme, host and port"),
        ("JWT_SECRET", "short", "at least 32 bytes"),
        ("CREDENTIALS_DURATION_S", "3601", "between 900 and 3600"),
        ("LOG_LEVEL", "loud", "one of DEBUG"),
        ("MQTT_TCP_PORT", "65536", "between 0 and 65535"),
        ("MQTT_TCP_PORT", "x", "between 0 and 65535"),
        ("QUOTA_PAYLOAD_BYTES", "-1", "between 0 and"),
        ("QUOTA_PAYLOAD_BYTES", "1.5", "whole number"),
        ("RULES_WORKERS", "0", "between 1 and"),
        ("QUOTA_PUBLISH_PER_S", "1", "did you mean LOCALAWS_QUOTA_PUBLISHES_PER_S"),
        ("IOT_PROT", "1", "did you mean LOCALAWS_IOT_PORT"),
    ],
)
def test_wrong_value_is_named(name: str, value: str, words: str) -> None:
    """A problem names the setting and the rule, never the value."""
    (problem,) = problems_of(**{name: value})
    assert problem.startswith(f"LOCALAWS_{name} ")
    assert words in problem


@pytest.mark.parametrize(
    ("prefix", "kind"), [("QUOTA_", Quotas), ("RATE_", ApiRates), ("RULES_", RuleLimits)]
)
def test_every_limit_can_be_set_and_most_can_be_switched_off(
    prefix: str, kind: type[Quotas | ApiRates | RuleLimits]
) -> None:
    """Each field has a setting of its own name; 0 is off where off makes sense."""
    for one in fields(kind):
        name = f"LOCALAWS_{prefix}{one.name.upper()}"
        seven = Settings.from_env({name: "7"})
        assert getattr(limits_of(seven, kind), one.name) == 7
        if "None" in str(one.type):
            off = Settings.from_env({name: "0"})
            assert getattr(limits_of(off, kind), one.name) is None


def limits_of(settings: Settings, kind: type[Quotas | ApiRates | RuleLimits]) -> object:
    """Return the settings' limits of one kind."""
    found = (settings.quotas, settings.rates, settings.rules)
    return next(one for one in found if isinstance(one, kind))


def test_plain_tcp_is_off() -> None:
    """Unless a port is named; 0 picks a free one."""
    assert Settings().mqtt_tcp_port is None
    assert Settings.from_env({"LOCALAWS_MQTT_TCP_PORT": "none"}).mqtt_tcp_port is None
    assert Settings.from_env({"LOCALAWS_MQTT_TCP_PORT": "0"}).mqtt_tcp_port == 0


def test_all_problems_come_at_once() -> None:
    """Nobody has to start three times to find three mistakes."""
    assert len(problems_of(ACCOUNT="1", REGION="x", LOG_LEVEL="y")) == 3


def test_the_same_port_twice_is_a_problem() -> None:
    """Two listeners cannot share a port, unless both let the system choose."""
    problems = problems_of(IOT_PORT="9000", API_PORT="9000")
    assert [problem.split()[0] for problem in problems] == [
        "LOCALAWS_IOT_PORT",
        "LOCALAWS_API_PORT",
    ]
    free = {"LOCALAWS_IOT_PORT": "0", "LOCALAWS_API_PORT": "0", "LOCALAWS_AWS_PORT": "0"}
    assert Settings.from_env(free).iot_port == 0
