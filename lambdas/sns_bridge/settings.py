"""The SNS bridge's settings.

Owns names, defaults and checks; every problem is reported at once.

| setting | default | meaning |
|---|---|---|
| `SNS_BRIDGE_NAMESPACE` | required | first level of every topic |
| `SNS_BRIDGE_IOT_ENDPOINT` | required | URL of the account's IoT data endpoint |
| `SNS_BRIDGE_REGION` | `AWS_REGION` | region requests are signed for |
| `SNS_BRIDGE_ROUTES` | required | where each queue's messages go, JSON |
| `SNS_BRIDGE_TIMEOUT_S` | 3 | longest wait for one answer of IoT Core |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lambdas.sns_bridge.route import Route, parse_routes
from wire.address import check_namespace
from wire.settings import EnvReader

PREFIX: Final = "SNS_BRIDGE_"

PUBLISH_TRIES: Final = 2
"""Tries of the client within one invocation; more are SQS's matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one container of the bridge is told.

    Attributes:
        namespace: First level of every topic.
        iot_endpoint: ``https://<host>[:<port>]``.
        region: Region requests are signed for.
        routes: Where each queue's messages go, by queue ARN.
        timeout_s: Longest wait for one answer, seconds.
    """

    namespace: str
    iot_endpoint: str
    region: str
    routes: Mapping[str, Route]
    timeout_s: float

    @property
    def connect_timeout_s(self) -> float:
        """Longest wait for a connection inside one region, seconds."""
        return min(1.0, self.timeout_s)

    @property
    def longest_publish_ms(self) -> float:
        """What one publish may take: each of the client's tries a connect and a read."""
        return 1_000 * PUBLISH_TRIES * (self.connect_timeout_s + self.timeout_s)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from an environment.

        Raises:
            SettingsError: Anything is wrong or unknown; it names every problem.
        """
        env = EnvReader(PREFIX, environ)
        for name in ("NAMESPACE", "IOT_ENDPOINT", "ROUTES"):
            env.required(name)
        region = env.text("REGION", environ.get("AWS_REGION", ""))
        if not region:
            env.problem("REGION", "(or AWS_REGION) is required")
        settings = cls(
            namespace=env.parsed("NAMESPACE", "", check_namespace),
            iot_endpoint=env.parsed("IOT_ENDPOINT", "", _endpoint),
            region=region,
            routes=env.parsed("ROUTES", {}, parse_routes),
            timeout_s=env.number("TIMEOUT_S", 3, least=0.1, most=30),
        )
        env.finish()
        return settings


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("must be https://<host>")
    return f"{parts.scheme}://{parts.netloc.lower()}"
