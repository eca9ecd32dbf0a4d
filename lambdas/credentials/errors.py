"""Every error of the credential Lambda, under one root.

    CredentialsError
    ├── RequestRefused            the caller's fault
    │   ├── BadRequest            the body is not what the API takes
    │   ├── MissingToken          no bearer token at all
    │   ├── NoSuchRoute
    │   └── MethodNotAllowed
    ├── UpstreamError             somebody we need is in trouble; the caller may try again
    │   ├── StsUnavailable
    │   ├── StsThrottled
    │   └── KeysUnavailable       the issuer's key set, or our own secret, cannot be had
    └── Misdeployed               the stack is wrong, and no retry helps
        ├── StsRefused            this function may not assume the client role as it asked to
        └── UnexpectedEvent       not an API Gateway HTTP API event

What the token or the grant itself does wrong is `wire.errors.InvalidToken` and `GrantRefused`.
`lambdas.credentials.problems` maps all of them to HTTP answers.
"""

from __future__ import annotations


class CredentialsError(Exception):
    """Root of this function's own errors.

    Attributes:
        reason: A stable word for machines and logs.
        detail: A sentence for people; never holds a token, secret or credential.
    """

    reason = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail


class RequestRefused(CredentialsError):
    """The request is not one this API takes."""


class BadRequest(RequestRefused):
    """The body breaks the contract."""

    reason = "bad_request"


class MissingToken(RequestRefused):
    """There is no bearer token to verify."""

    reason = "missing_token"


class NoSuchRoute(RequestRefused):
    """The path is not ours."""

    reason = "not_found"


class MethodNotAllowed(RequestRefused):
    """The path is ours, the method is not."""

    reason = "method_not_allowed"


class UpstreamError(CredentialsError):
    """Somebody this function needs is in trouble."""


class StsUnavailable(UpstreamError):
    """STS did not answer in time, or answered with a fault of its own."""

    reason = "sts_unavailable"


class StsThrottled(UpstreamError):
    """STS asked for fewer calls."""

    reason = "sts_throttled"


class KeysUnavailable(UpstreamError):
    """There are no keys to verify tokens with right now."""

    reason = "keys_unavailable"


class Misdeployed(CredentialsError):
    """The stack around this function is wrong."""


class StsRefused(Misdeployed):
    """STS refused the call for a reason the caller has no part in.

    Attributes:
        aws_code: STS's error code, e.g. ``AccessDenied``.
    """

    reason = "sts_refused"

    def __init__(self, aws_code: str) -> None:
        super().__init__(f"STS refused to hand out credentials ({aws_code})")
        self.aws_code = aws_code


class UnexpectedEvent(Misdeployed):
    """The event is not in payload format 2.0."""

    reason = "unexpected_event"
