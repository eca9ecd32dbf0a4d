"""The gateway's settings: every GATEWAY_ name, its default, its unit, its bounds.

Owns reading them from an environment, all problems at once.
Does not: read the keys file, or AWS credentials: those come the standard AWS ways (environment,
shared files, container or instance role) to the AWS client itself.
Source: docs/design.md; `wire/settings.py` for the conversions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from wire.address import check_namespace
from wire.settings import EnvReader

PREFIX: Final = "GATEWAY_"

_AWS_HOST: Final = re.compile(r"[a-z0-9-]+\.iot\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_LOG_FORMATS: Final = ("auto", "json", "pretty")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_PUBLISH_PATHS: Final = ("direct", "stock")


# Without slots: `from_env` reads the defaults off the class.
@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one gateway process was told.

    Attributes:
        host: Address to listen on.
        port: TCP port to listen on; 0 takes a free one and logs it.
        namespace: The stack's namespace; first level of every topic.
        iot_endpoint: URL of the account's IoT data endpoint (`iot:Data-ATS`).
        region: AWS region requests are signed for.
        connect_timeout_s: Longest wait for a connection to IoT Core, seconds.
        read_timeout_s: Longest wait for IoT Core's answer, seconds.
        publish_timeout_s: Longest time for one publish with its credentials, and as long again to
            wait for a free connection first, seconds.
        iot_connections: Most connections to IoT Core, which is also most publishes in flight.
        max_pending_publishes: Most publishes waiting or in flight; above it events are refused.
        max_body_bytes: Largest request body, decompressed, bytes.
        max_json_depth: Most arrays and objects inside one another in a body.
        max_addresses: Most addresses of one event.
        body_timeout_s: Longest time for a request body to arrive, seconds.
        idle_timeout_s: Longest time for a connection without a complete request, seconds.
        drain_s: Longest time at shutdown for requests under way, seconds.
        notice_s: Time at shutdown between readiness going false and the port closing, seconds.
        probe_s: Time between looks at the endpoint when nothing is published, seconds.
        keys_file: Where the service keys are, or None.
        insecure_no_auth: Let everybody publish anything.
        cors_origins: Exact origins whose pages may call the event API from a browser.
        log_format: `auto` is pretty on a terminal and JSON otherwise.
        log_level: Least severe lines that are written.
        publish_path: How publishes are sent: `direct` (requests of our own, the same bytes at a
            fraction of the CPU) or `stock` (the AWS client's own call, the reference).
    """

    host: str = "0.0.0.0"
    port: int = 8080
    namespace: str
    iot_endpoint: str
    region: str
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 5.0
    publish_timeout_s: float = 10.0
    iot_connections: int = 64
    max_pending_publishes: int = 1_000
    max_body_bytes: int = 8 * 1024 * 1024
    max_json_depth: int = 64
    max_addresses: int = 100
    body_timeout_s: float = 10.0
    idle_timeout_s: float = 75.0
    drain_s: float = 20.0
    notice_s: float = 0.0
    probe_s: float = 10.0
    keys_file: Path | None = None
    insecure_no_auth: bool = False
    cors_origins: tuple[str, ...] = ()
    log_format: Literal["auto", "json", "pretty"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    publish_path: Literal["direct", "stock"] = "direct"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: Anything is missing, unknown or out of bounds; names every problem.
        """
        env = EnvReader(PREFIX, environ)
        endpoint = _endpoint(env)
        settings = cls(
            host=env.text("HOST", cls.host),
            port=env.integer("PORT", cls.port, least=0, most=65_535),
            namespace=_namespace(env),
            iot_endpoint=endpoint,
            region=_region(env, endpoint, environ),
            connect_timeout_s=_seconds(env, "CONNECT_TIMEOUT_S", cls.connect_timeout_s),
            read_timeout_s=_seconds(env, "READ_TIMEOUT_S", cls.read_timeout_s),
            publish_timeout_s=_seconds(env, "PUBLISH_TIMEOUT_S", cls.publish_timeout_s),
            iot_connections=env.integer(
                "IOT_CONNECTIONS", cls.iot_connections, least=1, most=1_000
            ),
            max_pending_publishes=env.integer(
                "MAX_PENDING_PUBLISHES", cls.max_pending_publishes, least=100, most=1_000_000
            ),
            max_body_bytes=env.integer(
                "MAX_BODY_BYTES", cls.max_body_bytes, least=1_024, most=64 * 1024 * 1024
            ),
            max_json_depth=env.integer("MAX_JSON_DEPTH", cls.max_json_depth, least=4, most=200),
            max_addresses=env.integer("MAX_ADDRESSES", cls.max_addresses, least=1, most=100),
            body_timeout_s=_seconds(env, "BODY_TIMEOUT_S", cls.body_timeout_s),
            idle_timeout_s=_seconds(env, "IDLE_TIMEOUT_S", cls.idle_timeout_s),
            drain_s=_seconds(env, "DRAIN_S", cls.drain_s, least=0.0),
            notice_s=_seconds(env, "NOTICE_S", cls.notice_s, least=0.0),
            probe_s=_seconds(env, "PROBE_S", cls.probe_s),
            keys_file=env.parsed("KEYS_FILE", cls.keys_file, Path),
            insecure_no_auth=env.flag("INSECURE_NO_AUTH", default=cls.insecure_no_auth),
            cors_origins=_origins(env),
            log_format=cast(
                'Literal["auto", "json", "pretty"]',
                _choice(env, "LOG_FORMAT", cls.log_format, _LOG_FORMATS),
            ),
            log_level=cast(
                'Literal["debug", "info", "warning", "error"]',
                _choice(env, "LOG_LEVEL", cls.log_level, _LOG_LEVELS),
            ),
            publish_path=cast(
                'Literal["direct", "stock"]',
                _choice(env, "PUBLISH_PATH", cls.publish_path, _PUBLISH_PATHS),
            ),
        )
        env.finish()
        return settings


def _seconds(env: EnvReader, name: str, default: float, *, least: float = 0.1) -> float:
    return env.number(name, default, least=least, most=3_600.0)


def _namespace(env: EnvReader) -> str:
    # Without a default: a wrong namespace would publish where nobody listens.
    env.required("NAMESPACE")
    return env.parsed("NAMESPACE", "", check_namespace)


def _endpoint(env: EnvReader) -> str:
    env.required("IOT_ENDPOINT")
    return env.parsed("IOT_ENDPOINT", "", _checked_endpoint)


def _checked_endpoint(text: str) -> str:
    url = urlsplit(text if "://" in text else f"https://{text}")
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must be an http or https URL, or a host name")
    if url.path.strip("/") or url.query or url.fragment or url.username:
        raise ValueError("must be a scheme, host and port, nothing more")
    if url.port == 0:
        raise ValueError("must have a port that can be reached")
    return f"{url.scheme}://{url.netloc.lower()}"


def _region(env: EnvReader, endpoint: str, environ: Mapping[str, str]) -> str:
    host = _AWS_HOST.fullmatch(urlsplit(endpoint).hostname or "")
    region = (
        env.optional("REGION")
        or (host["region"] if host else None)
        or environ.get("AWS_REGION")
        or environ.get("AWS_DEFAULT_REGION")
    )
    if not region:
        env.problem("REGION", "is required unless GATEWAY_IOT_ENDPOINT is a host of AWS")
    return region or ""


def _origins(env: EnvReader) -> tuple[str, ...]:
    origins = env.listing("CORS_ORIGINS")
    for origin in origins:
        url = urlsplit(origin)
        if url.scheme not in ("http", "https") or origin != f"{url.scheme}://{url.netloc}":
            env.problem("CORS_ORIGINS", "must be exact origins such as https://app.example.com")
            break
    return origins


def _choice(env: EnvReader, name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.text(name, default).lower()
    if value not in choices:
        env.problem(name, f"must be one of {', '.join(choices)}")
        return default
    return value
