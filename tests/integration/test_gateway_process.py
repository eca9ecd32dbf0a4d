"""The gateway as its own process: what it says at start, on signals, and when it stops."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from gateway.key_file import write_keys
from gateway.keys import Keyring, ServiceKey, new_key
from gateway.principals import new_principal
from tests.integration.gateway_process import environment, gateway_process, refused_start
from tests.integration.gateway_stub import Fault, stub_iot

ENDPOINT = {"GATEWAY_IOT_ENDPOINT": "http://127.0.0.1:9"}


def made() -> tuple[str, ServiceKey]:
    """Make a key that may publish anywhere."""
    now = datetime(2026, 1, 31, tzinfo=UTC)
    key, kept = new_key(name="shop", publish=["*"], rate_per_s=None, admin=False, now=now)
    return key.reveal(), kept


async def post(url: str, key: str, topic_name: str = "42") -> int:
    """Post an event and wait for its outcome; return the status."""
    document = {"to": f"user:{topic_name}", "type": "t", "data": "the-payload"}
    headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=20"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/events", json=document, headers=headers) as answer,
    ):
        return answer.status


async def test_does_not_start_without_keys(tmp_path: Path) -> None:
    """Neither without a file nor with an empty one; the sentence says how to make one."""
    empty = tmp_path / "keys.json"
    write_keys(empty, Keyring())
    for more in ({}, {"GATEWAY_KEYS_FILE": str(empty)}):
        code, said = await refused_start(environment(**ENDPOINT, **more))
        assert code == 2
        assert "python -m gateway key new" in said
        assert "Traceback" not in said


async def test_starts_without_keys_only_when_told_and_warns() -> None:
    """The insecure switch has an insecure name, and a warning."""
    environ = environment(**ENDPOINT, GATEWAY_INSECURE_NO_AUTH="1")
    async with gateway_process(environ) as gateway:
        assert gateway.lines[0]["message"] == "everybody may publish anything"
        assert gateway.lines[0]["level"] == "warning"


async def test_names_a_taken_port(tmp_path: Path) -> None:
    """And the setting that moves it."""
    write_keys(tmp_path / "keys.json", Keyring([made()[1]]))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, said = await refused_start(
            environment(
                **ENDPOINT, GATEWAY_PORT=port, GATEWAY_KEYS_FILE=str(tmp_path / "keys.json")
            )
        )
    assert code == 2
    assert said.splitlines()[-1] == (
        f"gateway: port {port} on 127.0.0.1 is taken; GATEWAY_PORT moves it"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_drains_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """The event under way is answered, readiness says so first, and the exit code is 0."""
    key, kept = made()
    write_keys(tmp_path / "keys.json", Keyring([kept]))
    async with stub_iot() as stub:
        stub.fault = Fault(hang=True)
        environ = environment(
            GATEWAY_IOT_ENDPOINT=stub.url,
            GATEWAY_KEYS_FILE=str(tmp_path / "keys.json"),
            GATEWAY_NOTICE_S="0.5",
        )
        async with gateway_process(environ) as gateway:
            under_way = asyncio.create_task(post(gateway.url, key))
            await stub.arrived.wait()
            gateway.send(number)
            await gateway.line("gateway stopping")
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{gateway.url}/readyz") as answer,
            ):
                assert (await answer.json())["troubles"] == {"gateway": "stopping"}
            stub.released.set()
            assert await under_way == 200
            assert await gateway.ended() == 0
            assert gateway.lines[-1]["message"] == "gateway stopped"


async def test_reads_keys_again_on_sighup(tmp_path: Path) -> None:
    """New keys work and old ones do not, without a restart; a broken file changes nothing."""
    path = tmp_path / "keys.json"
    (old, old_kept), (new, new_kept) = made(), made()
    write_keys(path, Keyring([old_kept]))
    async with stub_iot() as stub:
        environ = environment(GATEWAY_IOT_ENDPOINT=stub.url, GATEWAY_KEYS_FILE=str(path))
        async with gateway_process(environ) as gateway:
            assert await post(gateway.url, new) == 401
            write_keys(path, Keyring([new_kept]))
            gateway.send(signal.SIGHUP)
            assert (await gateway.line("service keys reloaded"))["keys"] == 1
            assert await post(gateway.url, new) == 200
            assert await post(gateway.url, old) == 401
            path.write_text("broken")
            gateway.send(signal.SIGHUP)
            await gateway.line("service keys not reloaded")
            assert await post(gateway.url, new) == 200


async def test_logs_one_line_for_each_request_and_no_secrets(tmp_path: Path) -> None:
    """The line has what happened; keys, payloads and credentials stand nowhere."""
    key, kept = made()
    write_keys(tmp_path / "keys.json", Keyring([kept]))
    async with stub_iot() as stub:
        environ = environment(
            GATEWAY_IOT_ENDPOINT=stub.url,
            GATEWAY_KEYS_FILE=str(tmp_path / "keys.json"),
            GATEWAY_LOG_LEVEL="debug",
        )
        async with gateway_process(environ) as gateway:
            assert await post(gateway.url, key) == 200
            line = await gateway.line("request")
            gateway.send(signal.SIGTERM)
            assert await gateway.ended() == 0
    facts = (line["route"], line["status"], line["service"], line["state"], line["addresses"])
    assert facts == ("/v1/events", 200, "shop", "published", 1)
    written = json.dumps(gateway.lines)
    for secret in (key, "the-payload", "example-secret"):
        assert secret not in written


async def test_principals_alone_need_an_inbox(tmp_path: Path) -> None:
    """They open nothing over HTTP: without an inbox nobody could publish."""
    named = new_principal(
        id_="AROAJ2UCCR6DPCEXAMPLE",
        name="shop",
        publish=["*"],
        rate_per_s=None,
        now=datetime.now(UTC),
    )
    write_keys(tmp_path / "keys.json", Keyring(principals=[named]))
    environ = environment(
        GATEWAY_IOT_ENDPOINT="http://127.0.0.1:9", GATEWAY_KEYS_FILE=str(tmp_path / "keys.json")
    )
    code, said = await refused_start(environ)
    assert (code, "nobody could publish" in said) == (2, True)
    inbox = "http://127.0.0.1:9/123456789012/inbox.fifo"
    async with gateway_process(environ | {"GATEWAY_INBOX": inbox}) as process:
        assert process.url
