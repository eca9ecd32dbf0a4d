"""Learn from the stock client what a publish looks like on the wire.

Owns one rehearsed publish: the client builds and signs it with keys that are none, and it is taken
away just before it would be sent. From it come the headers, the region and the signing name of the
direct path, and the proof, at every start, that this path would have sent the same bytes.
Does not: send anything.
Source: botocore's events `before-sign` and `before-send`; docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.credentials import ReadOnlyCredentials

from gateway.core.publication import Publication
from gateway.core.publish_request import PublishRequests, RequestTemplate, SigningKeys
from gateway.iot.stock import publish_arguments
from wire.address import Address

_SERVICE: Final = "iot-data-plane"
"""How botocore's events name the service."""

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")
REHEARSAL_KEYS: Final = SigningKeys(access_key="REHEARSAL", secret_key="none", token="none/+=")  # noqa: S106 - no keys of anybody
_NEEDED: Final = {"X-Amz-Date", "X-Amz-Security-Token", "amz-sdk-invocation-id", "Content-Length"}
"""What a publish has besides, for the direct path to know how to write it."""

_FROM_AIOHTTP: Final = {"Accept-Encoding": "identity", "Accept": "*/*"}
"""What the stock client's HTTP session adds to each request."""


class _TakenAway(Exception):
    """The request, taken away before it was sent."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.request = request


class _Given:
    """Keys in the form that botocore's signer asks for."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(self._keys.access_key, self._keys.secret_key, self._keys.token)


async def rehearse(
    client: Any, publication: Publication, keys: SigningKeys = REHEARSAL_KEYS
) -> tuple[str, str, dict[str, str], bytes]:
    """Return a publish as the stock client prepares it.

    Args:
        client: An aiobotocore `iot-data` client that nobody uses yet.
        publication: What to publish.
        keys: What to sign with; by default keys that are none.

    Returns:
        Method, URL, headers in their order, body.
    """

    def give_keys(request: Any, **_: object) -> None:
        request.context.setdefault("signing", {})["request_credentials"] = _Given(keys)

    def take_away(request: Any, **_: object) -> None:
        raise _TakenAway(request)

    events = client.meta.events
    events.register(f"before-sign.{_SERVICE}.Publish", give_keys)
    events.register(f"before-send.{_SERVICE}.Publish", take_away)
    try:
        await client.publish(**publish_arguments(publication))
    except _TakenAway as taken:
        request = taken.request
        headers = {name: _text(value) for name, value in request.headers.items()}
        return request.method, request.url, headers, request.body or b""
    finally:
        events.unregister(f"before-sign.{_SERVICE}.Publish", give_keys)
        events.unregister(f"before-send.{_SERVICE}.Publish", take_away)
    raise AssertionError("the rehearsed publish was not taken away")


async def learn(client: Any) -> PublishRequests | None:
    """Return what writes the same publishes as the client, or None if that cannot be.

    None means that this botocore builds publishes in a way the direct path does not know.
    """
    publication = Publication(
        address=Address.parse("user:rehearsal|a:b=c,d~e"),
        topic=Address.parse("user:rehearsal|a:b=c,d~e").topic("rehearsal"),
        payload=b'{"rehearsal": true}',
        content_type="application/cloudevents+json; charset=utf-8",
        qos=1,
        retain=True,
        message_expiry_s=60,
    )
    method, url, headers, body = await rehearse(client, publication)
    scope = _SCOPE.search(headers.get("Authorization", ""))
    if scope is None or not headers.keys() >= _NEEDED:
        return None
    requests = PublishRequests(
        RequestTemplate(
            host=urlsplit(url).netloc,
            region=scope["region"],
            service=scope["service"],
            headers={name: value for name, value in headers.items() if name.lower() != "host"}
            | _FROM_AIOHTTP,
        )
    )
    ours = requests.write(
        publication,
        REHEARSAL_KEYS,
        now_s=_time(headers["X-Amz-Date"]),
        invocation_id=headers["amz-sdk-invocation-id"],
    )
    return requests if ours == on_the_wire(method, url, headers, body) else None


def on_the_wire(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes that the stock client's HTTP session makes of a prepared request."""
    parts = urlsplit(url)
    others = {name: value for name, value in headers.items() if name.lower() != "host"}
    lines = {"Host": parts.netloc, **others, **_FROM_AIOHTTP}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {parts.path}?{parts.query} HTTP/1.1\r\n{head}\r\n".encode() + body


def _time(timestamp: str) -> float:
    return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
