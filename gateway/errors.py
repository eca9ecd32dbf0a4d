"""Every error that `gateway` raises, under one root.

    GatewayError
    ├── OperatorError               what the operator must put right; the program does not start
    │   ├── KeyFileError            the keys file cannot be read, understood or written
    │   ├── KeyRefused              a key cannot be made or found as asked
    │   ├── NobodyMayPublish        no key, and no permission to run without
    │   └── AddressInUse            the port is taken
    ├── RequestRefused              the caller's fault; nothing was published
    │   ├── MalformedBody           not strict JSON
    │   ├── InvalidEvent            JSON, but no event; holds every problem found
    │   ├── EventTooLarge           does not fit one publish with its envelope
    │   ├── BodyTooLarge
    │   ├── BodyTooSlow
    │   ├── UnsupportedMedia        a content type or encoding that is not read here
    │   ├── NotAuthenticated
    │   ├── NotAllowed              the key may not publish to these addresses
    │   ├── RateExceeded            this service is too fast
    │   └── Overloaded              the gateway as a whole has no room; try again
    └── PublishFailed               upstream trouble with one publish
        ├── PublishThrottled        may be tried again, more slowly
        ├── PublishUnavailable      may be tried again
        ├── PublishTimedOut         may be tried again; may have been delivered
        ├── CredentialsFailed       may be tried again once the credentials are good
        ├── PublishDenied           terminal: IAM says no
        ├── PublishTooLarge         terminal
        └── PublishInvalid          terminal: IoT Core does not take it

Facts are attributes; the text is made from them and never holds a token, key or payload.
This module does not map errors to HTTP: `gateway/problems.py` does, in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


class GatewayError(Exception):
    """Root of every error in `gateway`."""


# --- what the operator must put right ---------------------------------------------------------


class OperatorError(GatewayError):
    """The program cannot do what it was started for."""


class KeyFileError(OperatorError):
    """The keys file cannot be read, understood or written.

    Attributes:
        path: The file.
        why: A phrase.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"keys file {self.path}: {self.why}"


class KeyRefused(OperatorError):
    """A key cannot be made or found as asked; the text says why."""


class NobodyMayPublish(OperatorError):
    """There is no key, and nothing says to run without."""

    def __str__(self) -> str:
        return (
            "there is no service key, so nobody could publish: make one with "
            "`python -m gateway key new --name <service> --publish '*' --file keys.json` and set "
            "GATEWAY_KEYS_FILE=keys.json (or GATEWAY_INSECURE_NO_AUTH=1 to let everybody publish)"
        )


class AddressInUse(OperatorError):
    """Another program listens there already.

    Attributes:
        host: Where we wanted to listen.
        port: The TCP port.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return f"port {self.port} on {self.host} is taken; GATEWAY_PORT moves it"


# --- the caller's fault -----------------------------------------------------------------------


class RequestRefused(GatewayError):
    """The request was not taken, and why. Nothing was published or kept."""


class MalformedBody(RequestRefused):
    """The body is not strict JSON.

    Attributes:
        problem: What is wrong, in a phrase.
        limit: The bound that was exceeded, if it was one.
    """

    def __init__(self, problem: str, *, limit: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.limit = limit

    def __str__(self) -> str:
        return self.problem if self.limit is None else f"{self.problem} (the limit is {self.limit})"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One thing wrong with an event.

    Attributes:
        pointer: Where, as a JSON pointer (RFC 6901) into the event; empty for the event itself.
        problem: What, in a sentence part that includes the limit.
        hint: A near match for an unknown name.
    """

    pointer: str
    problem: str
    hint: str | None = None

    def members(self) -> dict[str, str]:
        """Return it as members of a problem document."""
        found = {"pointer": self.pointer, "detail": self.problem}
        if self.hint is not None:
            found["hint"] = self.hint
        return found

    def __str__(self) -> str:
        hint = f"; did you mean {self.hint}?" if self.hint else ""
        return f"{self.pointer or 'the event'}: {self.problem}{hint}"


class InvalidEvent(RequestRefused):
    """The body is JSON, but no event.

    Attributes:
        problems: Everything found wrong, in the order of the fields.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        more = len(self.problems) - 1
        return f"{self.problems[0]}" + (f" (and {more} more)" if more else "")


class EventTooLarge(RequestRefused):
    """With its envelope the event does not fit into one publish.

    Attributes:
        size_bytes: What it would take.
        limit_bytes: What IoT Core takes.
    """

    def __init__(self, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(size_bytes, limit_bytes)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return (
            f"with its envelope the event has {self.size_bytes} bytes; "
            f"one publish takes {self.limit_bytes}"
        )


class BodyTooLarge(RequestRefused):
    """The request body, decompressed, exceeds the limit.

    Attributes:
        limit_bytes: The limit.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"the body is larger than {self.limit_bytes} bytes"


class BodyTooSlow(RequestRefused):
    """The request body did not arrive in time.

    Attributes:
        limit_s: The limit, seconds.
    """

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.limit_s = limit_s

    def __str__(self) -> str:
        return f"the body did not arrive within {self.limit_s:g} seconds"


class UnsupportedMedia(RequestRefused):
    """A content type or encoding that is not read here.

    Attributes:
        header: The header that says so.
        accepted: What may stand there instead.
    """

    def __init__(self, header: str, accepted: Sequence[str]) -> None:
        super().__init__(header, *accepted)
        self.header = header
        self.accepted = tuple(accepted)

    def __str__(self) -> str:
        return f"{self.header} must be {' or '.join(self.accepted)}"


class NotAuthenticated(RequestRefused):
    """There is no service key, or one that is not known.

    Attributes:
        reason: ``missing`` or ``unknown_key``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        if self.reason == "missing":
            return "send a service key: Authorization: Bearer swk_..."
        return "the service key is not known here"


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


class Overloaded(RequestRefused):
    """The gateway has no room for more events at this moment.

    Attributes:
        limit: Most publishes that may be waiting or on their way.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"there is room for {self.limit} publishes at a time, and too little of it is free"


# --- upstream trouble -------------------------------------------------------------------------


class PublishFailed(GatewayError):
    """One publish did not succeed, as far as the gateway knows.

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
