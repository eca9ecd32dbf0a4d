"""A body is read within its bounds, or refused with the bound."""

from __future__ import annotations

import gzip

import pytest

from gateway.body import read_body
from gateway.errors import BodyTooLarge, BodyTooSlow, UnsupportedMedia
from tests.unit.gateway.requests import request_for

JSON = {"Content-Type": "application/json"}


async def test_reads_all_of_it() -> None:
    """Whatever it is."""
    assert await read_body(request_for("POST", "/", body=b"{}"), timeout_s=5) == b"{}"


async def test_decompresses() -> None:
    """gzip, in any case of letters."""
    headers = {"Content-Encoding": " GZIP "}
    request = request_for("POST", "/", headers, body=gzip.compress(b"{}"))
    assert await read_body(request, timeout_s=5) == b"{}"


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip"])
async def test_refuses_other_encodings(encoding: str) -> None:
    """The header that is wrong is named."""
    headers = {"Content-Encoding": encoding}
    with pytest.raises(UnsupportedMedia) as caught:
        await read_body(request_for("POST", "/", headers, body=b"{}"), timeout_s=5)
    assert caught.value.header == "Content-Encoding"


async def test_refuses_a_long_body_before_reading() -> None:
    """What the header announces is enough; the body that never comes is not waited for."""
    headers = JSON | {"Content-Length": "1025"}
    with pytest.raises(BodyTooLarge) as caught:
        await read_body(request_for("POST", "/", headers, body=None), timeout_s=5)
    assert caught.value.limit_bytes == 1_024


async def test_refuses_a_body_that_grows_too_long() -> None:
    """Without an announcement the bytes themselves are counted."""
    with pytest.raises(BodyTooLarge):
        await read_body(request_for("POST", "/", JSON, body=b"x" * 1_025), timeout_s=5)


async def test_does_not_wait_for_ever() -> None:
    """A body that does not arrive is given up."""
    with pytest.raises(BodyTooSlow) as caught:
        await read_body(request_for("POST", "/", JSON, body=None), timeout_s=0)
    assert caught.value.limit_s == 0
