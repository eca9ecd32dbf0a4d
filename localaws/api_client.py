"""Calls that localaws itself makes to AWS APIs, as any client makes them: signed, and checked.

Owns signing and sending, and turning an answer into an error. The calls go through localaws' own
front, so that a role's policies decide about them as about everybody's.

Source: AWS General Reference, "Create a signed AWS API request"; the SNS and SQS API references.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from localaws.core.signed_request import TIMESTAMP
from localaws.errors import LocalAwsError, NotRunning, UpstreamUnavailable
from wire.sigv4 import ALGORITHM, Scope, canonical_request, signature, signing_key, string_to_sign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from localaws.core.signature import AccessKey

_CODE: Final = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE: Final = re.compile(rb"<Message>([^<]*)</Message>")


class ApiRefused(LocalAwsError):
    """An API answered with an error.

    Attributes:
        service: Signing name.
        status: HTTP status.
        code: AWS's error code.
        message: AWS's sentence.
    """

    def __init__(self, service: str, status: int, code: str, message: str) -> None:
        super().__init__(service, status, code, message)
        self.service = service
        self.status = status
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return (
            f"{self.message} (Service: {self.service}; Status Code: {self.status}; "
            f"Error Code: {self.code})"
        )


class ApiClient:
    """A client of the AWS port.

    Args:
        url: Where the AWS APIs answer.
        region: Region to sign for.
        timeout_s: Longest time for one call.
        clock: Tells the aware UTC time.
    """

    def __init__(
        self, url: str, *, region: str, timeout_s: float, clock: Callable[[], datetime]
    ) -> None:
        self._url = f"{url}/"
        self._host = url.partition("//")[2]
        self._region = region
        self._timeout_s = timeout_s
        self._clock = clock
        self._session: ClientSession | None = None

    async def start(self) -> None:
        """Make the connection pool."""
        self._session = ClientSession(
            cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=self._timeout_s)
        )

    async def stop(self) -> None:
        """Close the connection pool."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def sns_publish(
        self, key: AccessKey, *, target_arn: str, message: str, is_structure: bool
    ) -> None:
        """Publish to an SNS topic.

        Raises:
            ApiRefused: SNS said no.
            UpstreamUnavailable: There was no answer.
        """
        form = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "TargetArn": target_arn,
            "Message": message,
        }
        if is_structure:
            form["MessageStructure"] = "json"
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        await self._call("sns", key, {"content-type": kind}, urlencode(form).encode())

    async def sqs_send(self, key: AccessKey, *, queue_url: str, body: str) -> None:
        """Send to an SQS queue.

        Raises:
            ApiRefused: SQS said no.
            UpstreamUnavailable: There was no answer.
        """
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": "AmazonSQS.SendMessage",
        }
        sent = json.dumps({"QueueUrl": queue_url, "MessageBody": body}).encode()
        await self._call("sqs", key, headers, sent)

    async def _call(
        self, service: str, key: AccessKey, headers: Mapping[str, str], body: bytes
    ) -> None:
        if self._session is None:
            raise NotRunning("the API client")
        signed = self._signed(service, key, headers, body)
        try:
            async with self._session.post(self._url, data=body, headers=signed) as answer:
                if answer.status >= 300:
                    raise _refused(service, answer.status, await answer.read())
        except (ClientError, TimeoutError, OSError) as problem:
            raise UpstreamUnavailable(service, type(problem).__name__) from problem

    def _signed(
        self, service: str, key: AccessKey, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        timestamp = self._clock().strftime(TIMESTAMP)
        scope = Scope(day=timestamp[:8], region=self._region, service=service)
        signed = {**headers, "host": self._host, "x-amz-date": timestamp}
        if key.session_token is not None:
            signed["x-amz-security-token"] = key.session_token.reveal()
        names = sorted(signed)
        request = canonical_request(
            method="POST",
            path="/",
            query="",
            headers=signed,
            signed_headers=names,
            payload_sha256=hashlib.sha256(body).hexdigest(),
        )
        text = string_to_sign(timestamp=timestamp, scope=scope, request=request)
        proof = signature(signing_key(key.secret.reveal(), scope), text)
        signed["authorization"] = (
            f"{ALGORITHM} Credential={key.access_key_id}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={proof}"
        )
        return signed


def _refused(service: str, status: int, body: bytes) -> ApiRefused:
    if body.lstrip().startswith(b"{"):
        found = json.loads(body)
        code = str(found.get("__type", "")).rpartition("#")[2]
        return ApiRefused(service, status, code, str(found.get("message") or found.get("Message")))
    code_found, message_found = _CODE.search(body), _MESSAGE.search(body)
    return ApiRefused(
        service,
        status,
        code_found[1].decode() if code_found else "",
        message_found[1].decode() if message_found else "",
    )
