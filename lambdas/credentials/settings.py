r"""The credential Lambda's settings.

Owns names, defaults and checks; every problem is reported at once. Reads no file and no network: a
secret kept in AWS is only named here, by its ARN.

| setting | default | meaning |
|---|---|---|
| `CREDENTIALS_NAMESPACE` | required | first level of every topic and client id |
| `CREDENTIALS_CLIENT_ROLE_ARN` | required | the role that browsers get |
| `CREDENTIALS_IOT_ENDPOINT` | required | `wss://<host>/mqtt`, as the browser reaches it |
| `CREDENTIALS_REGION` | `AWS_REGION` | region of STS and of the endpoint |
| `CREDENTIALS_DURATION_S` | 3600 | longest life of the credentials, 900 to 3600 |
| `CREDENTIALS_STS_TIMEOUT_S` | 2 | longest wait for STS; there is one retry |
| `CREDENTIALS_JWT_SECRET` | one of these four | shared secret, 32 bytes or more |
| `CREDENTIALS_JWT_SECRET_ARN` | one of these four | the same, in Secrets Manager or an SSM parameter |
| `CREDENTIALS_JWT_PUBLIC_KEY` | one of these four | PEM public key; line ends may be `\n` |
| `CREDENTIALS_JWKS_URL` | one of these four | where the issuer publishes its keys, `https` |
| `CREDENTIALS_JWT_ALGORITHMS` | HS256, the PEM key's own, RS256 | comma-separated |
| `CREDENTIALS_JWT_ISSUER` | unchecked | required `iss` |
| `CREDENTIALS_JWT_AUDIENCE` | unchecked | comma-separated; `aud` must name one |
| `CREDENTIALS_JWT_LEEWAY_S` | 30 | how far the issuer's clock may be off, 0 to 300 |
| `CREDENTIALS_JWKS_MAX_AGE_S` | 600 | how long a fetched key set is fresh |
| `CREDENTIALS_JWKS_MAX_STALE_S` | 86400 | how long it serves while no newer one can be had |
| `CREDENTIALS_JWKS_MIN_INTERVAL_S` | 30 | shortest time between two fetches |
| `CREDENTIALS_JWKS_TIMEOUT_S` | 2 | longest wait for the issuer |
| `CREDENTIALS_JWKS_INSECURE_HTTP` | 0 | allow plain `http` to hosts other than this one |

There is no CORS setting: API Gateway answers preflights, adds the CORS headers to every response
and ignores those of a function.

Source: docs/design.md, "Credential API"; API Gateway developer guide, "Configure CORS".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from wire.address import check_namespace
from wire.claims import Expected
from wire.jwks_cache import JwksTimes
from wire.limits import MAX_CHAINED_SESSION_S, MIN_SESSION_S
from wire.settings import EnvReader
from wire.token import TokenRules, algorithm_problems
from wire.verification_key import (
    SYMMETRIC_ALGORITHMS,
    VerificationKey,
    key_from_pem,
    key_from_secret,
)

PREFIX: Final = "CREDENTIALS_"

_ROLE_ARN: Final = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::\d{12}:role/[\w+=,.@/-]+", re.A)
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_STORED: Final = re.compile(
    r"arn:aws[a-z-]*:(?:secretsmanager:[a-z0-9-]+:\d{12}:secret:|ssm:[a-z0-9-]+:\d{12}:parameter/).+"
)
_SOURCES: Final = ("JWT_SECRET", "JWT_SECRET_ARN", "JWT_PUBLIC_KEY", "JWKS_URL")


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A shared secret kept in Secrets Manager or SSM.

    Attributes:
        arn: Of the secret or parameter; its third and fourth parts are service and region.
    """

    arn: str

    @property
    def service(self) -> str:
        """``secretsmanager`` or ``ssm``."""
        return self.arn.split(":")[2]

    @property
    def region(self) -> str:
        """The region it is kept in."""
        return self.arn.split(":")[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSet:
    """A JWKS that the issuer publishes.

    Attributes:
        url: Where.
        times: When it is fetched.
        timeout_s: Longest wait for it.
    """

    url: str
    times: JwksTimes
    timeout_s: float


KeyFrom: TypeAlias = VerificationKey | StoredSecret | PublishedSet
"""Where the keys that verify tokens come from: exactly one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one container of the credential Lambda is told.

    Attributes:
        namespace: First level of every topic and client id.
        client_role_arn: The role that browsers get.
        partition: The AWS partition, from the role's ARN.
        iot_endpoint: ``wss://<host>[:<port>]/mqtt``.
        region: Region of STS and of the endpoint.
        duration_s: Longest life of the credentials, seconds.
        sts_timeout_s: Longest wait for one answer of STS, seconds.
        key_from: What tokens are verified with.
        token_rules: What is demanded of a token.
    """

    namespace: str
    client_role_arn: str
    partition: str
    iot_endpoint: str
    region: str
    duration_s: int
    sts_timeout_s: float
    key_from: KeyFrom
    token_rules: TokenRules

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from an environment.

        Raises:
            SettingsError: Anything is wrong or unknown; it names every problem.
        """
        env = EnvReader(PREFIX, environ)
        key_from, algorithms = _key_from(env)
        role_arn = _required(env, "CLIENT_ROLE_ARN", _ROLE_ARN, "must be the ARN of an IAM role")
        settings = cls(
            namespace=_namespace(env),
            client_role_arn=role_arn,
            partition=role_arn.split(":")[1] if role_arn else "",
            iot_endpoint=_iot_endpoint(env),
            region=_region(env, environ),
            duration_s=env.integer(
                "DURATION_S",
                MAX_CHAINED_SESSION_S,
                least=MIN_SESSION_S,
                most=MAX_CHAINED_SESSION_S,
            ),
            sts_timeout_s=env.number("STS_TIMEOUT_S", 2, least=0.1, most=10),
            key_from=key_from,
            token_rules=TokenRules(
                algorithms=frozenset(algorithms),
                expected=Expected(
                    issuer=env.optional("JWT_ISSUER"),
                    audiences=env.listing("JWT_AUDIENCE"),
                    leeway_s=env.number("JWT_LEEWAY_S", 30, least=0, most=300),
                ),
            ),
        )
        env.finish()
        return settings


def _required(env: EnvReader, name: str, shape: re.Pattern[str], refusal: str) -> str:
    value = env.required(name)
    if value and not shape.fullmatch(value):
        env.problem(name, refusal)
        return ""
    return value


def _namespace(env: EnvReader) -> str:
    env.required("NAMESPACE")
    return env.parsed("NAMESPACE", "", check_namespace)


def _region(env: EnvReader, environ: Mapping[str, str]) -> str:
    region = env.text("REGION", environ.get("AWS_REGION", ""))
    if not _REGION.fullmatch(region):
        env.problem("REGION", "(or AWS_REGION) must be an AWS region")
    return region


def _iot_endpoint(env: EnvReader) -> str:
    value = env.required("IOT_ENDPOINT")
    parts = urlsplit(value)
    if value and (
        parts.scheme not in ("wss", "ws")
        or not parts.hostname
        or parts.path != "/mqtt"
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        env.problem("IOT_ENDPOINT", "must be wss://<host>/mqtt")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"


def _key_from(env: EnvReader) -> tuple[KeyFrom, tuple[str, ...]]:
    given = [name for name in _SOURCES if env.optional(name) is not None]
    if len(given) != 1:
        choice = ", ".join(f"{PREFIX}{name}" for name in _SOURCES[1:])
        env.problem(_SOURCES[0], f"or exactly one of {choice} must be set, not {len(given)}")
    published = _published_set(env)  # read in any case, so that its names are known
    source: KeyFrom | None = None
    if given == ["JWT_SECRET"]:
        source = env.parsed("JWT_SECRET", None, key_from_secret)
        default: tuple[str, ...] = ("HS256",)
    elif given == ["JWT_SECRET_ARN"]:
        source = StoredSecret(
            _required(
                env, "JWT_SECRET_ARN", _STORED, "must be the ARN of a secret or an SSM parameter"
            )
        )
        default = ("HS256",)
    elif given == ["JWT_PUBLIC_KEY"]:
        source = env.parsed("JWT_PUBLIC_KEY", None, key_from_pem)
        own = source.algorithms if isinstance(source, VerificationKey) else frozenset()
        default = tuple(own) if len(own) == 1 else ("RS256",)
    else:
        source, default = published, ("RS256",)
    algorithms = env.listing("JWT_ALGORITHMS", default)
    secret = given in (["JWT_SECRET"], ["JWT_SECRET_ARN"])
    for problem in algorithm_problems(algorithms, secret=secret) if len(given) == 1 else ():
        env.problem("JWT_ALGORITHMS", f": {problem}")
    if isinstance(source, VerificationKey) and not secret:
        for algorithm in sorted(set(algorithms) - source.algorithms - SYMMETRIC_ALGORITHMS):
            serves = ", ".join(sorted(source.algorithms))
            env.problem("JWT_ALGORITHMS", f": the key does not serve {algorithm}, but {serves}")
    return source or published, algorithms


def _published_set(env: EnvReader) -> PublishedSet:
    url = env.text("JWKS_URL", "")
    insecure = env.flag("JWKS_INSECURE_HTTP", default=False)
    parts = urlsplit(url)
    host = parts.hostname or ""
    if url and (parts.scheme not in ("https", "http") or not host or parts.username is not None):
        env.problem("JWKS_URL", "must be https://<host>/…")
    elif parts.scheme == "http" and not insecure and not _loopback(host):
        env.problem("JWKS_URL", f"must be https (or set {PREFIX}JWKS_INSECURE_HTTP=1)")
    default = JwksTimes()
    max_age_s = env.number("JWKS_MAX_AGE_S", default.max_age_s, least=1, most=86_400)
    max_stale_s = env.number("JWKS_MAX_STALE_S", default.max_stale_s, least=1, most=604_800)
    if max_stale_s < max_age_s:
        env.problem("JWKS_MAX_STALE_S", f"must not be less than {PREFIX}JWKS_MAX_AGE_S")
    times = JwksTimes(
        max_age_s=max_age_s,
        max_stale_s=max_stale_s,
        min_interval_s=env.number(
            "JWKS_MIN_INTERVAL_S", default.min_interval_s, least=1, most=3_600
        ),
    )
    timeout_s = env.number("JWKS_TIMEOUT_S", 2, least=0.1, most=10)
    return PublishedSet(url=url, times=times, timeout_s=timeout_s)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
