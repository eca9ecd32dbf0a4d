"""Which connections are for MQTT, by their first bytes."""

import pytest

from localaws.port import starts_as_mqtt


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"GET /mqtt?X-Amz-", True),
        (b"GET /mqtt HTTP/1.1", True),
        (b"GET /mqttish", False),
        (b"POST /topics/a", False),
        (b"GET /retainedMessage", False),
        (b"\x16\x03\x01", False),
        (b"GET /mq", None),
        (b"G", None),
        (b"", None),
    ],
)
def test_the_start_of_the_request_line_decides(
    received: bytes,
    expected: bool | None,  # noqa: FBT001 (a parametrized case)
) -> None:
    """Requests for /mqtt are for the broker, upgrade or not; None asks for more bytes."""
    assert starts_as_mqtt(received) is expected
