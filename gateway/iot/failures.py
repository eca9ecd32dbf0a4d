"""What each error of the AWS client means for the gateway.

Owns the map from botocore's and the network's errors to the gateway's own, for both publish paths
and for calls about connections.
Does not: retry (the error's class says whether to).
Source: botocore's iot-data model; AWS IoT Core developer guide, iot-errors.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from gateway.errors import (
    ClientNotConnected,
    CredentialsFailed,
    NotConfirmed,
    PublishDenied,
    PublishFailed,
    PublishInvalid,
    PublishThrottled,
    PublishTimedOut,
    PublishTooLarge,
    PublishUnavailable,
)

CLIENT_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError, OSError)
"""All that an AWS client raises; TimeoutError is an OSError."""

_CREDENTIAL_CODES: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Codes that speak of who signed, not of what may be done. Source: AWS common error codes."""

_CREDENTIAL_WORDS: Final = ("security token", "request signature", "Signature expired")
"""IoT Core puts the same refusals under ForbiddenException and tells them apart in the text.
Source: captured bodies of the device gateway."""

_CREDENTIAL_ERRORS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    SSOError,
)
_TIMEOUTS: Final = (ReadTimeoutError, TimeoutError)
_UNREACHABLE: Final = (
    ConnectTimeoutError,  # nothing was sent
    EndpointConnectionError,
    ConnectionClosedError,
    HTTPClientError,
    OSError,
)


def publish_failure(error: Exception) -> PublishFailed:
    """Return what an error of the AWS client means for a publish."""
    if isinstance(error, ClientError):
        return _answered(error)
    if isinstance(error, _CREDENTIAL_ERRORS):
        return CredentialsFailed(f"there are no AWS credentials to sign with: {error}")
    if isinstance(error, _TIMEOUTS):
        return PublishTimedOut(
            "IoT Core did not answer in time; the publish may or may not have happened"
        )
    if isinstance(error, _UNREACHABLE):
        return PublishUnavailable(f"IoT Core could not be reached ({type(error).__name__})")
    if isinstance(error, ResponseParserError):
        return PublishUnavailable("IoT Core's answer could not be read")
    # What remains is botocore refusing to build the request, which no retry changes.
    return PublishInvalid(f"the request could not be made ({type(error).__name__})")


def connection_failure(error: Exception) -> PublishFailed:
    """Return what an error of the AWS client means for a call about one client's connection."""
    if isinstance(error, ClientError):
        status, _, detail = _said(error)
        if status == 404:
            return ClientNotConnected(detail)
        if status == 504:
            return NotConfirmed(detail)
    if isinstance(error, _TIMEOUTS):
        return PublishTimedOut("IoT Core did not answer in time; the call may have had its effect")
    return publish_failure(error)


def _answered(error: ClientError) -> PublishFailed:
    status, code, detail = _said(error)
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    retry_after_s = _retry_after(metadata.get("HTTPHeaders", {}))
    if status == 429 or "Throttl" in code:
        return PublishThrottled(detail, retry_after_s=retry_after_s)
    if code in _CREDENTIAL_CODES or any(words in detail for words in _CREDENTIAL_WORDS):
        return CredentialsFailed(detail)
    if status >= 500:
        return PublishUnavailable(detail, retry_after_s=retry_after_s)
    if status in (401, 403):
        return PublishDenied(detail)
    if status == 413 or code.startswith("RequestEntityTooLarge"):
        return PublishTooLarge(detail)
    return PublishInvalid(detail)


def _said(error: ClientError) -> tuple[int, str, str]:
    said = error.response.get("Error", {})
    code = str(said.get("Code", ""))
    message = str(said.get("Message", "")) or "no message"
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    return status, code, f"IoT Core answered {status} {code}: {message}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
