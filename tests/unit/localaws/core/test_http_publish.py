"""A publish over HTTP becomes exactly the message it stands for, or a named refusal."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.http_publish import read_publish
from localaws.core.message import Message
from localaws.core.refusal import Refusal
from localaws.core.signed_request import Request

NOW = 1_000_000.0


def read(
    path: str = "/topics/ws/a", query: str = "", body: bytes = b"", **headers: str
) -> Message | Refusal:
    """Read a publish; header names are given with underscores and without their prefix."""
    named = {f"x-amz-mqtt5-{name.replace('_', '-')}": value for name, value in headers.items()}
    request = Request(method="POST", path=path, query=query, headers=named, body=body)
    return read_publish(request, principal="AROA:s", now=NOW)


def message(
    path: str = "/topics/ws/a", query: str = "", body: bytes = b"", **headers: str
) -> Message:
    """Read a publish that is right."""
    found = read(path, query, body, **headers)
    assert isinstance(found, Message), found
    return found


def refusal(
    path: str = "/topics/ws/a", query: str = "", body: bytes = b"", **headers: str
) -> Refusal:
    """Read a publish that is wrong."""
    found = read(path, query, body, **headers)
    assert isinstance(found, Refusal), found
    return found


def encoded(value: object) -> str:
    """Return base64 of JSON, as SDKs send jsonvalue members."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_a_plain_publish_has_defaults() -> None:
    """QoS 0, not retained, no expiry, no properties."""
    assert message(body=b"Hi!") == Message(topic="ws/a", payload=b"Hi!", principal="AROA:s")


def test_every_parameter_is_read() -> None:
    """Query parameters and headers together make the message."""
    found = message(
        query="qos=1&retain=true&contentType=text%2Fplain&responseTopic=ws%2Fr&messageExpiry=60",
        user_properties=encoded([{"a": "1"}, {"a": "2", "b": "3"}]),
        payload_format_indicator="UTF8_DATA",
        correlation_data="AAE=",
    )
    assert found == Message(
        topic="ws/a",
        payload=b"",
        qos=1,
        retain=True,
        expires_at=NOW + 60,
        payload_format_indicator=1,
        content_type="text/plain",
        response_topic="ws/r",
        correlation_data=b"\x00\x01",
        user_properties=(("a", "1"), ("a", "2"), ("b", "3")),
        principal="AROA:s",
    )


@pytest.mark.parametrize(
    ("sent", "lasts"), [("0", 1), ("1", 1), ("604801", 604_800), ("9" * 19, 604_800)]
)
def test_message_expiry_is_clamped(sent: str, lasts: int) -> None:
    """1 second to 7 days."""
    assert message(query=f"messageExpiry={sent}").expires_at == NOW + lasts


@given(
    st.text(
        st.characters(exclude_characters="+#$\0", codec="utf-8"),
        min_size=1,
        max_size=60,
    ).filter(lambda text: text.count("/") < 8 and len(text.encode()) <= 256)
)
def test_escaped_and_plain_slashes_mean_the_same(topic: str) -> None:
    """SDKs escape every slash, curl none."""
    assert message(f"/topics/{quote(topic, safe='')}").topic == topic
    assert message(f"/topics/{quote(topic)}").topic == topic


@pytest.mark.parametrize(
    "topic",
    ["", "a/+", "%23", "a%00b", "%FF", "$aws/events/x", "$SYS/x", "/".join("a" * 9), "a" * 257],
)
def test_topics_that_cannot_be_published_to(topic: str) -> None:
    """Empty, wildcard, NUL, not UTF-8, reserved, too deep, too long."""
    assert refusal(f"/topics/{topic}").code == "InvalidRequestException"


def test_basic_ingest_is_published_but_not_retained() -> None:
    """A rule's reserved topic takes messages; it holds none."""
    assert message("/topics/$aws/rules/r/a").topic == "$aws/rules/r/a"
    assert refusal("/topics/$aws/rules/r/a", "retain=true").status == 400


def test_the_payload_limit() -> None:
    """128 KB is taken, one byte more is not."""
    assert len(message(body=b"x" * 131_072).payload) == 131_072
    too_large = refusal(body=b"x" * 131_073)
    assert (too_large.status, too_large.code) == (413, "RequestEntityTooLargeException")


@pytest.mark.parametrize(
    "query",
    [
        "qos=2",
        "qos=",
        "qos=1&qos=1",
        "retain=1",
        "responseTopic=a%2F%23",
        f"contentType={'x' * 257}",
        "messageExpiry=-1",
        "messageExpiry=1.5",
        f"messageExpiry={'9' * 20}",
        "contentType=%FF",
        "&".join(f"a{number}=1" for number in range(33)),
    ],
)
def test_query_parameters_out_of_range(query: str) -> None:
    """Each is refused with a sentence."""
    found = refusal(query=query)
    assert (found.status, found.code) == (400, "InvalidRequestException")
    assert found.message.endswith(".")


def test_unknown_query_parameters_are_ignored() -> None:
    """As the service does with parameters it does not model."""
    assert message(query="other=1&other=2").qos == 0


@pytest.mark.parametrize(
    ("sent", "pairs"),
    [
        ({"a": "1"}, (("a", "1"),)),
        (json.dumps([{"a": "1"}]), (("a", "1"),)),
        ([], ()),
    ],
)
def test_user_properties_in_every_form_sdks_send(
    sent: object, pairs: tuple[tuple[str, str], ...]
) -> None:
    """An object, or a JSON text that boto3 encoded once more."""
    assert message(user_properties=encoded(sent)).user_properties == pairs


@pytest.mark.parametrize(
    "headers",
    [
        {"user_properties": "%%%"},
        {"user_properties": base64.b64encode(b"{").decode()},
        {"user_properties": base64.b64encode(b"\xff").decode()},
        {"user_properties": encoded(["a"])},
        {"user_properties": encoded([{"a": 1}])},
        {"user_properties": encoded([{"a": "\ud800"}])},
        {"user_properties": encoded([{"\ud800": "a"}])},
        {"user_properties": encoded([{"a": "x" * 8_192}])},
        {"payload_format_indicator": "UTF8"},
        {"correlation_data": "é"},
        {"correlation_data": base64.b64encode(b"x" * 8_193).decode()},
    ],
)
def test_properties_that_do_not_fit(headers: dict[str, str]) -> None:
    """Each is refused, none is cut."""
    assert refusal("/topics/a", "", b"", **headers).code == "InvalidRequestException"


def test_properties_at_their_limits() -> None:
    """8 KB of user properties and of correlation data are taken."""
    found = message(
        user_properties=encoded([{"a": "x" * 8_191}]),
        correlation_data=base64.b64encode(b"x" * 8_192).decode(),
        payload_format_indicator="UNSPECIFIED_BYTES",
    )
    assert len(found.user_properties[0][1]) == 8_191
    assert found.payload_format_indicator == 0
