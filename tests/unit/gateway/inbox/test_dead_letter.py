"""Dead letters: what was sent, as it was written, and why it was refused."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway import problems
from gateway.errors import MalformedBody, NotAllowed
from gateway.inbox.dead_letter import item_letters, item_texts, whole_letter
from tests.unit.gateway.inbox.messages import message

PROBLEM = problems.refusal(NotAllowed("shop", ["everyone"], ["user:*"])).problem
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
BLANKS = st.text(" \t\n\r", max_size=3)


@given(st.lists(st.tuples(BLANKS, JSON, BLANKS)), BLANKS, BLANKS)
def test_items_are_told_apart_as_they_were_written(
    items: list[tuple[str, object, str]], before: str, after: str
) -> None:
    """Whatever stands in them and around them."""
    texts = [json.dumps(value, ensure_ascii=False) for _, value, _ in items]
    inner = ",".join(f"{a}{text}{b}" for (a, _, b), text in zip(items, texts, strict=True))
    assert list(item_texts(f"{before}[{inner or ' '}]{after}")) == texts


def test_an_item_with_a_name_twice_keeps_both() -> None:
    """What was wrong with it is still there to be seen."""
    twice = '{"to": "a", "to": "b"}'
    assert list(item_texts(f"[1, {twice},2 ]")) == ["1", twice, "2"]


def test_a_whole_message_says_why_and_whose() -> None:
    """Reason, problem, sender, id; the trace goes along, and a repeat is the same letter."""
    sent = message("Hi!", attributes={"traceparent": "00-1"})
    letter = whole_letter(sent, PROBLEM, service="shop")
    assert (letter.body, letter.group, letter.deduplication_id) == ("Hi!", "g", sent.id)
    assert json.loads(letter.attributes["problem"]) == PROBLEM.members()
    assert {name: letter.attributes[name] for name in letter.attributes if name != "problem"} == {
        "reason": "not_allowed",
        "messageId": sent.id,
        "sender": sent.sender,
        "service": "shop",
        "traceparent": "00-1",
    }
    assert whole_letter(message("Hi!", receipt="x", receives=2, attributes=sent.attributes),
                        PROBLEM, service="shop") == letter  # fmt: skip


def test_a_stranger_has_no_service_and_a_standard_queue_no_group() -> None:
    """SQS takes no empty attribute; the group of a FIFO dead letter is then its own."""
    sent = message("Hi!", sender="", group=None)
    letter = whole_letter(sent, PROBLEM, service=None)
    assert letter.group == sent.id
    assert set(letter.attributes) == {"reason", "problem", "messageId"}


def test_refused_events_of_a_message_stand_alone() -> None:
    """Each with its own reason, under an id of its own."""
    other = problems.refusal(MalformedBody("no")).problem
    sent = message("[1, 2 ,3]")
    letters = item_letters(sent, {0: PROBLEM, 2: other}, service="shop")
    assert [(one.body, one.deduplication_id) for one in letters] == [
        ("1", f"{sent.id}.0"),
        ("3", f"{sent.id}.2"),
    ]
    assert [one.attributes["reason"] for one in letters] == ["not_allowed", "malformed_body"]
    assert all(len(one.attributes) <= 10 for one in letters)
