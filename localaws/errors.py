"""Every error that `localaws` raises, under one root.

    LocalAwsError
    ├── Misuse               our own bug, or a caller in this process: fix the code
    │   └── NotRunning       a part was used before it was started or after it was stopped
    ├── PeerMisbehaved       the peer broke a protocol: its connection or request ends, nobody else's
    └── UpstreamUnavailable  moto did not answer: try again

Classes that belong to one module (the MQTT codec's protocol errors, say) live beside it and derive
from one of these three. A refusal that AWS would answer with is a value, not an exception
(`localaws.core.refusal.Refusal`).

Source: style rule 7.
"""

from __future__ import annotations


class LocalAwsError(Exception):
    """Root of every error in `localaws`."""


class Misuse(LocalAwsError):
    """A part of localaws was called wrongly by code in this process.

    Attributes:
        problem: What was wrong, in a phrase.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"localaws was used wrongly: {self.problem}"


class NotRunning(Misuse):
    """A part was used before it was started or after it was stopped.

    Attributes:
        part: Which one, e.g. ``moto``.
    """

    def __init__(self, part: str) -> None:
        super().__init__(f"{part} is not running")
        self.part = part


class PeerMisbehaved(LocalAwsError):
    """A peer broke a protocol; only its own connection or request ends.

    Attributes:
        problem: What it did, in a phrase without payloads or secrets.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"the peer misbehaved: {self.problem}"


class UpstreamUnavailable(LocalAwsError):
    """Something behind localaws did not answer in time or at all.

    Attributes:
        upstream: Which one, e.g. ``moto``.
        problem: What happened, in a phrase.
    """

    def __init__(self, upstream: str, problem: str) -> None:
        super().__init__(upstream, problem)
        self.upstream = upstream
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.upstream} is unavailable: {self.problem}"
