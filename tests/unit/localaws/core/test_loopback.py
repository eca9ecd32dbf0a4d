"""Which requests may use the demo."""

import pytest

from localaws.core.loopback import loopback_refusal, page_origins


@pytest.mark.parametrize("host", ["127.0.0.1:8082", "localhost:8082", "[::1]:8082", "localhost"])
def test_loopback_names_are_allowed(host: str) -> None:
    """The page can be opened under any name of this machine's loopback."""
    assert loopback_refusal({"Host": host}, port=8082) is None


@pytest.mark.parametrize("origin", sorted(page_origins(8082)))
def test_the_page_itself_is_allowed(origin: str) -> None:
    """The page's own origin, however it was opened, may ask."""
    headers = {"Host": "localhost:8082", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert loopback_refusal(headers, port=8082) is None


@pytest.mark.parametrize(
    "host", ["", "rebound.example:8082", "127.0.0.1.example", "192.168.0.2:8082", "[bad", "a@b"]
)
def test_other_host_names_are_refused(host: str) -> None:
    """A name that DNS can point here is not ours, even though the peer is this machine."""
    assert loopback_refusal({"Host": host}, port=8082) is not None


def test_a_missing_host_is_refused() -> None:
    """HTTP/1.0 without Host proves nothing."""
    assert loopback_refusal({}, port=8082) is not None


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8082"]
)
def test_other_origins_are_refused(origin: str) -> None:
    """Not even another port of this machine may ask: something else may serve it."""
    assert loopback_refusal({"Host": "127.0.0.1:8082", "Origin": origin}, port=8082) is not None


def test_cross_site_requests_are_refused() -> None:
    """A GET has no Origin, but the browser says where it comes from."""
    headers = {"Host": "127.0.0.1:8082", "Sec-Fetch-Site": "cross-site"}
    assert loopback_refusal(headers, port=8082) is not None
