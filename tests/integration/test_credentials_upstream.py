"""The credential function against an STS that cannot be reached or does not speak."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime
from typing import Any

from lambdas.credentials.handler import build
from tests.unit.issuer import Issuer, claims
from tests.unit.lambdas.credentials.stack import ENVIRON
from tests.unit.lambdas.events import event


def ask(sts_url: str) -> tuple[int, str, float]:
    """Return status, problem code and seconds of a request with a good token."""
    environ = {**ENVIRON, "AWS_ENDPOINT_URL_STS": sts_url, "CREDENTIALS_STS_TIMEOUT_S": "0.3"}
    handler = build(environ)
    token = Issuer().sign(claims(exp=int(datetime.now(UTC).timestamp()) + 600))
    started_s = time.monotonic()
    answer: Any = handler(event("post", token=token), None)
    seconds = time.monotonic() - started_s
    return answer["statusCode"], json.loads(answer["body"])["code"], seconds


def test_a_closed_sts_port_is_502() -> None:
    """After one retry."""
    status, code, seconds = ask("http://127.0.0.1:1")
    assert (status, code) == (502, "sts_unavailable")
    assert seconds < 3


def test_a_silent_sts_is_502_in_time() -> None:
    """Two waits of the configured length and one pause of a second at most."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        status, code, seconds = ask(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert (status, code) == (502, "sts_unavailable")
    assert 0.6 <= seconds < 4
