"""The OpenAPI document is true: schemathesis calls a real gateway by it, and finds nothing amiss.

Checked for every answer: no 5xx, documented statuses, types, headers and bodies; good data is taken,
bad data is not; no access without a key; and sequences of calls that the document links.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from gateway.key_file import write_keys
from gateway.keys import Keyring, new_key
from localaws.embedded import LocalAws
from tests.integration.gateway_process import environment, gateway_process

HERE = Path(__file__).parent / "schemathesis"
MAX_TIME_S = 30
"""Budget of the run: phases that repeat go on until it is spent."""


@pytest.mark.timeout(300)
async def test_the_description_is_true(tmp_path: Path) -> None:
    """Localaws stands behind the gateway, so that clients' connections are real answers, too."""
    key, kept = new_key(
        name="shop",
        publish=["*"],
        rate_per_s=None,
        admin=True,
        now=datetime(2026, 1, 31, tzinfo=UTC),
    )
    write_keys(tmp_path / "keys.json", Keyring([kept]))
    async with LocalAws() as aws:
        environ = environment(
            AWS_ACCESS_KEY_ID=aws.gateway.access_key_id,
            AWS_SECRET_ACCESS_KEY=aws.gateway.secret.reveal(),
            GATEWAY_NAMESPACE="local",
            GATEWAY_IOT_ENDPOINT=aws.endpoints.iot_url,
            GATEWAY_KEYS_FILE=str(tmp_path / "keys.json"),
            GATEWAY_MAX_WAIT_S="0.2",
        )
        async with gateway_process(environ) as gateway:
            with gateway.reading():
                code, said = await schemathesis(gateway.url, key.reveal(), tmp_path)
            assert code == 0, said
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{gateway.url}/healthz") as answer,
            ):
                assert answer.status == 200
    messages = {line["message"] for line in gateway.lines}
    assert "request" in messages
    assert "unexpected error" not in messages


async def schemathesis(url: str, key: str, folder: Path) -> tuple[int, str]:
    """Run it; return its exit code and the end of what it wrote."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("--no-color", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}"),
        # An answer without an end: tests/integration/test_gateway_stream.py.
        *("--exclude-path", "/v1/stream"),
        # A stream does not end, and has tests of its own.
        *("--request-timeout", "10", "--exclude-path-regex", "/stream$"),
        *("--seed", "7", "--max-examples", "25", "--max-time", str(MAX_TIME_S)),
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()[:20_000]
