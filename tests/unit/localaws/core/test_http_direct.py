"""Direct messages over HTTP: reading and refusing."""

import pytest

from localaws.core.direct_message import DirectRefusal
from localaws.core.http_direct import DirectRequest, direct_refusal, read_direct, unconfirmed
from localaws.core.message import Message
from localaws.core.quotas import Quotas
from localaws.core.refusal import Refusal
from localaws.core.signed_request import Request


def read(
    query: str = "topic=ws/a",
    *,
    client_id: str = "c",
    body: bytes = b"x",
    quotas: Quotas | None = None,
) -> DirectRequest | Refusal:
    """Read a direct message."""
    path = f"/connections/{client_id}/messages"
    request = Request(method="POST", path=path, query=query, headers={}, body=body)
    return read_direct(request, principal="AROA:s", quotas=quotas or Quotas())


def test_defaults() -> None:
    """QoS 0 without confirmation, five seconds with it."""
    assert read() == DirectRequest(
        client_id="c",
        message=Message(topic="ws/a", payload=b"x", principal="AROA:s"),
        confirm=False,
        timeout_s=5,
    )


def test_every_parameter() -> None:
    """A confirmed message has QoS 1."""
    found = read(
        "topic=ws%2Fa&confirmation=true&timeout=15&contentType=a/b&responseTopic=ws/r",
        client_id="local.a%7Cb.c",
    )
    assert isinstance(found, DirectRequest)
    assert (found.client_id, found.confirm, found.timeout_s) == ("local.a|b.c", True, 15)
    message = found.message
    assert (message.topic, message.qos) == ("ws/a", 1)
    assert (message.content_type, message.response_topic) == ("a/b", "ws/r")


@pytest.mark.parametrize(
    "query",
    ["", "topic=", "topic=$aws/x", "topic=a/%23", "topic=a&timeout=0", "topic=a&timeout=16",
     "topic=a&confirmation=1", "topic=a&topic=b", "topic=a&responseTopic=%2B", "topic=" + "a" * 257],
)  # fmt: skip
def test_what_does_not_fit(query: str) -> None:
    """InvalidRequestException, as for any parameter."""
    found = read(query)
    assert isinstance(found, Refusal)
    assert (found.status, found.code) == (400, "InvalidRequestException")


def test_a_payload_has_its_limit() -> None:
    """128 KB, unless the quota is off."""
    found = read(body=b"x" * 131_073)
    assert isinstance(found, Refusal)
    assert found.code == "RequestEntityTooLargeException"
    off = Quotas(payload_bytes=None)
    assert isinstance(read(body=b"x" * 131_073, quotas=off), DirectRequest)


@pytest.mark.parametrize(
    ("why", "status"),
    [
        (DirectRefusal.UNKNOWN, 404),
        (DirectRefusal.OFFLINE, 404),
        (DirectRefusal.DENIED, 403),
        (DirectRefusal.THROTTLED, 429),
        (DirectRefusal.TOO_LARGE, 413),
    ],
)
def test_refusals_have_documented_codes(why: DirectRefusal, status: int) -> None:
    """Both kinds of 404 differ in their words, so that people can tell them apart."""
    refusal = direct_refusal(why)
    assert refusal.status == status
    assert refusal.explanation == str(why)
    assert direct_refusal(DirectRefusal.OFFLINE) != direct_refusal(DirectRefusal.UNKNOWN)


def test_no_puback_is_a_gateway_timeout() -> None:
    """504, the one code the model has for it."""
    assert (unconfirmed().status, unconfirmed().code) == (504, "GatewayTimeoutException")
