"""Every error of the SNS bridge, under one root.

    BridgeError
    ├── MessageRefused    this message can never be published: it ends in the dead-letter queue
    ├── PublishFailed     IoT Core did not take it now, or refused it: SQS brings it again
    └── UnexpectedEvent   not an SQS event, or from a queue without a route: the stack is wrong

Settings problems are `wire.errors.SettingsError`.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Root of this function's own errors.

    Attributes:
        reason: A stable word for machines and logs.
        detail: A sentence for people; never holds a payload.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class MessageRefused(BridgeError):
    """The sender's fault; no retry helps, so retries end soon, in the dead-letter queue."""


class PublishFailed(BridgeError):
    """IoT Core did not take the message."""


class UnexpectedEvent(BridgeError):
    """What Lambda brought is not what this stack sends."""
