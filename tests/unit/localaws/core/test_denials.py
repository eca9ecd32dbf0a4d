"""The latest denials."""

from localaws.core.denials import MAX_DENIALS, Denials, Denied, told


def denied(number: int = 0, **more: str) -> Denied:
    """Return a denial."""
    facts = {
        "where": "iot",
        "client_id": "c",
        "principal": "AROA:s",
        "action": "iot:Publish",
        "resource": "arn",
        "why": "no statement",
    }
    return Denied(at=float(number), **{**facts, **more})


def test_the_latest_are_kept() -> None:
    """Past the bound the oldest goes, but it was counted."""
    denials = Denials()
    for number in range(MAX_DENIALS + 2):
        denials.add(denied(number))
    kept = denials.latest()
    assert (len(kept), kept[0].at, kept[-1].at) == (MAX_DENIALS, 2.0, float(MAX_DENIALS + 1))
    assert denials.total == MAX_DENIALS + 2


def test_they_can_be_narrowed() -> None:
    """To a client, an action or both."""
    denials = Denials()
    for one in (denied(), denied(client_id="d"), denied(action="iot:Receive")):
        denials.add(one)
    assert len(denials.latest(client_id="c")) == 2
    assert len(denials.latest(action="iot:Publish")) == 2
    assert denials.latest(client_id="c", action="iot:Receive") == [denied(action="iot:Receive")]


def test_they_can_be_forgotten() -> None:
    """Before the next experiment."""
    denials = Denials()
    denials.add(denied())
    denials.clear()
    assert (denials.latest(), denials.total) == ([], 0)


def test_every_fact_is_told() -> None:
    """As JSON."""
    assert told(denied()) == {
        "at": 0.0,
        "where": "iot",
        "client_id": "c",
        "principal": "AROA:s",
        "action": "iot:Publish",
        "resource": "arn",
        "why": "no statement",
    }
