"""What can be set about localaws: the `LOCALAWS_` variables.

Owns names, defaults and limits. Does not own the gateway's settings (`GATEWAY_`) nor the credential
Lambda's (`CREDENTIALS_`, made by `localaws.stack`).

Source: docs/design.md, "localaws"; docs/configuration.md lists them for users.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from localaws.core.api_rates import ApiRates
from localaws.core.quotas import Quotas
from localaws.core.rules.limits import RuleLimits
from wire.address import check_namespace
from wire.settings import EnvReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wire.secret import Secret

PREFIX: Final = "LOCALAWS_"

MIN_SECRET_BYTES: Final = 32
"""Least length of an HS256 secret. Source: RFC 7518 section 3.2."""

LARGEST_LIMIT: Final = 1_000_000_000
"""Largest value of any limit."""

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything localaws lets a user choose.

    Attributes:
        host: Address all ports are bound to.
        iot_port: The IoT data plane, HTTP and MQTT over WebSocket; 0 picks a free port.
        aws_port: Every other AWS API; 0 picks a free port.
        api_port: The credential API and the demo page; 0 picks a free port.
        mqtt_tcp_port: MQTT on plain TCP, for tools on this machine; 0 picks a free port, none is off.
        insecure_allow_anonymous: A client on plain TCP needs no credentials and may do everything.
        region: The one region there is.
        account: The one account there is, 12 digits.
        namespace: First level of every topic, and prefix of every role's name.
        state_dir: Folder for what outlives a run: secrets, keys, AWS shared config files.
        web_dir: Folder with the built demo page.
        gateway_url: Where the demo page finds the event API.
        cors_origins: More origins that may call the credential API, besides the demo page.
        jwt_secret: Secret that demo tokens are signed with; None makes one at first start.
        credentials_duration_s: Life of client credentials (role chaining: at most an hour).
        function_timeout_s: Longest run of the credential Lambda.
        function_concurrency: Most invocations of it at a time.
        integration_timeout_s: How long the HTTP API waits for it.
        body_timeout_s: How long a client may take to send a request's body.
        upstream_timeout_s: How long moto may take for one request.
        start_timeout_s: How long a program may take to become healthy.
        stop_timeout_s: How long a program may take to drain before it is killed.
        packed_limit_percent: AssumeRole is refused above this PackedPolicySize (approximate); 0 is off.
        log_level: Least severe log line shown.
        quotas: IoT Core's limits.
        rates: Limits of the HTTP data plane.
        rules: Limits of the rules engine.
    """

    host: str = "127.0.0.1"
    iot_port: int = 8081
    aws_port: int = 4566
    api_port: int = 8082
    mqtt_tcp_port: int | None = None
    insecure_allow_anonymous: bool = False
    region: str = "us-east-1"
    account: str = "123456789012"
    namespace: str = "local"
    state_dir: Path = Path(".local")
    web_dir: Path = Path("web/dist")
    gateway_url: str = "http://127.0.0.1:8080"
    cors_origins: tuple[str, ...] = ()
    jwt_secret: Secret | None = None
    credentials_duration_s: int = 3600
    function_timeout_s: float = 10.0
    function_concurrency: int = 10
    integration_timeout_s: float = 30.0
    body_timeout_s: float = 10.0
    upstream_timeout_s: float = 30.0
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 10.0
    packed_limit_percent: int = 0
    log_level: str = "INFO"
    quotas: Quotas = field(default_factory=Quotas)
    rates: ApiRates = field(default_factory=ApiRates)
    rules: RuleLimits = field(default_factory=RuleLimits)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from an environment.

        Raises:
            SettingsError: Anything is wrong; it names every problem.
        """
        env, default = EnvReader(PREFIX, environ), cls()
        settings = cls(
            host=env.text("HOST", default.host),
            iot_port=_port(env, "IOT_PORT", default.iot_port),
            aws_port=_port(env, "AWS_PORT", default.aws_port),
            api_port=_port(env, "API_PORT", default.api_port),
            mqtt_tcp_port=env.parsed("MQTT_TCP_PORT", default.mqtt_tcp_port, _optional_port),
            insecure_allow_anonymous=env.flag(
                "INSECURE_ALLOW_ANONYMOUS", default=default.insecure_allow_anonymous
            ),
            region=env.parsed("REGION", default.region, _region),
            account=env.parsed("ACCOUNT", default.account, _account),
            namespace=env.parsed("NAMESPACE", default.namespace, check_namespace),
            state_dir=Path(env.text("STATE_DIR", str(default.state_dir))),
            web_dir=Path(env.text("WEB_DIR", str(default.web_dir))),
            gateway_url=env.parsed("GATEWAY_URL", default.gateway_url, _origin),
            cors_origins=env.parsed("CORS_ORIGINS", default.cors_origins, _origins),
            jwt_secret=env.secret("JWT_SECRET"),
            credentials_duration_s=env.integer(
                "CREDENTIALS_DURATION_S", default.credentials_duration_s, least=900, most=3600
            ),
            function_timeout_s=env.number(
                "FUNCTION_TIMEOUT_S", default.function_timeout_s, least=0.1, most=900
            ),
            function_concurrency=env.integer(
                "FUNCTION_CONCURRENCY", default.function_concurrency, least=1, most=1000
            ),
            integration_timeout_s=env.number(
                "INTEGRATION_TIMEOUT_S", default.integration_timeout_s, least=0.05, most=30
            ),
            body_timeout_s=env.number(
                "BODY_TIMEOUT_S", default.body_timeout_s, least=0.1, most=600
            ),
            upstream_timeout_s=env.number(
                "UPSTREAM_TIMEOUT_S", default.upstream_timeout_s, least=0.1, most=600
            ),
            start_timeout_s=env.number(
                "START_TIMEOUT_S", default.start_timeout_s, least=0.1, most=600
            ),
            stop_timeout_s=env.number(
                "STOP_TIMEOUT_S", default.stop_timeout_s, least=0.1, most=600
            ),
            packed_limit_percent=env.integer(
                "PACKED_LIMIT_PERCENT", default.packed_limit_percent, least=0, most=1000
            ),
            log_level=env.parsed("LOG_LEVEL", default.log_level, _log_level),
            quotas=_limits(env, Quotas()),
            rates=_limits(env, ApiRates()),
            rules=_limits(env, RuleLimits()),
        )
        settings._note_conflicts(env)
        env.finish()
        return settings

    def _note_conflicts(self, env: EnvReader) -> None:
        ports = {
            "IOT_PORT": self.iot_port,
            "AWS_PORT": self.aws_port,
            "API_PORT": self.api_port,
            "MQTT_TCP_PORT": self.mqtt_tcp_port,
        }
        uses = Counter(port for port in ports.values() if port)
        for name, port in ports.items():
            if port and uses[port] > 1:
                env.problem(name, f"is {port}, which another port setting has too")
        if self.jwt_secret is not None and len(self.jwt_secret) < MIN_SECRET_BYTES:
            env.problem("JWT_SECRET", f"must be at least {MIN_SECRET_BYTES} bytes")


Limits = TypeVar("Limits", Quotas, ApiRates, RuleLimits)

NESTED: Final = {"QUOTA_": Quotas, "RATE_": ApiRates, "RULES_": RuleLimits}
"""Whose settings have which prefix of their own, one setting for each field; 0 is off where a limit
can be switched off."""


def _limits(env: EnvReader, default: Limits) -> Limits:
    prefix = next(prefix for prefix, kind in NESTED.items() if kind is type(default))
    found: dict[str, float | None] = {}
    for one in fields(default):
        name, value = f"{prefix}{one.name.upper()}", getattr(default, one.name)
        least = 0 if "None" in str(one.type) else 1
        number = env.number if "float" in str(one.type) else env.integer
        read = number(name, value or 0, least=least, most=LARGEST_LIMIT)
        found[one.name] = read or None
    return type(default)(**found)  # type: ignore[arg-type] # read by each field's own type


def _optional_port(text: str) -> int | None:
    if text.lower() in ("none", "off"):
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > 65_535:
        raise ValueError("must be between 0 and 65535, or none")
    return int(text)


def _port(env: EnvReader, name: str, default: int) -> int:
    return env.integer(name, default, least=0, most=65_535)


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", text, re.ASCII):
        raise ValueError("must be a region such as us-east-1")
    return text


def _account(text: str) -> str:
    if not re.fullmatch(r"[0-9]{12}", text):
        raise ValueError("must be an account id of 12 digits")
    return text


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _origin(text: str) -> str:
    parts = urlsplit(text)
    bare = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.hostname or text.rstrip("/") != bare:
        raise ValueError("must be scheme, host and port, such as http://127.0.0.1:8080")
    return bare


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_origin(item.strip()) for item in text.split(",") if item.strip())
