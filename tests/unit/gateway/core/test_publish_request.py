"""What is kept between publishes never leaks into another publish.

That the bytes are those of the stock client is proved in tests/unit/gateway/iot/test_rehearsal.py.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.publication import Publication
from gateway.core.publish_request import PublishRequests, RequestTemplate, SigningKeys
from wire.address import Address

TEMPLATE = RequestTemplate(
    host="example.com",
    region="eu-west-3",
    service="iotdata",
    headers={
        "User-Agent": "100% test",
        "X-Amz-Date": "",
        "X-Amz-Security-Token": "",
        "Authorization": "",
        "amz-sdk-invocation-id": "",
        "Content-Length": "",
    },
)
KEYS = st.sampled_from(
    [
        SigningKeys(access_key="A", secret_key="1", token=None),
        SigningKeys(access_key="A", secret_key="2", token=None),
        SigningKeys(access_key="B", secret_key="2", token="t"),
    ]
)
TIMES = st.sampled_from([0.0, 0.9, 1.0, 86_399.9, 86_400.0, 1_800_000_000.5])
USERS = st.sampled_from(["user:1", "user:2", "everyone", "group:a/b"])


def publication(user: str, payload: bytes = b"{}") -> Publication:
    """Return a publication to an address."""
    address = Address.parse(user)
    return Publication(
        address=address,
        topic=address.topic("ns"),
        payload=payload,
        content_type="text/plain",
        qos=1,
        retain=False,
        message_expiry_s=None,
    )


def write(requests: PublishRequests, user: str, keys: SigningKeys, now_s: float) -> bytes:
    """Write one publish."""
    return requests.write(publication(user), keys, now_s=now_s, invocation_id="id")


@given(st.lists(st.tuples(USERS, KEYS, TIMES), min_size=1, max_size=20))
def test_remembers_nothing_that_shows(calls: list[tuple[str, SigningKeys, float]]) -> None:
    """After any publishes, the next is what a new writer would have written."""
    used = PublishRequests(TEMPLATE)
    for call in calls:
        assert write(used, *call) == write(PublishRequests(TEMPLATE), *call)


def test_writes_the_headers_in_their_order() -> None:
    """Constant headers stay as they are, and a lasting key has no token line."""
    keys = SigningKeys(access_key="A", secret_key="1", token=None)
    head, _, body = write(PublishRequests(TEMPLATE), "user:1", keys, 0).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert (
        lines[0]
        == "POST /topics/ns%2Fuser%2F1?qos=1&retain=false&contentType=text%2Fplain HTTP/1.1"
    )
    assert lines[1:4] == [
        "Host: example.com",
        "User-Agent: 100% test",
        "X-Amz-Date: 19700101T000000Z",
    ]
    assert lines[5:] == ["amz-sdk-invocation-id: id", "Content-Length: 2"]
    assert body == b"{}"
