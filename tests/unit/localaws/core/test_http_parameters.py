"""Parameters of the HTTP data plane that several operations share."""

import pytest

from localaws.core import http_parameters as read
from localaws.core.http_parameters import Unfit
from localaws.core.quotas import Quotas
from localaws.core.signed_request import Request


def request(path: str = "/", query: str = "", **headers: str) -> Request:
    """Return a request."""
    named = {f"x-amz-mqtt5-{name.replace('_', '-')}": value for name, value in headers.items()}
    return Request(method="GET", path=path, query=query, headers=named)


def test_only_named_parameters_are_read() -> None:
    """Others are none of our business; one that is ours may stand once."""
    assert read.query_of(request(query="a=1&b=2&c="), {"a", "c"}) == {"a": "1", "c": ""}
    for query in ("a=1&a=1", "a=%ff", "&".join(f"x{number}=" for number in range(40))):
        with pytest.raises(Unfit):
            read.query_of(request(query=query), {"a"})


@pytest.mark.parametrize(
    ("path", "client_id"),
    [("/c/a", "a"), ("/c/a%2Fb", "a/b"), ("/c/%C3%BC", "ü"), ("/c/" + "x" * 128, "x" * 128)],
)
def test_client_ids(path: str, client_id: str) -> None:
    """Decoded from the raw path."""
    assert read.client_id_of(request(path), "/c/") == client_id


@pytest.mark.parametrize("path", ["/c/", "/c/$a", "/c/%ff", "/c/" + "x" * 129])
def test_what_is_no_client_id(path: str) -> None:
    """Empty, reserved, not UTF-8, too long."""
    with pytest.raises(Unfit):
        read.client_id_of(request(path), "/c/")


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("False", False), (None, False)])
def test_flags(text: str | None, *, expected: bool) -> None:
    """As boto3 writes them."""
    assert read.flag({} if text is None else {"f": text}, "f") is expected


def test_a_flag_that_is_none() -> None:
    """Anything else is refused."""
    with pytest.raises(Unfit, match="f must be true or false"):
        read.flag({"f": "1"}, "f")


def test_whole_numbers() -> None:
    """Within bounds, the default where there is none."""
    assert read.whole({}, "n", 5, least=1, most=9) == 5
    assert read.whole({"n": "9"}, "n", 5, least=1, most=9) == 9
    for text in ("0", "10", "-1", "1.5", "x", "", "9" * 10, "²"):
        with pytest.raises(Unfit):
            read.whole({"n": text}, "n", 5, least=1, most=9)


def test_limits_can_be_changed_and_switched_off() -> None:
    """They are the quotas in force."""
    tight = Quotas(
        content_type_bytes=1, correlation_bytes=1, user_properties_bytes=1, topic_bytes=1
    )
    off = Quotas(
        content_type_bytes=None,
        correlation_bytes=None,
        user_properties_bytes=None,
        topic_bytes=None,
        topic_slashes=None,
        payload_bytes=None,
    )
    sent = {"contentType": "c" * 300, "responseTopic": "/".join("t" * 300)}
    properties = "W3siayI6InZ2In1d"
    message = request(correlation_data="AAAA", user_properties=properties)
    for call in (
        lambda quotas: read.content_type(sent, quotas),
        lambda quotas: read.response_topic(sent, quotas),
        lambda quotas: read.correlation_data(message, quotas),
        lambda quotas: read.user_properties(message, quotas),
    ):
        with pytest.raises(Unfit):
            call(tight)
        assert call(off)
    assert "None" not in read.too_large(Quotas()).message
