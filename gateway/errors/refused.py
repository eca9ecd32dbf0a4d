"""Why a request was not taken: its shape, type, size or time is wrong.

Owns these errors' facts and sentences. Does not: know their HTTP statuses (`gateway/problems.py`),
nor who may call (`access.py`) or what is kept (`standing.py`).
Source: the drawing in `gateway/errors/__init__.py`; docs/design.md, "Event API".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors.root import GatewayError


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


class TooManyEvents(RequestRefused):
    """The body holds more events than one request may.

    Attributes:
        limit: Most events in one request.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"one request takes {self.limit} events; this one has more"


class InvalidQuery(RequestRefused):
    """A query parameter is unknown or has a value that it cannot have.

    Attributes:
        parameter: Its name, shortened.
        problem: What is wrong, in a sentence part.
    """

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(parameter, problem)
        self.parameter = parameter
        self.problem = problem

    def __str__(self) -> str:
        return f"query parameter {self.parameter}: {self.problem}"


class InvalidClientId(RequestRefused):
    """The path names no client of this stack.

    Attributes:
        problem: What is wrong, in a sentence part.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem
