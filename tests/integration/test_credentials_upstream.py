"""The credential function against an STS and an issuer that are down, silent or rotating."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from lambdas.credentials.handler import Handler, build
from tests.unit.issuer import Issuer, claims, jwk, jwks
from tests.unit.lambdas.credentials.stack import ENVIRON
from tests.unit.lambdas.events import event

NO_STS = {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1", "CREDENTIALS_STS_TIMEOUT_S": "0.3"}


def handler(**changes: str) -> Handler:
    """Build the function with changes to its environment; an empty value takes a name away."""
    environ = {**ENVIRON, **NO_STS, **changes}
    return build({name: value for name, value in environ.items() if value})


def good(issuer: Issuer, **header: object) -> str:
    """Return a token that is good for ten minutes from now on."""
    return issuer.sign(claims(exp=int(datetime.now(UTC).timestamp()) + 600), **header)


def ask(function: Handler, token: str) -> tuple[int, Mapping[str, Any]]:
    """Return status and problem of a request that cannot be granted."""
    answer: Any = function(event("post", token=token), None)
    return answer["statusCode"], json.loads(answer["body"])


@contextmanager
def issuer_site(published: list[bytes]) -> Iterator[str]:
    """Serve the last of some documents as a JWKS; give its URL."""

    class Page(BaseHTTPRequestHandler):
        """The one page."""

        def do_GET(self) -> None:
            """Send the document as it is now."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(published[-1])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks"
        finally:
            server.shutdown()
            thread.join(timeout=5)


def test_a_closed_sts_port_is_502() -> None:
    """After one retry."""
    status, problem = ask(handler(), good(Issuer()))
    assert (status, problem["code"]) == (502, "sts_unavailable")


def test_a_silent_sts_is_502_in_time() -> None:
    """Two waits of the configured length and one pause of a second at most."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        function = handler(AWS_ENDPOINT_URL_STS=url)
        started_s = time.monotonic()
        status, problem = ask(function, good(Issuer()))
    assert (status, problem["code"]) == (502, "sts_unavailable")
    assert 0.6 <= time.monotonic() - started_s < 4


def test_published_keys_verify_and_unknown_ones_are_refused() -> None:
    """A good token gets as far as STS, a rotated one is asked for again, a strange one is 401."""
    first, second = Issuer(algorithm="RS256"), Issuer(algorithm="RS256", number=1)
    published = [jwks(jwk("rsa", kid="a"))]
    with issuer_site(published) as url:
        function = handler(
            CREDENTIALS_JWT_SECRET="",
            CREDENTIALS_JWKS_URL=url,
            CREDENTIALS_JWKS_MIN_INTERVAL_S="1",
        )
        assert ask(function, good(first, kid="a"))[1]["code"] == "sts_unavailable"
        # Not "b": a key that a fetch did not bring is not looked for again for minutes, and whether
        # this one is fetched for depends on how long the request before it took.
        status, problem = ask(function, good(second, kid="stranger"))
        assert (status, problem["reason"]) == (401, "unknown_key")
        published.append(jwks(jwk("rsa", kid="a"), jwk("rsa", 1, kid="b")))
        for _ in range(10):
            time.sleep(1.05)  # the least distance between two fetches
            code = ask(function, good(second, kid="b"))[1]["code"]
            if code == "sts_unavailable":
                break
        assert code == "sts_unavailable"
    # The site is gone; what was fetched still serves.
    assert ask(function, good(first, kid="a"))[1]["code"] == "sts_unavailable"


def test_an_issuer_that_is_down_from_the_start_is_502() -> None:
    """The token is not to blame."""
    function = handler(CREDENTIALS_JWT_SECRET="", CREDENTIALS_JWKS_URL="http://127.0.0.1:1/jwks")
    status, problem = ask(function, good(Issuer(algorithm="RS256"), kid="a"))
    assert (status, problem["code"]) == (502, "keys_unavailable")
