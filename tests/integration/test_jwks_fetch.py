"""The JWKS fetch against a real HTTP server: bounded in time and size, and it stays put."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lambdas.credentials.errors import KeysUnavailable
from lambdas.credentials.jwks_fetch import jwks_fetcher
from tests.unit.issuer import jwk, jwks
from wire.jwks import MAX_JWKS_BYTES, parse_jwks

DOCUMENT = jwks(jwk("p256", kid="a"))


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return an HTTP answer."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


@contextmanager
def site(speak: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Serve connections one after the other; give the URL and the requests seen."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    requests.append(connection.recv(65536))
                    speak(connection)
                except OSError:
                    continue  # the client went away, as some tests want

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/keys?v=1", requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def test_the_document_is_fetched() -> None:
    """With its query, and as often as asked."""
    with site(lambda peer: peer.sendall(answer("200 OK", DOCUMENT))) as (url, requests):
        fetch = jwks_fetcher(url, timeout_s=2)
        assert parse_jwks(fetch()).knows("a")
        assert fetch() == DOCUMENT
    assert [request.split(b"\r\n")[0] for request in requests] == [b"GET /keys?v=1 HTTP/1.1"] * 2


@pytest.mark.parametrize("status", ["302 Found", "301 Moved Permanently", "404 No", "500 Oops"])
def test_anything_but_200_is_refused(status: str) -> None:
    """A redirect leads nowhere, to no other host and to no other page."""
    elsewhere = answer(status, DOCUMENT, "Location: http://127.0.0.1:1/keys")
    with (
        site(lambda peer: peer.sendall(elsewhere)) as (url, requests),
        pytest.raises(KeysUnavailable, match=status[:3]),
    ):
        jwks_fetcher(url, timeout_s=2)()
    assert len(requests) == 1


def test_a_document_without_end_is_cut_off() -> None:
    """No answer takes more memory than the limit."""

    def flood(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_JWKS_BYTES * 2))

    with site(flood) as (url, _), pytest.raises(KeysUnavailable, match="larger"):
        jwks_fetcher(url, timeout_s=5)()


def test_a_silent_site_times_out() -> None:
    """The wait is the configured one."""
    with site(lambda _: time.sleep(1)) as (url, _), pytest.raises(KeysUnavailable, match="Timeout"):
        jwks_fetcher(url, timeout_s=0.2)()


def test_a_trickling_site_times_out() -> None:
    """Bytes that keep coming do not extend the time for the whole body."""

    def trickle(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(40):
            peer.sendall(b" ")
            time.sleep(0.05)

    with site(trickle) as (url, _), pytest.raises(KeysUnavailable, match="in time"):
        jwks_fetcher(url, timeout_s=0.3)()


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n"])
def test_a_site_that_speaks_no_http_is_refused(said: bytes) -> None:
    """Whatever it sends."""
    with site(lambda peer: peer.sendall(said)) as (url, _), pytest.raises(KeysUnavailable):
        jwks_fetcher(url, timeout_s=1)()


def test_a_closed_port_is_refused() -> None:
    """As is a name that does not resolve."""
    for url in ("http://127.0.0.1:1/keys", "https://127.0.0.1:1/keys", "http://no.invalid/keys"):
        with pytest.raises(KeysUnavailable):
            jwks_fetcher(url, timeout_s=1)()


def test_tls_is_verified() -> None:
    """A server that is no TLS server cannot pass for one."""
    with site(lambda peer: peer.sendall(answer("200 OK", DOCUMENT))) as (url, _):
        secure = url.replace("http://", "https://")
        with pytest.raises(KeysUnavailable, match="SSL"):
            jwks_fetcher(secure, timeout_s=2)()
