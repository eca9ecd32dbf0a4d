"""The shape of answers, and the status that says what they are."""

from __future__ import annotations

import pytest

from gateway import answers
from gateway.answers import NotTaken, Taken
from gateway.core.report import Delivery, Page, Report, State
from gateway.errors import FieldProblem, InvalidEvent
from wire.address import Address


def report(state: State) -> Report:
    """Return the report of one event."""
    return Report(id="i", deliveries=(Delivery(address=Address.parse("user:1"), state=state),))


def test_an_event_answers_with_id_and_state() -> None:
    """No more than that, unless the outcome was asked for."""
    assert Taken(report=report(State.ACCEPTED)).members() == {"id": "i", "status": "accepted"}
    assert Taken(report=report(State.PUBLISHED), duplicate=True).members() == {
        "id": "i",
        "status": "published",
        "duplicate": True,
    }
    assert Taken(report=report(State.PUBLISHED), waited=True).members() == {
        "id": "i",
        "status": "published",
        "addresses": {"user:1": {"state": "published"}},
    }


def test_many_events_answer_each_for_itself() -> None:
    """With numbers, so that a caller need not count."""
    error = InvalidEvent([FieldProblem(pointer="/qos", problem="must be 0 or 1")])
    results: list[Taken | NotTaken] = [
        Taken(report=report(State.ACCEPTED)),
        NotTaken(error=error),
        Taken(report=report(State.FAILED), duplicate=True),
        NotTaken(error=error, event_id="x"),
    ]
    answer = answers.many(results)
    assert (answer["accepted"], answer["duplicates"], answer["refused"]) == (2, 1, 2)
    listed = answer["results"]
    assert isinstance(listed, list)
    assert [one.get("id") for one in listed] == ["i", None, "i", "x"]
    assert listed[1]["problem"]["code"] == "invalid_event"


@pytest.mark.parametrize(
    ("taken", "status"),
    [
        ([], 202),
        ([Taken(report=report(State.ACCEPTED))], 202),
        ([Taken(report=report(State.PUBLISHED))], 202),
        ([Taken(report=report(State.PUBLISHED), waited=True)], 200),
        ([Taken(report=report(State.FAILED), waited=True)], 200),
        ([Taken(report=report(State.SCHEDULED), waited=True)], 202),
    ],
)
def test_200_means_that_the_outcome_is_known(taken: list[Taken], status: int) -> None:
    """And was asked for; whether it is a good one stands in the body."""
    assert answers.status_of(taken) == status


def test_an_id_is_safe_in_a_path() -> None:
    """Ids may hold slashes and more."""
    assert answers.location("a/b@c:1") == "/v1/events/a%2Fb%40c%3A1"


def test_a_page_leads_to_the_next() -> None:
    """In the body and as a link; the last page leads nowhere."""
    page = Page(reports=(report(State.FAILED),), after="a b")
    assert answers.page(page)["next"] == "a b"
    assert answers.next_link(page, {"status": "failed", "after": "old"}) == {
        "Link": '</v1/events?status=failed&after=a%20b>; rel="next"'
    }
    last = Page(reports=())
    assert answers.page(last) == {"events": []}
    assert answers.next_link(last, {}) == {}
