"""The bridge's settings and its entry point."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lambdas.sns_bridge.handler import build
from lambdas.sns_bridge.settings import Settings
from tests.unit.lambdas.sns_bridge.records import FIFO, QUEUE
from wire.address import Address
from wire.errors import SettingsError

GOOD = {
    "SNS_BRIDGE_NAMESPACE": "prod",
    "SNS_BRIDGE_IOT_ENDPOINT": "https://x-ats.iot.eu-west-1.amazonaws.com",
    "SNS_BRIDGE_ROUTES": json.dumps(
        {
            QUEUE: {"to": "everyone", "raw": True, "sns": "news"},
            FIFO: {"to": "group:orders/*", "raw": False, "sns": "orders.fifo"},
        }
    ),
    "AWS_REGION": "eu-west-1",
}


def test_routes_are_read() -> None:
    """Each queue leads somewhere; FIFO queues keep order."""
    routes = Settings.from_env(GOOD).routes
    assert routes[QUEUE].only_address == Address.parse("everyone")
    assert routes[FIFO].only_address is None
    assert (routes[QUEUE].ordered, routes[FIFO].ordered) == (False, True)
    assert (routes[QUEUE].raw, routes[FIFO].raw) == (True, False)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SNS_BRIDGE_NAMESPACE", "a/b", "SNS_BRIDGE_NAMESPACE"),
        ("SNS_BRIDGE_IOT_ENDPOINT", "ftp://x", "must be https://<host>"),
        ("SNS_BRIDGE_ROUTES", "[]", "must be a JSON object of routes"),
        (
            "SNS_BRIDGE_ROUTES",
            '{"a": {"to": "nobody", "raw": true, "sns": "x"}}',
            "invalid address",
        ),
        ("SNS_BRIDGE_ROUTES", '{"a": {}}', "must be a JSON object of routes"),
        ("SNS_BRIDGE_ROUTE", "{}", "did you mean SNS_BRIDGE_ROUTES?"),
        ("SNS_BRIDGE_TIMEOUT_S", "0", "must be between 0.1 and 30"),
    ],
)
def test_bad_settings_are_named(name: str, value: str, problem: str) -> None:
    """A container with wrong settings does not start."""
    with pytest.raises(SettingsError, match=problem.replace("?", r"\?")):
        Settings.from_env({**GOOD, name: value})


def test_all_that_is_missing_is_named_at_once() -> None:
    """Four settings have no default."""
    with pytest.raises(SettingsError) as caught:
        build({})
    for name in ("NAMESPACE", "IOT_ENDPOINT", "ROUTES", "REGION"):
        assert f"SNS_BRIDGE_{name}" in str(caught.value)


def test_importing_the_handler_loads_no_sdk() -> None:
    """A cold start pays for botocore once, when it is built, and never for boto3."""
    program = (
        "import sys, lambdas.sns_bridge.handler; "
        "print(sorted({'boto3', 'botocore', 'jwt'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
