"""What the event API answers with when it does not refuse: bodies and their statuses.

Owns the shape of one answer, of the answers to many, and which HTTP status says it.
Does not: decide what became of an event (`gateway/intake.py`) or what a refusal looks like
(`gateway/problems.py`).
Source: docs/design.md, "Event API"; docs/decisions/0008-event-api.md, "One status for many events".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

from gateway import problems

if TYPE_CHECKING:
    from gateway.core.report import Page, Report
    from gateway.errors import RequestRefused

EVENTS: Final = "/v1/events"

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An event that was taken, now or before.

    Attributes:
        report: Where it stands.
        duplicate: Whether it was taken before.
        waited: Whether the caller asked for the outcome, and so gets it.
    """

    report: Report
    duplicate: bool = False
    waited: bool = False

    def members(self) -> dict[str, object]:
        """Return it as members of an answer."""
        members: dict[str, object] = (
            self.report.members()
            if self.waited
            else {"id": self.report.id, "status": self.report.state}
        )
        if self.duplicate:
            members["duplicate"] = True
        return members


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """An event of a batch that was refused.

    Attributes:
        error: Why.
        event_id: Its id, or None where the caller gave none or it could not be read.
    """

    error: RequestRefused
    event_id: str | None = None

    def members(self) -> dict[str, object]:
        """Return it as members of an answer."""
        members: dict[str, object] = {} if self.event_id is None else {"id": self.event_id}
        return members | {"problem": problems.refusal(self.error).problem.members()}


Result: TypeAlias = Taken | NotTaken
"""What became of one event of a request."""


def status_of(taken: Sequence[Taken]) -> int:
    """Return 200 where the outcome of all is known and was asked for, and 202 otherwise."""
    for one in taken:
        if not one.waited or not one.report.settled:
            return 202
    return 200 if taken else 202


def many(results: Sequence[Result]) -> dict[str, object]:
    """Return the answer to a batch, one result for each of its events, in their order."""
    taken = [result for result in results if isinstance(result, Taken)]
    return {
        "accepted": len(taken),
        "duplicates": sum(one.duplicate for one in taken),
        "refused": len(results) - len(taken),
        "results": [result.members() for result in results],
    }


def location(event_id: str) -> str:
    """Return the path at which an event can be looked up."""
    # Nearly all ids need no quoting, and finding that out takes a tenth of the time.
    plain = _UNRESERVED.fullmatch(event_id)
    return f"{EVENTS}/{event_id if plain else quote(event_id, safe='')}"


def page(found: Page) -> dict[str, object]:
    """Return one page of a list of events."""
    members: dict[str, object] = {"events": [report.members() for report in found.reports]}
    if found.after is not None:
        members["next"] = found.after
    return members


def next_link(found: Page, query: Mapping[str, str]) -> dict[str, str]:
    """Return the Link header that leads to the next page, if there is one. Source: RFC 8288."""
    if found.after is None:
        return {}
    asked = {**query, "after": found.after}
    text = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in asked.items()
    )
    return {"Link": f'<{EVENTS}?{text}>; rel="next"'}
