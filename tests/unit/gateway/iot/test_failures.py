"""What each error of the AWS client means for a publish, and for a call about a connection."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
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
from gateway.iot.failures import connection_failure, publish_failure


def answered(
    status: int, code: str, message: str = "words", headers: dict[str, str] | None = None
) -> boto.ClientError:
    """Return the error of an answer as botocore raises it."""
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata},  # type: ignore[typeddict-item]
        "Publish",
    )


@pytest.mark.parametrize(
    ("error", "meaning", "retryable"),
    [
        (answered(429, "ThrottlingException"), PublishThrottled, True),
        (answered(400, "ThrottlingException"), PublishThrottled, True),
        (answered(500, "InternalFailureException"), PublishUnavailable, True),
        (answered(503, "ServiceUnavailableException"), PublishUnavailable, True),
        (answered(502, "502"), PublishUnavailable, True),
        (answered(403, "ForbiddenException"), PublishDenied, False),
        (answered(401, "UnauthorizedException"), PublishDenied, False),
        (answered(413, "RequestEntityTooLargeException"), PublishTooLarge, False),
        (answered(400, "InvalidRequestException"), PublishInvalid, False),
        (answered(404, "404"), PublishInvalid, False),
        (answered(403, "ExpiredTokenException"), CredentialsFailed, True),
        (
            answered(
                403,
                "ForbiddenException",
                "The security token included in the request is invalid.",
            ),
            CredentialsFailed,
            True,
        ),
        (
            answered(403, "ForbiddenException", "Signature expired: 1 is now earlier than 2"),
            CredentialsFailed,
            True,
        ),
        (boto.NoCredentialsError(), CredentialsFailed, True),
        (
            boto.CredentialRetrievalError(provider="p", error_msg="gone"),
            CredentialsFailed,
            True,
        ),
        (boto.ConnectTimeoutError(endpoint_url="u"), PublishUnavailable, True),
        (boto.ReadTimeoutError(endpoint_url="u"), PublishTimedOut, True),
        (TimeoutError(), PublishTimedOut, True),
        (boto.EndpointConnectionError(endpoint_url="u"), PublishUnavailable, True),
        (boto.ConnectionClosedError(endpoint_url="u"), PublishUnavailable, True),
        (boto.SSLError(endpoint_url="u", error=OSError()), PublishUnavailable, True),
        (ConnectionResetError(), PublishUnavailable, True),
        (ResponseParserError("<html>"), PublishUnavailable, True),
        (boto.ParamValidationError(report="r"), PublishInvalid, False),
    ],
)
def test_means(error: Exception, meaning: type[PublishFailed], retryable: bool) -> None:  # noqa: FBT001
    """Each error has one class, and the class says whether to try again."""
    failure = publish_failure(error)
    assert type(failure) is meaning
    assert failure.retryable is retryable
    assert failure.members() == {
        "code": meaning.code,
        "detail": str(failure),
        "retryable": retryable,
    }


def test_keeps_what_iot_core_said() -> None:
    """The operator reads AWS's own words."""
    failure = publish_failure(answered(403, "ForbiddenException", "Forbidden"))
    assert str(failure) == "IoT Core answered 403 ForbiddenException: Forbidden"


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None), ("²", None)]
)
def test_reads_how_long_to_wait(header: str, seconds: float | None) -> None:
    """Retry-After in seconds is kept; anything else is as if it were not there."""
    error = answered(429, "ThrottlingException", headers={"retry-after": header})
    assert publish_failure(error).retry_after_s == seconds


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (answered(404, "ResourceNotFoundException"), ClientNotConnected),
        (answered(504, "GatewayTimeoutException"), NotConfirmed),
        (answered(429, "ThrottlingException"), PublishThrottled),
        (answered(403, "ForbiddenException"), PublishDenied),
        (boto.NoCredentialsError(), CredentialsFailed),
        (boto.ReadTimeoutError(endpoint_url="u"), PublishTimedOut),
    ],
)
def test_means_for_a_connection(error: Exception, meaning: type[PublishFailed]) -> None:
    """Two answers mean something else when the call is about one client."""
    assert type(connection_failure(error)) is meaning
