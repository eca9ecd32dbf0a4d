"""A credential function around a stubbed STS, for tests."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from typing import Any

from botocore.stub import ANY, Stubber

from lambdas.credentials.aws import AwsClients
from lambdas.credentials.client_role import ClientRole
from lambdas.credentials.function import CredentialFunction
from lambdas.credentials.key_source import KeySource, key_source
from lambdas.credentials.settings import Settings
from tests.unit.issuer import NOW, SECRET

ENVIRON = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIDLAMBDA",
    "AWS_SECRET_ACCESS_KEY": "the function's own secret",
    "AWS_SESSION_TOKEN": "the function's own token",
    "CREDENTIALS_NAMESPACE": "live",
    "CREDENTIALS_CLIENT_ROLE_ARN": "arn:aws:iam::123456789012:role/live-client",
    "CREDENTIALS_IOT_ENDPOINT": "wss://abc-ats.iot.eu-west-1.amazonaws.com/mqtt",
    "CREDENTIALS_JWT_SECRET": SECRET,
}
"""A complete environment of the function."""

STS_SECRET = "sts-secret/access+key"
STS_TOKEN = "sts/session+token=="
GRANTED = {
    "Credentials": {
        "AccessKeyId": "ASIACLIENT0000000000",
        "SecretAccessKey": STS_SECRET,
        "SessionToken": STS_TOKEN,
        "Expiration": NOW + timedelta(hours=1),
    },
    "AssumedRoleUser": {
        "AssumedRoleId": "AROACLIENT0000000000:42",
        "Arn": "arn:aws:sts::123456789012:assumed-role/live-client/42",
    },
    "PackedPolicySize": 37,
}
"""What STS answers when all is well."""


@lru_cache
def clients() -> AwsClients:
    """Return a maker of clients that never reach AWS."""
    return AwsClients(ENVIRON, timeout_s=1)


class Stack:
    """A function with its STS stubbed: queue answers, send events, look at the calls."""

    def __init__(self, keys: KeySource | None = None, **changes: str) -> None:
        environ = {name: value for name, value in {**ENVIRON, **changes}.items() if value}
        self.settings = Settings.from_env(environ)
        self.client = client = clients().client("sts", self.settings.region)
        self.sts = Stubber(client)
        self.sts.activate()
        self.calls: list[dict[str, Any]] = []
        client.meta.events.register_first(
            "provide-client-params.sts.AssumeRole",
            lambda params, **_: self.calls.append(params),
        )
        self.function = CredentialFunction(
            self.settings,
            keys=keys or key_source(self.settings.key_from, clients()),
            role=ClientRole(client, self.settings.client_role_arn),
            clock=lambda: NOW,
        )

    def grants(self) -> None:
        """Let STS answer the next call with credentials."""
        expected = dict.fromkeys(("RoleArn", "RoleSessionName", "Policy"), ANY)
        self.sts.add_response("assume_role", GRANTED, {**expected, "DurationSeconds": ANY})

    def refuses(self, code: str, status: int = 400, message: str = "no") -> None:
        """Let STS answer the next call with an error."""
        self.sts.add_client_error("assume_role", code, message, http_status_code=status)

    def fails(self, error: Exception) -> None:
        """Let the next call end without an answer."""

        def fail(**_: object) -> None:
            raise error

        self.sts.deactivate()
        self.client.meta.events.register_first("before-parameter-build.sts.AssumeRole", fail)

    def send(self, event: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Return status, headers and body of the function's answer to an event."""
        answer: Any = self.function(event)
        assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
        assert answer["headers"]["cache-control"] == "no-store"
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])
