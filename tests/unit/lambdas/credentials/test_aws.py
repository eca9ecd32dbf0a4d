"""The container's clients are made of the environment, and quickly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError

from lambdas.credentials.aws import SERVICES, AwsClients

ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:2",
}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_a_client(service: str) -> None:
    """With its own endpoint where the environment names one, and the common one otherwise."""
    client = AwsClients(ENVIRON, timeout_s=3).client(service, "eu-west-1")
    port = 2 if service == "secretsmanager" else 1
    assert client.meta.endpoint_url == f"http://127.0.0.1:{port}"
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries["total_max_attempts"] == 2


def test_no_other_service_is_known() -> None:
    """A service that is to be used must be named first."""
    with pytest.raises(UnknownServiceError):
        AwsClients(ENVIRON, timeout_s=3).client("sqs", "eu-west-1")


def test_botocores_services_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the folder of the one service is listed."""
    listed: list[str] = []
    real = os.listdir

    def listdir(path: str) -> list[str]:
        listed.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    AwsClients(ENVIRON, timeout_s=3).client("sts", "eu-west-1")
    assert set(listed) == {"sts"}
