"""Both publish paths over real sockets: the same bytes, the same errors, the same care."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.core.publication import Publication
from gateway.errors import (
    CredentialsFailed,
    PublishDenied,
    PublishFailed,
    PublishInvalid,
    PublishThrottled,
    PublishTimedOut,
    PublishTooLarge,
    PublishUnavailable,
)
from gateway.iot import open_iot_data
from gateway.settings import Settings
from tests.integration.iot_server import IotServer, answer, iot_server, refusal
from wire.address import Address

PATHS = ["direct", "stock"]
ADDRESS = Address.parse("group:a b/c".replace(" ", "="))
PUBLICATION = Publication(
    address=ADDRESS,
    topic=ADDRESS.topic("local"),
    payload=b'{"n": 1}',
    content_type="application/cloudevents+json; charset=utf-8",
    qos=1,
    retain=False,
    message_expiry_s=60,
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep credentials in a file, and nowhere else; return the file."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "CA_BUNDLE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    write_keys(path, "AKIAFIRST")
    return path


def write_keys(path: Path, access_key: str) -> None:
    """Write a credentials file."""
    path.write_text(
        f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = example\n"
        "aws_session_token = example/token+=\n"
    )


@pytest.fixture
async def server() -> AsyncIterator[IotServer]:
    """A server in IoT Core's place."""
    async with iot_server() as running:
        yield running


def told(server: IotServer, path: str) -> Settings:
    """Return settings for a path to the server, with short timeouts."""
    return Settings(
        namespace="local",
        iot_endpoint=server.url,
        region="eu-west-3",
        publish_path="direct" if path == "direct" else "stock",
        iot_connections=4,
        connect_timeout_s=1.0,
        read_timeout_s=1.0,
        publish_timeout_s=2.0,
    )


async def test_both_send_the_same_bytes(server: IotServer) -> None:
    """On the wire the paths differ in date, signature and the id of the invocation only."""
    for path in PATHS:
        async with open_iot_data(told(server, path)) as iot:
            assert iot.path == path
            await iot.publish(PUBLICATION)
    changing = rb"(X-Amz-Date: |Signature=|amz-sdk-invocation-id: )[^\r]+"
    direct, stock = (re.sub(changing, rb"\1", request) for request in server.requests)
    # With AWS's C library as its signer, the stock client writes this one name in lower case.
    assert direct == stock.replace(b"\r\nhost: ", b"\r\nHost: ")
    assert b"X-Amz-Security-Token: example/token+=\r\n" in direct
    ids = [re.findall(rb"invocation-id: ([0-9a-f-]{36})\r", request) for request in server.requests]
    assert all(len(found) == 1 for found in ids)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (refusal(429, "ThrottlingException", retry_after="7"), PublishThrottled),
        (refusal(403, "ForbiddenException", "Forbidden"), PublishDenied),
        (refusal(401, "UnauthorizedException"), PublishDenied),
        (refusal(403, "ExpiredTokenException"), CredentialsFailed),
        (refusal(400, "InvalidRequestException"), PublishInvalid),
        (refusal(404, "ResourceNotFoundException"), PublishInvalid),
        (refusal(413, "RequestEntityTooLargeException"), PublishTooLarge),
        (refusal(500, "InternalFailureException"), PublishUnavailable),
        (refusal(503, "ServiceUnavailableException"), PublishUnavailable),
        (answer(502, b"<html>", content_type="text/html"), PublishUnavailable),
        (answer(400, b"not json"), PublishInvalid),
        (b"nonsense\r\n\r\n", PublishUnavailable),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", PublishTimedOut),
        (b"", PublishTimedOut),
        (None, PublishUnavailable),
    ],
)
async def test_both_raise_the_same(
    server: IotServer, path: str, reply: bytes | None, failure: type[PublishFailed]
) -> None:
    """Every answer and every silence has the same meaning on both paths."""
    server.reply = lambda _: reply
    async with open_iot_data(told(server, path)) as iot:
        with pytest.raises(PublishFailed) as caught:
            await iot.publish(PUBLICATION)
        assert type(caught.value) is failure
        assert caught.value.retry_after_s == (7.0 if failure is PublishThrottled else None)
        if reply and b'"words"' in reply:
            assert "words" in str(caught.value)
        server.reply = lambda _: answer()
        await iot.publish(PUBLICATION)


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_there(server: IotServer, path: str) -> None:
    """A port that nobody listens on is unavailable, and found again when somebody does."""
    settings = replace(told(server, path), iot_endpoint="http://127.0.0.1:1")
    async with open_iot_data(settings) as iot:
        with pytest.raises(PublishUnavailable):
            await iot.publish(PUBLICATION)
        with pytest.raises(PublishUnavailable):
            await iot.check()


@pytest.mark.parametrize("path", PATHS)
async def test_keys_that_were_replaced_cost_no_attempt(
    server: IotServer, path: str, place: Path
) -> None:
    """Keys refused as expired are read anew and the publish is sent again, once, at once."""

    def reply(request: bytes) -> bytes:
        good = b"Credential=AKIASECOND/" in request
        return answer() if good else refusal(403, "ExpiredTokenException")

    # Time is not what this is about, and the server shares this event loop with twenty publishes.
    settings = replace(told(server, path), read_timeout_s=10.0, publish_timeout_s=20.0)
    async with open_iot_data(settings) as iot:
        await iot.publish(PUBLICATION)
        write_keys(place, "AKIASECOND")
        server.reply = reply
        await asyncio.gather(*(iot.publish(PUBLICATION) for _ in range(20)))
        assert len(server.requests) <= 41
        server.reply = lambda _: refusal(403, "ExpiredTokenException")
        before = len(server.requests)
        with pytest.raises(CredentialsFailed):
            await iot.publish(PUBLICATION)
        assert len(server.requests) == before + 1


@pytest.mark.parametrize("path", PATHS)
async def test_keys_that_come_late(server: IotServer, path: str, place: Path) -> None:
    """A gateway that started without credentials publishes as soon as there are some."""
    place.write_text("")  # noqa: ASYNC240 - a small file of ours
    async with open_iot_data(told(server, path)) as iot:
        with pytest.raises(CredentialsFailed):
            await iot.publish(PUBLICATION)
        with pytest.raises(CredentialsFailed):
            await iot.check()
        write_keys(place, "AKIALATE")
        await iot.publish(PUBLICATION)
        await iot.check()


@pytest.mark.parametrize("path", PATHS)
async def test_bounds_its_connections(server: IotServer, path: str) -> None:
    """No more requests at once than connections; the others wait and then go on them, too."""
    async with open_iot_data(told(server, path)) as iot:
        server.hold.clear()
        tasks = [asyncio.create_task(iot.publish(PUBLICATION)) for _ in range(12)]
        async with asyncio.timeout(10):
            while server.most_open < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
        server.hold.set()
        await asyncio.gather(*tasks)
    assert server.most_open == 4
    assert server.connections == 4
    assert len(server.requests) == 12


@pytest.mark.parametrize("path", PATHS)
async def test_waiting_for_a_connection_ends(server: IotServer, path: str) -> None:
    """A publish that gets no turn within its time fails, and the rest is as good as before."""
    settings = replace(told(server, path), read_timeout_s=2.0, publish_timeout_s=0.3)
    async with open_iot_data(settings) as iot:
        server.hold.clear()
        tasks = [asyncio.create_task(iot.publish(PUBLICATION)) for _ in range(8)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in done] == [PublishTimedOut] * 8
        server.hold.set()
        await iot.publish(PUBLICATION)


@pytest.mark.parametrize("path", PATHS)
async def test_survives_connections_that_are_closed(server: IotServer, path: str) -> None:
    """Connections that the other end closed while idle are not used again."""
    async with open_iot_data(told(server, path)) as iot:
        await asyncio.gather(*(iot.publish(PUBLICATION) for _ in range(4)))
        server.cut()
        await asyncio.sleep(0.05)
        await asyncio.gather(*(iot.publish(PUBLICATION) for _ in range(4)))
    assert server.connections == 8


@pytest.mark.parametrize("path", PATHS)
async def test_a_cancelled_publish_takes_its_connection_with_it(
    server: IotServer, path: str
) -> None:
    """The answer to a publish that was given up never answers another."""
    async with open_iot_data(told(server, path)) as iot:
        server.hold.clear()
        task = asyncio.create_task(iot.publish(PUBLICATION))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.hold.set()
        server.reply = lambda _: refusal(429, "ThrottlingException")
        with pytest.raises(PublishThrottled):
            await iot.publish(PUBLICATION)
    assert server.connections == 2


async def test_closing_ends_what_is_under_way(server: IotServer) -> None:
    """No publish hangs when the gateway closes its connections."""
    async with open_iot_data(told(server, "direct")) as iot:
        server.hold.clear()
        task = asyncio.create_task(iot.publish(PUBLICATION))
        await asyncio.sleep(0.1)
    with pytest.raises(PublishUnavailable):
        await task


async def test_leaves_proxies_to_the_stock_client(
    server: IotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a proxy is set, the stock client is taken: it knows how to use one."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    async with open_iot_data(told(server, "direct")) as iot:
        assert iot.path == "stock"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with open_iot_data(told(server, "direct")) as iot:
        assert iot.path == "direct"


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for localhost; return a server's context and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "trusted.pem", folder / "key.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


@pytest.mark.parametrize("path", PATHS)
async def test_checks_certificates(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS with a certificate of a trusted authority, for the right name, or nothing is sent."""
    context, trusted = certificate(tmp_path)
    async with iot_server(context) as server:
        async with open_iot_data(told(server, path)) as iot:
            with pytest.raises(PublishUnavailable):
                await iot.publish(PUBLICATION)
        assert server.requests == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
        async with open_iot_data(told(server, path)) as iot:
            assert iot.path == path
            await iot.publish(PUBLICATION)
            await iot.publish(PUBLICATION)
        elsewhere = server.url.replace("localhost", "127.0.0.1")
        async with open_iot_data(replace(told(server, path), iot_endpoint=elsewhere)) as iot:
            with pytest.raises(PublishUnavailable):
                await iot.publish(PUBLICATION)
        assert len(server.requests) == 2
