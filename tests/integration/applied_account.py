"""The Pulumi program, applied for real to localaws: each resource it registers is made through boto3.

Owns the run: the program registers a resource when its inputs are known, so dependencies come first
and outputs flow as they do in `pulumi up`; this account makes it and answers with what AWS answered.
How each type is made is in `applied_resources`, `applied_messaging` and `applied_network`; a type
that is in none of them fails the run by its name.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.unit.infra.program import LOOK_UPS, Account

if TYPE_CHECKING:
    from pulumi.runtime import mocks

    from localaws.core.signature import AccessKey

ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


class UnknownResource(AssertionError):
    """The program registers something that this harness does not know how to make."""


@dataclass(slots=True)
class Made:
    """What was made and has to run here: functions, what feeds them, and the HTTP API.

    Attributes:
        functions: Inputs of each function, by ARN.
        sources: Queue ARN, function ARN and batch size of each event source mapping.
        routes: Function invoke ARN by route key of each API.
        permissions: What each function lets in: service and source ARN.
        cors: CORS configuration of the API.
        queue_urls: By queue ARN.
        domains: Names of the HTTP API's own that lead to it.
    """

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: list[tuple[str, str, int]] = field(default_factory=list)
    integrations: dict[str, str] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)
    permissions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    cors: dict[str, Any] = field(default_factory=dict)
    execution_arn: str = ""
    queue_urls: dict[str, str] = field(default_factory=dict)
    domains: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class AppliedAccount(Account):
    """One account and region of a running localaws.

    Attributes:
        aws_url: Where its APIs answer.
        api_url: Where this harness serves HTTP APIs.
        iot_host: Host and port of the IoT endpoint.
        admin: A key that may do anything, as whoever runs `pulumi up` does.
        account_id: Account id.
        region: Region.
        made: What has to run here.
    """

    aws_url: str
    api_url: str
    iot_host: str
    admin: AccessKey
    account_id: str
    region: str
    made: Made = field(default_factory=Made)
    clients: dict[str, Any] = field(default_factory=dict)
    making: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, signed by the admin."""
        with self.making:
            if service not in self.clients:
                self.clients[service] = client(
                    service, self.admin, url=self.aws_url, region=self.region
                )
            return self.clients[service]

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Answer a look-up with where localaws stands."""
        if args.token == "aws:iot/getEndpoint:getEndpoint":
            return {"id": self.iot_host, "endpointAddress": self.iot_host}
        answer = dict(LOOK_UPS[args.token])
        for name, value in {"region": self.region, "accountId": self.account_id}.items():
            if name in answer:
                answer[name] = value
        return answer

    def create(
        self, args: mocks.MockResourceArgs, inputs: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Make one resource through boto3."""
        from tests.integration.applied_messaging import MAKERS as MESSAGING
        from tests.integration.applied_network import MAKERS as NETWORK
        from tests.integration.applied_resources import MAKERS

        maker = {**MAKERS, **MESSAGING, **NETWORK}.get(args.typ)
        if maker is None:
            raise UnknownResource(f"the harness does not know {args.typ} ({args.name})")
        name = self.physical_name(args.name, inputs)
        id_, outputs = maker(self, name, inputs)
        return id_, {**inputs, "name": name, **outputs}

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def physical_name(self, logical: str, inputs: Mapping[str, Any]) -> str:
        """Name a resource as Pulumi would: exactly as told, or uniquely."""
        if inputs.get("name"):
            return str(inputs["name"])
        unique = secrets.token_hex(3) + "a"
        stem = inputs.get("namePrefix") or f"{logical}-"
        suffix = ".fifo" if inputs.get("fifoQueue") or inputs.get("fifoTopic") else ""
        return f"{stem}{unique}{suffix}"


def client(service: str, key: AccessKey, *, url: str, region: str) -> Any:
    """Return a boto3 client that signs with a key and does not try again."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service the program uses
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret.reveal(),
        aws_session_token=key.session_token.reveal() if key.session_token else None,
        config=ONCE,
    )
