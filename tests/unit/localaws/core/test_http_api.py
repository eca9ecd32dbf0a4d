"""The payload format 2.0 event, and how a function's result becomes an answer."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.http_api import HttpRequest, Route, answer_of, own_answer, request_event

NOW = datetime(2026, 3, 12, 19, 3, 58, 390_000, tzinfo=UTC)
ROUTE = Route(
    account="123456789012", api_id="localaws", key="POST /credentials", domain="127.0.0.1:8082"
)


def received(
    *headers: tuple[str, str], body: bytes = b"", path: str = "/credentials", query: str = ""
) -> HttpRequest:
    """Make a request as the listener would hand it over."""
    return HttpRequest(
        method="POST", path=path, query=query, headers=headers, body=body, source_ip="127.0.0.1"
    )


def event_of(request: HttpRequest) -> dict[str, object]:
    """Build the event of a request at a fixed time."""
    return request_event(request, route=ROUTE, request_id="id-1", now=NOW)


def test_event_has_the_documented_members() -> None:
    """An event is what the developer guide's example shows, for our request."""
    request = received(
        ("Host", "127.0.0.1:8082"),
        ("User-Agent", "agent"),
        ("Content-Type", "application/json"),
        body=b'{"device":"a"}',
        query="x=1",
    )
    assert event_of(request) == {
        "version": "2.0",
        "routeKey": "POST /credentials",
        "rawPath": "/credentials",
        "rawQueryString": "x=1",
        "queryStringParameters": {"x": "1"},
        "headers": {
            "host": "127.0.0.1:8082",
            "user-agent": "agent",
            "content-type": "application/json",
            "x-forwarded-for": "127.0.0.1",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "localaws",
            "domainName": "127.0.0.1:8082",
            "domainPrefix": "127",
            "http": {
                "method": "POST",
                "path": "/credentials",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "agent",
            },
            "requestId": "id-1",
            "routeKey": "POST /credentials",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238390,
        },
        "body": '{"device":"a"}',
        "isBase64Encoded": False,
    }


def test_repeated_headers_are_joined_with_commas() -> None:
    """Format 2.0 has no multi-value maps."""
    event = event_of(received(("X-A", "1"), ("x-a", "2")))
    assert event["headers"] == {"x-a": "1,2", "x-forwarded-for": "127.0.0.1"}


def test_repeated_query_parameters_are_joined_with_commas() -> None:
    """Format 2.0 has no multi-value maps, and decodes the values."""
    event = event_of(received(query="a=1&a=2%2F&b="))
    assert event["queryStringParameters"] == {"a": "1,2/", "b": ""}
    assert event["rawQueryString"] == "a=1&a=2%2F&b="


def test_cookies_travel_apart_from_the_headers() -> None:
    """Cookies are a list of their own and no header."""
    event = event_of(received(("Cookie", "a=1; b=2"), ("Cookie", "c=3")))
    assert event["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in str(event["headers"])


def test_raw_path_is_decoded() -> None:
    """What AWS calls the raw path has its percent encoding undone."""
    assert event_of(received(path="/a%20b"))["rawPath"] == "/a b"


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "application/octet-stream"]
)
def test_other_bodies_arrive_in_base64(content_type: str | None) -> None:
    """Only text and JSON types arrive as text."""
    headers = () if content_type is None else (("Content-Type", content_type),)
    event = event_of(received(*headers, body=b"a=1"))
    assert (event["body"], event["isBase64Encoded"]) == ("YT0x", True)


def test_text_that_is_no_utf8_arrives_in_base64() -> None:
    """A content type does not make bytes readable."""
    event = event_of(received(("Content-Type", "text/plain"), body=b"\xff"))
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)


def test_an_empty_body_is_left_out() -> None:
    """There is no `body` member without a body."""
    event = event_of(received())
    assert "body" not in event
    assert event["isBase64Encoded"] is False


@given(
    body=st.binary(min_size=1),
    content_type=st.sampled_from(["text/plain", "application/json; charset=utf-8", "image/png"]),
)
def test_any_body_survives(body: bytes, content_type: str) -> None:
    """Whatever the type says, the function can get the very bytes back, through JSON."""
    event = json.loads(json.dumps(event_of(received(("Content-Type", content_type), body=body))))
    sent = event["body"]
    assert body == (base64.b64decode(sent) if event["isBase64Encoded"] else sent.encode())


def test_answer_has_status_headers_cookies_and_body() -> None:
    """Every member of a result reaches the client."""
    answer = answer_of(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "X-Count": 3, "X-Yes": True},
            "cookies": ["a=1", "b=2"],
            "body": "hé",
        }
    )
    assert answer is not None
    assert answer.status == 201
    assert answer.body == "hé".encode()
    assert answer.headers == (
        ("content-type", "text/html"),
        ("x-count", "3"),
        ("x-yes", "true"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )


def test_base64_result_is_decoded() -> None:
    """A function sends bytes in base64."""
    answer = answer_of({"statusCode": "200", "body": "/w==", "isBase64Encoded": True})
    assert answer is not None
    assert answer.body == b"\xff"


def test_result_without_status_is_the_json_body() -> None:
    """The gateway infers a 200 with JSON."""
    answer = answer_of({"message": "hello"})
    assert answer is not None
    assert (answer.status, answer.body) == (200, b'{"message": "hello"}')
    assert answer.headers == (("content-type", "application/json"),)


def test_a_missing_body_is_empty() -> None:
    """A status alone is an answer."""
    answer = answer_of({"statusCode": 204})
    assert answer is not None
    assert answer.body == b""
    assert answer.headers == (("content-type", "text/plain; charset=utf-8"),)


def test_multi_value_headers_are_ignored() -> None:
    """`multiValueHeaders` belongs to format 1.0."""
    answer = answer_of({"statusCode": 200, "multiValueHeaders": {"x": ["1"]}})
    assert answer is not None
    assert "x" not in dict(answer.headers)


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "abc"},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": None},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "cookies": "a=1"},
    ],
)
def test_malformed_result_is_no_answer(result: object) -> None:
    """AWS answers 500 for these, so there is nothing to send."""
    assert answer_of(result) is None


def test_own_answers_are_aws_own_words() -> None:
    """The gateway's own answers are JSON with a message."""
    assert own_answer(404).body == b'{"message":"Not Found"}'
    assert own_answer(503).headers == (("content-type", "application/json"),)
