"""The HTTP API's own answers, with functions made for the purpose, and the demo's doors."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from localaws.api_front import ApiFront
from localaws.core.cors import CorsRules
from localaws.demo import Demo, DemoPlace
from localaws.functions import Function, Handler
from localaws.state import StateFolder, write_private
from wire.secret import Secret

LONG_S = 20.0
EVENTS: list[dict[str, object]] = []


def answering(result: object) -> Callable[[], Handler]:
    """Build handlers that keep the event and return the same result each time."""

    def handler(event: dict[str, object], _context: object) -> object:
        EVENTS.append(event)
        return result

    return lambda: handler


@asynccontextmanager
async def serving(
    build: Callable[[], Handler],
    *,
    folder: Path,
    timeout_s: float = LONG_S,
    integration_timeout_s: float = LONG_S,
    body_timeout_s: float = LONG_S,
) -> AsyncIterator[str]:
    """Run an HTTP API and yield its origin."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    function = Function(
        name="any",
        arn="arn:aws:lambda:us-east-1:123456789012:function:any",
        build=build,
        timeout_s=timeout_s,
        concurrency=1,
        recycle_s=LONG_S,
    )
    place = DemoPlace(
        port=port,
        iot_port=8081,
        gateway_url="http://127.0.0.1:8080",
        namespace="local",
        region="us-east-1",
        audience="local",
    )
    front = ApiFront(
        function=function,
        cors=CorsRules(origins=frozenset()),
        demo=Demo(
            place=place,
            secret=Secret("s" * 32),
            state=StateFolder(folder / "state"),
            web_dir=folder / "dist",
        ),
        account="123456789012",
        health={},
        integration_timeout_s=integration_timeout_s,
        body_timeout_s=body_timeout_s,
        stop_timeout_s=LONG_S,
    )
    await front.start(listener)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await front.stop()
        await function.close(LONG_S)


async def post(url: str, **options: object) -> tuple[int, str]:
    """Post and return status and text."""
    async with ClientSession() as http, http.post(url, **options) as response:  # type: ignore[arg-type]
        return response.status, await response.text()


async def test_function_sees_the_request_and_its_answer_goes_out(tmp_path: Path) -> None:
    """Event in, answer out, with the gateway's own request id."""
    result = {"statusCode": 201, "headers": {"X-A": "1"}, "cookies": ["a=1", "b=2"], "body": "hi"}
    async with (
        serving(answering(result), folder=tmp_path) as url,
        ClientSession() as http,
        http.post(f"{url}/credentials?x=1", json={"a": 1}) as response,
    ):
        assert response.status == 201
        assert await response.text() == "hi"
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert response.headers["X-A"] == "1"
        request_id = response.headers["apigw-requestid"]
    event = EVENTS.pop()
    context = event["requestContext"]
    assert isinstance(context, dict)
    assert context["requestId"] == request_id
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["http"]["protocol"] == "HTTP/1.1"
    assert (event["rawPath"], event["rawQueryString"]) == ("/credentials", "x=1")
    assert event["body"] == '{"a": 1}'


@pytest.mark.parametrize("path", ["/nothing", "/demo/nothing", "/credentials/x"])
async def test_unknown_path_is_not_found(tmp_path: Path, path: str) -> None:
    """What no route takes is answered in API Gateway's words."""
    async with serving(answering({}), folder=tmp_path) as url:
        assert await post(url + path) == (404, '{"message":"Not Found"}')


async def test_other_methods_match_no_route(tmp_path: Path) -> None:
    """There is one route, for POST."""
    async with (
        serving(answering({}), folder=tmp_path) as url,
        ClientSession() as http,
        http.get(f"{url}/credentials") as response,
    ):
        assert (response.status, await response.text()) == (404, '{"message":"Not Found"}')


async def test_body_over_ten_megabytes_is_too_large(tmp_path: Path) -> None:
    """The HTTP API's limit, in its words."""
    async with serving(answering({}), folder=tmp_path) as url:
        body = io.BytesIO(b"x" * (10 * 1024 * 1024 + 1))
        status, text = await post(f"{url}/credentials", data=body)
    assert (status, text) == (413, '{"message":"Request Entity Too Large"}')


async def test_slow_body_is_given_up(tmp_path: Path) -> None:
    """A client that never sends its body cannot hold a connection."""
    async with serving(answering({}), folder=tmp_path, body_timeout_s=0.05) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST /credentials HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("result", [{"statusCode": "no"}, {"statusCode": 200, "body": 1}])
async def test_malformed_result_is_a_500(tmp_path: Path, result: object) -> None:
    """A function that answers nonsense has failed."""
    async with serving(answering(result), folder=tmp_path) as url:
        expected = (500, '{"message":"Internal Server Error"}')
        assert await post(f"{url}/credentials") == expected


async def test_exception_is_a_500(tmp_path: Path) -> None:
    """The client learns nothing of what was raised."""

    def handler(_event: dict[str, object], _context: object) -> object:
        raise ValueError("a secret")

    async with serving(lambda: handler, folder=tmp_path) as url:
        expected = (500, '{"message":"Internal Server Error"}')
        assert await post(f"{url}/credentials") == expected


async def test_time_outs_and_throttling_have_their_own_answers(tmp_path: Path) -> None:
    """500 when the function timed out, 503 when the API did or no place was free."""
    free = threading.Event()
    build: Callable[[], Handler] = lambda: lambda _event, _context: free.wait(LONG_S)  # noqa: E731
    unavailable = (503, '{"message":"Service Unavailable"}')
    failed = (500, '{"message":"Internal Server Error"}')
    async with serving(build, folder=tmp_path, timeout_s=0.05) as url:
        assert await post(f"{url}/credentials") == failed
        # The thread that timed out still has the only place.
        assert await post(f"{url}/credentials") == unavailable
        free.set()
    free.clear()
    async with serving(build, folder=tmp_path, integration_timeout_s=0.05) as url:
        assert await post(f"{url}/credentials") == unavailable
        free.set()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Lay out a built page, and a secret next to it."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<!doctype html>page")
    (tmp_path / "dist" / "main.js").write_text("export {}")
    (tmp_path / "outside.txt").write_text("outside")
    (tmp_path / "dist" / "link.txt").symlink_to(tmp_path / "outside.txt")
    write_private(tmp_path / "state" / "service-key", "swk_demo\n")
    return tmp_path


async def test_page_is_served_and_asked_for_anew(page: Path) -> None:
    """The page and its files come with a strict policy and are fresh after each build."""
    async with serving(answering({}), folder=page) as url, ClientSession() as http:
        async with http.get(f"{url}/") as response:
            assert await response.text() == "<!doctype html>page"
            assert response.content_type == "text/html"
            assert response.headers["Cache-Control"] == "no-cache"
            policy = response.headers["Content-Security-Policy"]
        async with http.get(f"{url}/main.js") as response:
            assert response.content_type == "text/javascript"
    assert "default-src 'none'" in policy
    assert "connect-src 'self' http://127.0.0.1:8080 ws://127.0.0.1:8081" in policy


@pytest.mark.parametrize(
    "path", ["/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/link.txt", "/a%00b"]
)
async def test_nothing_outside_the_page_is_served(page: Path, path: str) -> None:
    """Neither dots nor links lead out of the folder."""
    async with serving(answering({}), folder=page) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert b"outside" not in answer


async def test_page_that_was_not_built_says_how(tmp_path: Path) -> None:
    """A missing build is explained."""
    async with (
        serving(answering({}), folder=tmp_path) as url,
        ClientSession() as http,
        http.get(f"{url}/") as response,
    ):
        assert response.status == 503
        assert "make run" in await response.text()


async def test_demo_config_tells_the_page_its_surroundings(page: Path) -> None:
    """The page learns where to ask for credentials, where to post, and with what key."""
    async with (
        serving(answering({}), folder=page) as url,
        ClientSession() as http,
        http.get(f"{url}/demo/config") as response,
    ):
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.json() == {
            "credentialsUrl": f"{url}/credentials",
            "gatewayUrl": "http://127.0.0.1:8080",
            "serviceKey": "swk_demo",
            "namespace": "local",
            "region": "us-east-1",
        }


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_demo_doors_are_shut_to_other_sites(
    page: Path, headers: dict[str, str], method: str
) -> None:
    """Neither key nor token goes to a page from elsewhere, DNS rebinding included."""
    path = "/demo/config" if method == "GET" else "/demo/token"
    async with (
        serving(answering({}), folder=page) as url,
        ClientSession() as http,
        http.request(method, url + path, headers=headers, json={"user": "42"}) as response,
    ):
        body = await response.json(content_type=None)
    assert (response.status, body["code"]) == (403, "not_local")


async def test_demo_token_is_signed_for_the_user(tmp_path: Path) -> None:
    """The page gets a token for whom it asked, and when that ends."""
    async with serving(answering({}), folder=tmp_path) as url:
        status, text = await post(f"{url}/demo/token", json={"user": "42", "ttl_s": 60})
    assert status == 200
    answer = json.loads(text)
    assert set(answer) == {"token", "expiration"}
    assert answer["token"].count(".") == 2


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {"user": "not a user"}}, 400),
        ({"data": b'{"user": "42"}', "headers": {"Content-Type": "text/plain"}}, 415),
    ],
)
async def test_demo_token_refuses_what_the_page_never_sends(
    tmp_path: Path, options: dict[str, object], status: int
) -> None:
    """A wrong user is explained; a body without a type could come from any page's form."""
    async with serving(answering({}), folder=tmp_path) as url:
        assert (await post(f"{url}/demo/token", **options))[0] == status
