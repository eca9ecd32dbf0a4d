"""Every error that `wire` raises, under one root.

    WireError
    ├── PeerError                 somebody sent us a value outside the contract
    │   ├── InvalidAddress
    │   ├── InvalidTopic
    │   ├── InvalidNamespace
    │   ├── InvalidDevice
    │   ├── InvalidEnvelope
    │   ├── InvalidKey            a key that cannot verify tokens here
    │   │   └── InvalidKeySet
    │   ├── InvalidToken          with a stable machine reason
    │   ├── InvalidPolicy         an IAM document that we cannot honour
    │   └── GrantRefused          a good token that asks for what cannot be granted
    │       └── PolicyTooLarge
    └── SettingsError             the operator's environment is wrong; all problems at once

The facts are attributes; the text is made from them and never holds a token, secret or payload.
This module does not map errors to HTTP: each API does that in one place of its own.

Source: docs/design.md, "Words"; style rule 7.
"""

from __future__ import annotations

from collections.abc import Sequence


class WireError(Exception):
    """Root of every error in `wire`."""


class PeerError(WireError):
    """A value that a peer sent breaks the contract.

    Attributes:
        subject: What was being read, e.g. ``address``.
        problem: What is wrong, in a phrase that includes the limit.
    """

    subject = "value"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"invalid {self.subject}: {self.problem}"


class InvalidAddress(PeerError):
    """Text that is no address or address pattern."""

    subject = "address"


class InvalidTopic(PeerError):
    """Text that is no topic, or no topic filter, by IoT Core's rules."""

    subject = "topic"


class InvalidNamespace(PeerError):
    """Text that is no namespace."""

    subject = "namespace"


class InvalidDevice(PeerError):
    """Text that is no device id."""

    subject = "device"


class InvalidEnvelope(PeerError):
    """Bytes that are no event envelope."""

    subject = "envelope"


class InvalidPolicy(PeerError):
    """An IAM document outside the grammar, or using what our evaluator does not know.

    Refusing is the point: a condition that is silently ignored would allow too much.

    Attributes:
        where: The place in the document, e.g. ``Statement[1].Condition``.
    """

    subject = "policy"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(problem)
        self.where = where

    def __str__(self) -> str:
        return f"invalid policy at {self.where}: {self.problem}"


class InvalidKey(PeerError):
    """A key that cannot verify tokens here; the text never holds the key."""

    subject = "key"


class InvalidKeySet(InvalidKey):
    """A document that is no JWKS, or one without a key for us."""

    subject = "key set"


class InvalidToken(PeerError):
    """A token that does not prove who the bearer is.

    Attributes:
        reason: A stable word for machines, e.g. ``expired``.
        detail: A sentence for people; never holds any part of the token.
    """

    subject = "token"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"invalid token ({self.reason}): {self.detail}"


class GrantRefused(PeerError):
    """A valid token that asks for something that cannot be granted.

    Attributes:
        reason: A stable word for machines, e.g. ``too_many_subscriptions``.
        detail: A sentence for people.
    """

    subject = "grant"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"grant refused ({self.reason}): {self.detail}"


class PolicyTooLarge(GrantRefused):
    """The grant's session policy does not fit into what STS takes.

    Attributes:
        size: Characters the compiled session policy has.
        limit: Characters STS allows.
    """

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(
            "policy_too_large",
            f"the session policy for this grant has {size} characters; STS allows {limit}; "
            "use fewer or shorter groups, or grant a subtree (a trailing /*)",
        )
        self.size = size
        self.limit = limit


class SettingsError(WireError):
    """The environment does not make valid settings.

    Attributes:
        problems: One sentence for each problem, all of them.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "invalid settings:\n" + "\n".join(f"  - {problem}" for problem in self.problems)
