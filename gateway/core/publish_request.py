"""A publish as one signed HTTP/1.1 request, ready to be written to a socket.

Owns turning a publication, keys and a time into the very bytes that the stock AWS client sends for
them: request line, headers in its order, SigV4 signature, body.
Does not: learn what the stock client sends (`gateway/iot/rehearsal.py`), fetch credentials, read a
clock, or send.
Source: AWS General Reference, "Create a signed AWS API request"; the IoT data plane's operation
Publish; docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from gateway.core.mac import Mac
from wire.sigv4 import ALGORITHM, Scope, signing_key, uri_encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.core.publication import Publication

_REMEMBERED_TOPICS: Final = 4_096
"""Topics whose encoding is kept: a few hundred bytes each."""

_CHANGING: Final = ("x-amz-date", "authorization", "amz-sdk-invocation-id", "content-length")

_SIGNED: Final = "host;x-amz-date"
_SIGNED_TEMPORARY: Final = "host;x-amz-date;x-amz-security-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """What requests are signed with.

    Attributes:
        access_key: Access key id.
        secret_key: Secret access key; never shown.
        token: Session token of temporary keys, or None.
    """

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return f"SigningKeys({self.access_key})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """What is the same in every publish of one AWS client.

    Attributes:
        host: Value of the Host header.
        region: Region of the credential scope.
        service: Signing name of the credential scope.
        headers: All headers but Host, in their order; what changes from publish to publish (date,
            token, authorization, invocation id, length) may have any value here.
    """

    host: str
    region: str
    service: str
    headers: Mapping[str, str]


class PublishRequests:
    """Write publishes for one endpoint.

    Theory of operation: what does not change is joined once; the signing key is derived once for
    each day and each set of keys; the timestamp is formatted once a second; the encoding of recent
    topics is kept. What remains for each publish is two SHA-256 and one HMAC.

    Args:
        template: What is the same in every publish.
    """

    def __init__(self, template: RequestTemplate) -> None:
        self._template = template
        self._head = _head(template)
        self._second = -1
        self._timestamp = ""
        self._keys: SigningKeys | None = None
        self._day = ""
        self._scope = ""
        self._token_line = ""
        self._signed_token = ""
        self._mac = Mac(b"")

    def write(
        self, publication: Publication, keys: SigningKeys, *, now_s: float, invocation_id: str
    ) -> bytes:
        """Return one publish, head and body.

        Args:
            publication: What to publish.
            keys: What to sign with.
            now_s: Seconds since the epoch.
            invocation_id: A UUID that AWS's support can find the request by.
        """
        self._at(int(now_s), keys)
        path, canonical_path = _paths(publication.topic)
        query, canonical_query = _queries(
            publication.qos,
            publication.retain,
            publication.content_type,
            publication.message_expiry_s,
        )
        timestamp, payload = self._timestamp, publication.payload
        signed = _SIGNED_TEMPORARY if keys.token else _SIGNED
        # As wire.sigv4.canonical_request would write it, at a third of the time.
        request = (
            f"POST\n{canonical_path}\n{canonical_query}\nhost:{self._template.host}\n"
            f"x-amz-date:{timestamp}\n{self._signed_token}\n{signed}\n{sha256(payload).hexdigest()}"
        )
        digest = sha256(request.encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{timestamp}\n{self._scope}\n{digest}"
        signature = self._mac.hexdigest(to_sign.encode())
        head = self._head % {
            "target": f"{path}?{query}",
            "x-amz-date": timestamp,
            "x-amz-security-token": self._token_line,
            "authorization": f"{ALGORITHM} Credential={keys.access_key}/{self._scope}, "
            f"SignedHeaders={signed}, Signature={signature}",
            "amz-sdk-invocation-id": invocation_id,
            "content-length": len(payload),
        }
        return head.encode("ascii") + payload

    def _at(self, second: int, keys: SigningKeys) -> None:
        if second != self._second:
            self._second = second
            self._timestamp = datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
        day = self._timestamp[:8]
        if day != self._day or keys is not self._keys:
            scope = Scope(day=day, region=self._template.region, service=self._template.service)
            self._day, self._scope, self._keys = day, str(scope), keys
            self._mac = Mac(signing_key(keys.secret_key, scope))
            self._token_line, self._signed_token = "", ""
            if keys.token:
                self._token_line = f"X-Amz-Security-Token: {keys.token}\r\n"
                self._signed_token = f"x-amz-security-token:{' '.join(keys.token.split())}\n"


def _head(template: RequestTemplate) -> str:
    """Return the head with a place for each value that changes."""
    lines = []
    for name, value in template.headers.items():
        if name.lower() == "x-amz-security-token":
            lines.append("%(x-amz-security-token)s")  # a whole line, or nothing
        elif name.lower() in _CHANGING:
            lines.append(f"{name}: %({name.lower()})s\r\n")
        else:
            lines.append(f"{name}: {value.replace('%', '%%')}\r\n")
    return f"POST %(target)s HTTP/1.1\r\nHost: {template.host}\r\n{''.join(lines)}\r\n"


@lru_cache(maxsize=_REMEMBERED_TOPICS)
def _paths(topic: str) -> tuple[str, str]:
    # SigV4 encodes the path once more than HTTP does, except for S3.
    path = f"/topics/{uri_encode(topic)}"
    return path, uri_encode(path, safe="/")


@lru_cache(maxsize=_REMEMBERED_TOPICS)
def _queries(
    qos: int,
    retain: bool,  # noqa: FBT001 - positional, so that the cache's key is small
    content_type: str,
    message_expiry_s: int | None,
) -> tuple[str, str]:
    pairs = [
        f"qos={qos}",
        f"retain={'true' if retain else 'false'}",
        f"contentType={uri_encode(content_type)}",
    ]
    if message_expiry_s is not None:
        pairs.append(f"messageExpiry={message_expiry_s}")
    return "&".join(pairs), "&".join(sorted(pairs))
