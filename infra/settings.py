"""The stack's settings: `pulumi.Config`, read once, checked whole, frozen.

Owns every key of the stack configuration, its default and its limits. Components never read
configuration; `__main__.py` hands them what they need. `Pulumi.yaml` repeats keys, types and
defaults for the Pulumi CLI, and a test keeps the two equal.

Source: docs/deploy.md, "Configuration"; AWS limits as named below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from infra.bridge_settings import Bridges, read_bridges
from infra.config_reader import ConfigReader
from infra.errors import ConfigInvalid
from infra.inbox_settings import InboxSettings, read_inbox
from infra.service_settings import GatewayServiceSettings, read_gateway_service
from wire.address import check_namespace
from wire.errors import InvalidKey, InvalidNamespace
from wire.token import algorithm_problems
from wire.verification_key import (
    ASYMMETRIC_ALGORITHMS,
    key_from_pem,
    key_from_secret,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from wire.secret import Secret
    from wire.verification_key import VerificationKey

LOG_RETENTIONS_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
"""What CloudWatch Logs takes, as far as two years. Source: PutRetentionPolicy, retentionInDays."""

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARN", "ERROR")
"""Levels of the Lambdas' own logs. Source: Lambda LoggingConfig, ApplicationLogLevel."""

IOT_LOG_LEVELS: Final = ("", "DEBUG", "INFO", "WARN", "ERROR", "DISABLED")
"""Levels of IoT Core's log; empty leaves the region's setting alone. Source: SetV2LoggingOptions."""

_ORIGIN: Final = re.compile(
    r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d+)?"
)
_TAG: Final = re.compile(r"(?!aws:)[\w .:/+@-]{1,128}=[\w .:/=+@-]{0,256}")
_SECRET_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:|ssm:[a-z0-9-]+:\d{12}:parameter/)"
    r"[\w/+=.@-]+",
    re.ASCII,
)
_TOPIC_ARN: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+", re.ASCII)
_CERTIFICATE: Final = re.compile(
    r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+", re.ASCII
)
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII)
_PRINCIPAL: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """Tokens are signed with a secret that the issuer and the Lambda share."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """Tokens are signed with a shared secret that Secrets Manager or SSM keeps."""

    arn: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Tokens are verified with one public key, in PEM."""

    pem: str


@dataclass(frozen=True, slots=True)
class KeySetUrl:
    """Tokens are verified with the keys that a JWKS URL lists."""

    url: str


KeySource: TypeAlias = SharedSecret | StoredSecret | PublicKey | KeySetUrl
"""Where the key that verifies tokens comes from: exactly one of four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDomain:
    """A name of the operator's own for the credential API.

    Attributes:
        name: Such as `push.example.com`.
        certificate_arn: ACM certificate for it, in the stack's region.
        zone_id: Route 53 zone that gets its records, or empty: they are made elsewhere.
    """

    name: str
    certificate_arn: str
    zone_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a stack is told.

    Attributes:
        namespace: First level of every topic; one per account and region.
        tags: Put on every resource that takes tags.
        jwt_algorithms: Algorithms accepted; a token never chooses its own.
        jwt_keys: What verifies a token's signature.
        jwt_issuer: Required `iss`, or empty: not checked.
        jwt_audience: Required `aud`, or empty: not checked.
        allowed_origins: Browser origins that may ask for credentials.
        credential_lifetime_s: Life of a client's credentials, 900 to 3,600 s (role chaining).
        lambda_memory_mb: Memory, and with it CPU, of the credential Lambda.
        lambda_timeout_s: Longest run; under the HTTP API's own 30 s.
        lambda_reserved_concurrency: Most runs at once; -1 reserves none.
        api_requests_per_s: Steady rate of the credential API, above which it answers 429.
        api_burst_requests: Burst above that rate.
        log_retention_days: Life of every log line of the stack.
        log_level: Level of the Lambdas' own logs.
        tracing: Whether the Lambdas send traces to X-Ray.
        api_domain: A name of its own for the credential API, or None.
        presence: Whether connects and disconnects go to a queue.
        iot_log_level: Level of IoT Core's log in this region, or empty: left alone.
        bridges: From IoT to SNS and back.
        outbox: Whether there is a shared outbox.
        inbox: The inbox, or None.
        protect_data: Whether what holds data is protected from deletion.
        alarm_topic_arn: SNS topic that alarms go to, or empty: no alarms.
        dashboard: Whether there is a CloudWatch dashboard.
        gateway_service: The gateway as an ECS service, or None.
        gateway_principals: Role or user ARNs that may assume the gateway's role; none: no role,
            only the policy to attach.
    """

    namespace: str
    tags: Mapping[str, str]
    jwt_algorithms: tuple[str, ...]
    jwt_keys: KeySource
    jwt_issuer: str
    jwt_audience: str
    allowed_origins: tuple[str, ...]
    credential_lifetime_s: int
    lambda_memory_mb: int
    lambda_timeout_s: int
    lambda_reserved_concurrency: int
    api_requests_per_s: int
    api_burst_requests: int
    log_retention_days: int
    log_level: str
    gateway_principals: tuple[str, ...]
    tracing: bool
    api_domain: ApiDomain | None
    presence: bool
    iot_log_level: str
    bridges: Bridges
    outbox: bool
    inbox: InboxSettings | None
    protect_data: bool
    alarm_topic_arn: str
    dashboard: bool
    gateway_service: GatewayServiceSettings | None

    @property
    def jwt_secret_arn(self) -> str | None:
        """Where the token secret is kept in AWS, or None."""
        return self.jwt_keys.arn if isinstance(self.jwt_keys, StoredSecret) else None

    @classmethod
    def from_config(
        cls,
        values: Mapping[str, str],
        *,
        project: str,
        stack: str,
        encrypted: Collection[str] = (),
    ) -> Settings:
        """Read the settings.

        Args:
            values: Raw configuration by key, without the project's name.
            encrypted: The keys among them that are Pulumi secrets.
            project: Pulumi project, for the tags.
            stack: Pulumi stack; its name is the default namespace.

        Raises:
            ConfigInvalid: Anything is wrong; it names every problem.
        """
        reader = ConfigReader(values, encrypted)
        keys, algorithms = _keys(reader)
        settings = cls(
            namespace=_namespace(reader, stack),
            tags={"Project": project, "Stack": stack, **_tags(reader)},
            jwt_algorithms=algorithms,
            jwt_keys=keys,
            jwt_issuer=reader.text("jwtIssuer"),
            jwt_audience=reader.text("jwtAudience"),
            allowed_origins=_origins(reader),
            credential_lifetime_s=reader.integer(
                "credentialLifetimeS", 3_600, least=900, most=3_600
            ),
            lambda_memory_mb=reader.integer("lambdaMemoryMb", 512, least=128, most=10_240),
            lambda_timeout_s=reader.integer("lambdaTimeoutS", 10, least=1, most=29),
            lambda_reserved_concurrency=reader.integer(
                "lambdaReservedConcurrency", -1, least=-1, most=1_000
            ),
            api_requests_per_s=reader.integer("apiRequestsPerS", 50, least=1, most=10_000),
            api_burst_requests=reader.integer("apiBurstRequests", 100, least=1, most=5_000),
            log_retention_days=_retention(reader),
            log_level=reader.choice("logLevel", "INFO", LOG_LEVELS),
            gateway_principals=_principals(reader),
            tracing=reader.flag("tracing", default=False),
            api_domain=_api_domain(reader),
            presence=reader.flag("presence", default=False),
            iot_log_level=reader.choice("iotLogLevel", "", IOT_LOG_LEVELS),
            bridges=read_bridges(reader),
            outbox=reader.flag("outbox", default=False),
            inbox=read_inbox(reader),
            protect_data=reader.flag("protectData", default=True),
            alarm_topic_arn=_alarm_topic(reader),
            dashboard=reader.flag("dashboard", default=False),
            gateway_service=read_gateway_service(reader),
        )
        if settings.gateway_service and not settings.outbox:
            reader.problem(
                "outbox", "must be true with gatewayVpcId: its tasks have no disk to keep"
            )
        if settings.alarm_topic_arn and settings.log_level in ("WARN", "ERROR"):
            reader.problem(
                "logLevel",
                "must be INFO or DEBUG with alarms: they read the size of session policies",
            )
        if settings.lambda_reserved_concurrency == 0:
            reader.problem("lambdaReservedConcurrency", "must not be 0: it would stop the Lambda")
        reader.finish()
        return settings


def load_settings() -> Settings:
    """Return the settings of the stack that is being deployed.

    Raises:
        pulumi.RunError: The configuration is wrong; the CLI shows every problem and no traceback.
    """
    project = pulumi.get_project()
    everything: dict[str, str] = {**get_config_env(), **CONFIG.get()}
    values = {
        key.removeprefix(f"{project}:"): value
        for key, value in everything.items()
        if key.startswith(f"{project}:")
    }
    encrypted = {key for key in values if is_config_secret(f"{project}:{key}")}
    try:
        return Settings.from_config(
            values, project=project, stack=pulumi.get_stack(), encrypted=encrypted
        )
    except ConfigInvalid as error:
        raise pulumi.RunError(str(error)) from error


def _namespace(reader: ConfigReader, stack: str) -> str:
    namespace = reader.text("namespace", stack)
    try:
        return check_namespace(namespace)
    except InvalidNamespace as error:
        reader.problem("namespace", f"({namespace!r}) is unfit: {error.problem}")
        return "invalid"


def _tags(reader: ConfigReader) -> dict[str, str]:
    pairs = reader.listing("tags")
    for pair in pairs:
        if not _TAG.fullmatch(pair):
            reader.problem("tags", f"holds {pair!r}; a tag is Key=Value")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _keys(reader: ConfigReader) -> tuple[KeySource, tuple[str, ...]]:
    """Read the one key source and its algorithms, by the rules of the Lambda that will use them."""
    secret = reader.secret("jwtSecret")
    arn = reader.text("jwtSecretArn")
    pem = reader.text("jwtPublicKey")
    url = reader.text("jwksUrl")
    algorithms = reader.listing("jwtAlgorithms")
    if sum(map(bool, (secret, arn, pem, url))) != 1:
        reader.problem(
            "jwtSecret", "or jwtSecretArn or jwtPublicKey or jwksUrl is required, exactly one"
        )
    if arn and not _SECRET_ARN.fullmatch(arn):
        reader.problem("jwtSecretArn", "must be the whole ARN of a secret or parameter")
    if url and not url.startswith("https://"):
        reader.problem("jwksUrl", "must start with https://")
    if not algorithms:
        reader.problem("jwtAlgorithms", "is required, such as RS256")
    for problem in algorithm_problems(algorithms, secret=bool(secret or arn)):
        reader.problem("jwtAlgorithms", f"is unfit: {problem}")
    if secret:
        _try_key(reader, "jwtSecret", lambda: key_from_secret(secret.reveal()), ())
        return SharedSecret(secret), algorithms
    if arn:
        return StoredSecret(arn), algorithms
    if pem:
        wanted = [name for name in algorithms if name in ASYMMETRIC_ALGORITHMS]
        _try_key(reader, "jwtPublicKey", lambda: key_from_pem(pem), wanted)
        return PublicKey(pem), algorithms
    return KeySetUrl(url), algorithms


def _try_key(
    reader: ConfigReader, key: str, make: Callable[[], VerificationKey], wanted: Sequence[str]
) -> None:
    try:
        served = make().algorithms
    except InvalidKey as error:
        reader.problem(key, f"is unfit: {error.problem}")
        return
    for algorithm in wanted:
        if algorithm not in served:
            reader.problem(key, f"does not serve {algorithm}, only {', '.join(sorted(served))}")


def _origins(reader: ConfigReader) -> tuple[str, ...]:
    origins = reader.listing("allowedOrigins")
    if not origins:
        reader.problem("allowedOrigins", "is required: where your pages are served from")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            reader.problem(
                "allowedOrigins",
                f"holds {origin!r}; an origin is https://host[:port], http for localhost only",
            )
    return origins


def _api_domain(reader: ConfigReader) -> ApiDomain | None:
    domain = ApiDomain(
        name=reader.text("apiDomain"),
        certificate_arn=reader.text("apiCertificateArn"),
        zone_id=reader.text("apiZoneId"),
    )
    if not domain.name:
        for key, value in (
            ("apiCertificateArn", domain.certificate_arn),
            ("apiZoneId", domain.zone_id),
        ):
            if value:
                reader.problem(key, "is of no use without apiDomain")
        return None
    if not _DOMAIN.fullmatch(domain.name):
        reader.problem("apiDomain", "must be a host name such as push.example.com")
    if not _CERTIFICATE.fullmatch(domain.certificate_arn):
        reader.problem("apiCertificateArn", "must be the ARN of an ACM certificate for apiDomain")
    return domain


def _alarm_topic(reader: ConfigReader) -> str:
    arn = reader.text("alarmTopicArn")
    if arn and not _TOPIC_ARN.fullmatch(arn):
        reader.problem("alarmTopicArn", "must be the ARN of a standard SNS topic")
    return arn


def _retention(reader: ConfigReader) -> int:
    days = reader.integer("logRetentionDays", 30, least=1, most=731)
    if days not in LOG_RETENTIONS_DAYS:
        options = ", ".join(map(str, LOG_RETENTIONS_DAYS))
        reader.problem("logRetentionDays", f"must be one of {options}")
    return days


def _principals(reader: ConfigReader) -> tuple[str, ...]:
    principals = reader.listing("gatewayPrincipals")
    for principal in principals:
        if not _PRINCIPAL.fullmatch(principal):
            reader.problem(
                "gatewayPrincipals",
                f"holds {principal!r}; name one role or user: arn:aws:iam::<account>:role/<name>",
            )
    return principals
