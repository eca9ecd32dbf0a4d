"""Who may do what, and how fast: refusals that speak of the caller, not of the request's shape.

Owns these errors' facts and sentences. Does not: decide (`gateway/admission.py`,
`gateway/core/service.py`) or know HTTP statuses (`gateway/problems.py`).
Source: the drawing in `gateway/errors/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors.refused import RequestRefused
from gateway.errors.root import GatewayError


class NotAuthenticated(RequestRefused):
    """There is no service key or token, or one that proves nothing here.

    Attributes:
        reason: ``missing``, ``unknown_key``, or a reason of `wire.token`.
        detail: A sentence for people, or empty for the reason's own; never a part of a token.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        if self.detail:
            return self.detail
        if self.reason == "missing":
            return "send a service key: Authorization: Bearer swk_..."
        return "the service key is not known here"


class UnknownSender(RequestRefused):
    """A message of the inbox was sent by an IAM identity that is no service of this gateway.

    Attributes:
        sender: What SQS says of the sender, e.g. ``AROA…:session``.
    """

    def __init__(self, sender: str) -> None:
        super().__init__(sender)
        self.sender = sender

    def __str__(self) -> str:
        return f"no service is known by the principal {self.sender.partition(':')[0]}"


class KeySetUnavailable(GatewayError):
    """An issuer's key set cannot be fetched.

    Attributes:
        why: A sentence part for the log.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class IssuerUnavailable(RequestRefused):
    """A token cannot be checked, because its issuer's keys cannot be had right now."""

    def __str__(self) -> str:
        return "the keys of the tokens' issuer cannot be fetched right now"


class NotAllowed(RequestRefused):
    """The service may not publish to some of the addresses.

    Attributes:
        service: The service's name.
        refused: The addresses it may not publish to.
        allowed: The address patterns it may publish to.
    """

    def __init__(self, service: str, refused: Sequence[str], allowed: Sequence[str]) -> None:
        super().__init__(service, tuple(refused), tuple(allowed))
        self.service = service
        self.refused = tuple(refused)
        self.allowed = tuple(allowed)

    def __str__(self) -> str:
        return (
            f"{self.service} may not publish to {', '.join(self.refused)}; "
            f"it may publish to {', '.join(self.allowed) or 'nothing'}"
        )


class AdminRequired(RequestRefused):
    """The service's credential does not give it the admin right.

    Attributes:
        service: The service's name.
    """

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service

    def __str__(self) -> str:
        return f"{self.service} needs a key with the admin right for this"


class RateExceeded(RequestRefused):
    """The service sends faster than its key allows.

    Attributes:
        rate_per_s: What the key allows, events per second.
        wait_s: When the next event would be taken, seconds.
    """

    def __init__(self, *, rate_per_s: float, wait_s: float) -> None:
        super().__init__(rate_per_s, wait_s)
        self.rate_per_s = rate_per_s
        self.wait_s = wait_s

    def __str__(self) -> str:
        return f"the service's key allows {self.rate_per_s:g} events per second"
