"""Requests are taken as they arrived and answers written as they were decided."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from localaws.core.refusal import Answer
from localaws.http_request import received, sent


async def test_a_request_keeps_its_raw_path_and_joins_repeated_headers() -> None:
    """What was signed must not be decoded on the way."""
    headers = CIMultiDict([("Host", "h"), ("X-A", "1"), ("x-a", "2")])
    incoming = make_mocked_request("POST", "/topics/a%2Fb?qos=1&x=%20", headers=headers)
    incoming._read_bytes = b"body"
    request = await received(incoming)
    assert (request.method, request.path, request.query) == ("POST", "/topics/a%2Fb", "qos=1&x=%20")
    assert request.headers == {"host": "h", "x-a": "1,2"}
    assert request.body == b"body"


def test_an_answer_keeps_its_headers_repeated_or_not() -> None:
    """No header is invented or merged."""
    answer = sent(Answer(403, (("x-a", "1"), ("x-a", "2")), b"no"))
    assert answer.status == 403
    assert answer.body == b"no"
    assert answer.headers.getall("x-a") == ["1", "2"]
    assert "content-type" not in answer.headers
