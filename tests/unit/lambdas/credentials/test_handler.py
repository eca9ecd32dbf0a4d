"""The entry point builds once, lazily, and answers even where it cannot build."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from lambdas.credentials.aws import AwsClients
from lambdas.credentials.handler import Container, build
from tests.unit.issuer import NOW
from tests.unit.lambdas.credentials.stack import ENVIRON
from tests.unit.lambdas.events import event
from wire.errors import SettingsError


def test_the_import_loads_no_sdk() -> None:
    """Botocore and PyJWT are loaded by `build`, and PyJWT only for asymmetric keys."""
    script = """
import sys
from lambdas.credentials.handler import build
assert not {"botocore", "boto3", "jwt", "cryptography"} & set(sys.modules), "import"
build(ENVIRON)
assert not {"boto3", "jwt", "cryptography"} & set(sys.modules), "build"
"""
    program = f"ENVIRON = {ENVIRON!r}\n{script}"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


def test_the_built_handler_answers_by_the_given_clock() -> None:
    """What localaws runs is what AWS runs."""
    handler = build(ENVIRON, clock=lambda: NOW)
    assert handler(event("post", token="x"), None)["statusCode"] == 401


def test_wrong_settings_end_the_build() -> None:
    """All problems are in the error."""
    with pytest.raises(SettingsError) as refusal:
        build({})
    assert len(refusal.value.problems) >= 5


def test_a_container_that_cannot_be_built_answers_500(caplog: pytest.LogCaptureFixture) -> None:
    """The caller is told nothing about the stack; the log is."""
    answer: Any = Container({"CREDENTIALS_NAMESPACE": "live"})(event("post"), None)
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["code"] == "internal_error"
    assert "CREDENTIALS_CLIENT_ROLE_ARN is required" in caplog.text


def test_a_container_tries_again_and_then_keeps_its_handler() -> None:
    """A failure is not for ever, a success is."""
    environ: dict[str, str] = {}
    container = Container(environ)
    assert container.prepare() is not None
    environ.update(ENVIRON)
    assert container.prepare() is None
    made = container._handler
    assert container(event("post", token="x"), None)["statusCode"] == 401
    assert container._handler is made


def test_inside_lambda_the_init_phase_builds() -> None:
    """The first request does not wait for botocore."""
    program = (
        "import os\n"
        f"os.environ.update({ENVIRON!r}, AWS_LAMBDA_INITIALIZATION_TYPE='on-demand')\n"
        "from lambdas.credentials.handler import handler\n"
        "assert handler._handler is not None\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("environ", "service", "url"),
    [
        ({}, "sts", "https://sts.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:4566"}, "sts", "http://127.0.0.1:4566"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "ssm", "http://127.0.0.1:4566"),
        (
            {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"},
            "secretsmanager",
            "http://127.0.0.1:1",
        ),
    ],
)
def test_endpoints_come_from_the_environment(
    environ: dict[str, str], service: str, url: str
) -> None:
    """AWS's own names for them, and the regional endpoint of STS otherwise."""
    made = AwsClients({**ENVIRON, **environ}, timeout_s=2)
    assert made.client(service, "eu-west-1").meta.endpoint_url == url


def test_clients_are_made_of_the_given_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's profile changes nothing, waits are short, one retry at most."""
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/no/such/file")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDDEVELOPER")
    client = AwsClients(ENVIRON, timeout_s=2).client("sts", "eu-west-1")
    assert client._request_signer._credentials.access_key == "AKIDLAMBDA"
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries["total_max_attempts"] == 2
