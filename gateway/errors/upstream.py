"""Upstream trouble: what went wrong between the gateway and IoT Core.

Owns these errors' codes, which are the same on the API, in metrics and in logs, and whether trying
again makes sense.
Does not: read AWS's answers (`gateway/iot`), or know HTTP statuses (`gateway/problems.py`).
Source: the drawing in `gateway/errors/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway.errors.root import GatewayError


class PublishFailed(GatewayError):
    """One publish, or call about a connection, did not succeed, as far as the gateway knows.

    Attributes:
        code: A stable word for machines; the same on the API, in metrics and in logs.
        retryable: Whether the same publish may succeed later.
        detail: What IoT Core or the network said.
        retry_after_s: How long upstream asks to wait, if it said so.
    """

    code: ClassVar[str] = "failed"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.detail

    def members(self) -> Mapping[str, object]:
        """Return it as members of an answer."""
        return {"code": self.code, "detail": self.detail, "retryable": self.retryable}


class PublishThrottled(PublishFailed):
    """IoT Core takes no more at this rate."""

    code = "throttled"
    retryable = True


class PublishUnavailable(PublishFailed):
    """IoT Core could not be reached, or answered that it failed."""

    code = "unavailable"
    retryable = True


class PublishTimedOut(PublishFailed):
    """IoT Core did not answer in time; the publish may or may not have happened."""

    code = "timed_out"
    retryable = True


class CredentialsFailed(PublishFailed):
    """The gateway has no AWS credentials, or they were refused as expired or unknown."""

    code = "credentials_failed"
    retryable = True


class PublishDenied(PublishFailed):
    """The gateway's own AWS policy does not allow this publish."""

    code = "denied"


class PublishTooLarge(PublishFailed):
    """IoT Core says that the payload is too large."""

    code = "too_large"


class PublishInvalid(PublishFailed):
    """IoT Core does not take this request, however often it is sent."""

    code = "invalid"


class ClientNotConnected(PublishFailed):
    """IoT Core knows no connection of this client; only calls about connections fail so."""

    code = "not_connected"


class NotConfirmed(PublishFailed):
    """The client did not confirm a direct message in time; it may have received it."""

    code = "not_confirmed"
    retryable = True


class InboxUnusable(GatewayError):
    """The inbox's queue is not set up so that messages can be taken from it.

    Attributes:
        why: A short word for machines, e.g. ``no_dead_letter_queue``.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"the inbox cannot be used ({self.why})"
