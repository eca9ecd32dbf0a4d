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

from gateway.inbox.place import InboxPlace, read_inbox
from gateway.outbox.aws.place import SCHEME, SharedPlace, read_place
from gateway.token_settings import check_token_settings
from wire.address import check_namespace
from wire.limits import MAX_CONFIRMATION_S, MIN_CONFIRMATION_S
from wire.settings import EnvReader

PREFIX: Final = "GATEWAY_"

_AWS_HOST: Final = re.compile(r"[a-z0-9-]+\.iot\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
_LOG_FORMATS: Final = ("auto", "json", "pretty")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_PUBLISH_PATHS: Final = ("direct", "stock")
_SQLITE: Final = "sqlite:///"
_MOST_KEPT_S: Final = 30 * 86_400.0


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
        max_body_bytes: Largest request body, decompressed, bytes.
        max_json_depth: Most arrays and objects inside one another in a body.
        max_addresses: Most addresses of one event.
        body_timeout_s: Longest time for a request body to arrive, seconds.
        idle_timeout_s: Longest time for a connection without a complete request, seconds.
        drain_s: Longest time at shutdown for requests under way and deliveries together, seconds.
        notice_s: Time at shutdown between readiness going false and the port closing, seconds.
        probe_s: Time between looks at the endpoint when nothing is published, seconds.
        keys_file: Where the service keys are, or None.
        insecure_no_auth: Let everybody publish anything.
        cors_origins: Exact origins whose pages may call the event API from a browser.
        log_format: `auto` is pretty on a terminal and JSON otherwise.
        log_level: Least severe lines that are written.
        publish_path: How publishes are sent: `direct` (requests of our own, the same bytes at a
            fraction of the CPU) or `stock` (the AWS client's own call, the reference).
        outbox: Where accepted events are kept: `sqlite:///` and the path of a file, or, for several
            gateways, `aws://<url of an SQS FIFO queue>?table=<name of a DynamoDB table>`.
        outbox_visibility_s: How long a delivery of a shared outbox is one gateway's without being
            extended; after a gateway is lost, others go on with its topics then, seconds.
        outbox_max_deliveries: Most unsettled deliveries kept; above it events are refused.
        outbox_memory_bytes: Most payload bytes held in memory; the rest is read when its turn comes.
        outbox_max_bytes: Largest size of the outbox's file, bytes.
        keep_settled_s: How long a settled event can be looked up, seconds.
        keep_failed_s: How long a failed one can be looked up and sent again, seconds.
        inbox: URL of an SQS queue that services send events to; without it there is none.
        inbox_messages: Most messages of the inbox in hand at a time.
        inbox_visibility_s: How long a message of the inbox is one gateway's without being extended;
            after a gateway is lost, others take its messages then, seconds.
        publish_rate_per_s: Most publishes each second; adapts downward when IoT Core throttles.
        receipt_timeout_s: How long a client may take to confirm an event that asks for a receipt,
            before the event is published without, whole seconds.
        max_receipts: Most receipts of slow clients awaited at a time; above it events are published
            without.
        retry_base_s: Longest wait before the second attempt; doubles with each further one, seconds.
        retry_cap_s: Longest wait between two attempts, seconds.
        retry_max_attempts: Most attempts before a delivery fails.
        retry_max_age_s: Longest time from acceptance before a delivery fails, seconds.
        max_batch_events: Most events of one request.
        max_wait_s: Longest wait for an outcome that `Prefer: wait` can ask for, seconds.
        jwks_url: Where the issuer of service tokens publishes its keys; without it only service
            keys are taken.
        jwt_issuer: What `iss` of a service token must be.
        jwt_audience: What `aud` of a service token must name one of.
        jwt_algorithms: What service tokens may be signed with; RS, PS, ES and EdDSA kinds.
        jwt_leeway_s: How far the issuer's clock may be off, seconds.
        jwt_rate_per_s: Events each second that one service may send with tokens; 0 for no bound.
        jwks_max_age_s: How long a fetched key set is fresh, seconds.
        jwks_max_stale_s: How long it serves while no newer one can be had, seconds.
        jwks_min_interval_s: Shortest time between two fetches, seconds.
        jwks_timeout_s: Longest wait for the issuer, seconds.
        jwks_insecure_http: Allow plain `http` to hosts other than this one.
        dashboard_dir: Folder of the built dashboard, served at `/`; without it there is none.
        max_streams: Most listeners of `GET /v1/stream` at a time; 0 for none.
        stream_notices: Most notices that wait for one listener; above it the oldest are dropped.
        stream_write_timeout_s: Longest time a listener may take nothing before it is cut off,
            seconds.
        otlp_endpoint: URL of an OpenTelemetry collector that takes OTLP over gRPC, usually on port
            4317; traces are off without it.
        trace_ratio: Share of requests traced where the caller's own trace does not decide, 0 to 1.
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
    outbox: str = "sqlite:///outbox.db"
    outbox_visibility_s: float = 60.0
    outbox_max_deliveries: int = 500_000
    outbox_memory_bytes: int = 64 * 1024 * 1024
    outbox_max_bytes: int = 10 * 1024 * 1024 * 1024
    keep_settled_s: float = 86_400.0
    keep_failed_s: float = 604_800.0
    inbox: str | None = None
    inbox_messages: int = 100
    inbox_visibility_s: float = 60.0
    publish_rate_per_s: float = 2_000.0
    receipt_timeout_s: int = 5
    max_receipts: int = 256
    retry_base_s: float = 0.2
    retry_cap_s: float = 20.0
    retry_max_attempts: int = 100
    retry_max_age_s: float = 86_400.0
    max_batch_events: int = 1_000
    max_wait_s: float = 30.0
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: tuple[str, ...] = ()
    jwt_algorithms: tuple[str, ...] = ("RS256",)
    jwt_leeway_s: float = 30.0
    jwt_rate_per_s: float = 0.0
    jwks_max_age_s: float = 600.0
    jwks_max_stale_s: float = 86_400.0
    jwks_min_interval_s: float = 30.0
    jwks_timeout_s: float = 2.0
    jwks_insecure_http: bool = False
    dashboard_dir: Path | None = None
    max_streams: int = 20
    stream_notices: int = 500
    stream_write_timeout_s: float = 10.0
    otlp_endpoint: str | None = None
    trace_ratio: float = 1.0

    @property
    def outbox_file(self) -> Path:
        """The file that `outbox` names."""
        return Path(self.outbox.removeprefix(_SQLITE))

    @property
    def shared_outbox(self) -> SharedPlace | None:
        """The queue and table that `outbox` names, or None where it names a file."""
        return read_place(self.outbox) if self.outbox.startswith(SCHEME) else None

    @property
    def inbox_place(self) -> InboxPlace | None:
        """The queue that `inbox` names, or None."""
        return None if self.inbox is None else read_inbox(self.inbox)

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
            outbox=env.parsed("OUTBOX", cls.outbox, _checked_outbox),
            outbox_visibility_s=_seconds(
                env, "OUTBOX_VISIBILITY_S", cls.outbox_visibility_s, least=2.0
            ),
            outbox_max_deliveries=env.integer(
                "OUTBOX_MAX_DELIVERIES", cls.outbox_max_deliveries, least=100, most=10_000_000
            ),
            outbox_memory_bytes=env.integer(
                "OUTBOX_MEMORY_BYTES", cls.outbox_memory_bytes, least=1024 * 1024, most=2**36
            ),
            outbox_max_bytes=env.integer(
                "OUTBOX_MAX_BYTES", cls.outbox_max_bytes, least=1024 * 1024, most=2**43
            ),
            keep_settled_s=env.number(
                "KEEP_SETTLED_S", cls.keep_settled_s, least=0.0, most=_MOST_KEPT_S
            ),
            keep_failed_s=env.number(
                "KEEP_FAILED_S", cls.keep_failed_s, least=0.0, most=_MOST_KEPT_S
            ),
            inbox=env.parsed("INBOX", cls.inbox, _checked_inbox),
            inbox_messages=env.integer("INBOX_MESSAGES", cls.inbox_messages, least=1, most=1_000),
            inbox_visibility_s=_seconds(
                env, "INBOX_VISIBILITY_S", cls.inbox_visibility_s, least=2.0
            ),
            publish_rate_per_s=env.number(
                "PUBLISH_RATE_PER_S", cls.publish_rate_per_s, least=1.0, most=1_000_000.0
            ),
            receipt_timeout_s=env.integer(
                "RECEIPT_TIMEOUT_S",
                cls.receipt_timeout_s,
                least=MIN_CONFIRMATION_S,
                most=MAX_CONFIRMATION_S,
            ),
            max_receipts=env.integer("MAX_RECEIPTS", cls.max_receipts, least=0, most=10_000),
            retry_base_s=_seconds(env, "RETRY_BASE_S", cls.retry_base_s, least=0.001),
            retry_cap_s=_seconds(env, "RETRY_CAP_S", cls.retry_cap_s),
            retry_max_attempts=env.integer(
                "RETRY_MAX_ATTEMPTS", cls.retry_max_attempts, least=1, most=1_000_000
            ),
            retry_max_age_s=env.number(
                "RETRY_MAX_AGE_S", cls.retry_max_age_s, least=1.0, most=_MOST_KEPT_S
            ),
            max_batch_events=env.integer(
                "MAX_BATCH_EVENTS", cls.max_batch_events, least=1, most=10_000
            ),
            max_wait_s=_seconds(env, "MAX_WAIT_S", cls.max_wait_s, least=0.0),
            jwks_url=env.optional("JWKS_URL"),
            jwt_issuer=env.optional("JWT_ISSUER"),
            jwt_audience=env.listing("JWT_AUDIENCE"),
            jwt_algorithms=env.listing("JWT_ALGORITHMS", cls.jwt_algorithms),
            jwt_leeway_s=env.number("JWT_LEEWAY_S", cls.jwt_leeway_s, least=0, most=300),
            jwt_rate_per_s=env.number("JWT_RATE_PER_S", cls.jwt_rate_per_s, least=0, most=100_000),
            jwks_max_age_s=env.number("JWKS_MAX_AGE_S", cls.jwks_max_age_s, least=1, most=86_400),
            jwks_max_stale_s=env.number(
                "JWKS_MAX_STALE_S", cls.jwks_max_stale_s, least=1, most=604_800
            ),
            jwks_min_interval_s=env.number(
                "JWKS_MIN_INTERVAL_S", cls.jwks_min_interval_s, least=1, most=3_600
            ),
            jwks_timeout_s=env.number("JWKS_TIMEOUT_S", cls.jwks_timeout_s, least=0.1, most=10),
            jwks_insecure_http=env.flag("JWKS_INSECURE_HTTP", default=cls.jwks_insecure_http),
            dashboard_dir=env.parsed("DASHBOARD_DIR", cls.dashboard_dir, Path),
            max_streams=env.integer("MAX_STREAMS", cls.max_streams, least=0, most=1_000),
            stream_notices=env.integer("STREAM_NOTICES", cls.stream_notices, least=10, most=10_000),
            stream_write_timeout_s=_seconds(
                env, "STREAM_WRITE_TIMEOUT_S", cls.stream_write_timeout_s
            ),
            otlp_endpoint=env.parsed("OTLP_ENDPOINT", cls.otlp_endpoint, _collector),
            trace_ratio=env.number("TRACE_RATIO", cls.trace_ratio, least=0, most=1),
        )
        check_token_settings(env, settings)
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


def _checked_outbox(text: str) -> str:
    if text.startswith(SCHEME):
        read_place(text)
        return text
    if not text.startswith(_SQLITE) or text == _SQLITE or text.endswith("/"):
        raise ValueError(
            f"must be {_SQLITE} and the path of a file, or {SCHEME}<queue-url>?table=<name>"
        )
    return text


def _checked_inbox(text: str) -> str:
    read_inbox(text)
    return text


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


def _collector(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise ValueError("must be an http or https URL")
    return text


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
