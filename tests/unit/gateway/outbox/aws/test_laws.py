"""The laws of the shared outbox hold whatever callers do, AWS answers, and whoever dies."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from tests.unit.gateway.outbox.aws.faults import Fault, Kind, Outage
from tests.unit.gateway.outbox.aws.laws import check
from tests.unit.gateway.outbox.aws.scenario import CLIENT, Draft, Scenario, Step, scenarios
from tests.unit.gateway.outbox.aws.world import World

FORGOTTEN = Scenario(
    (
        Step("post", 0, drafts=(Draft("a", due_s=40.0), Draft("b"))),
        Step("again", 1, after_s=1.0),
    ),
    outages=(Outage("sqs", 0.0, 45.0, gateway=0),),
)
"""One gateway cannot queue what it wrote, and forgets it; another one told a second caller that it
is known, and so it must stay."""

REPEATED = Scenario(
    (Step("post", 0, drafts=(Draft("a"),)), Step("again", 1, after_s=30.0)),
    faults=(Fault("receive", 0, Kind.LOST), *(Fault("send", n, Kind.LOST) for n in range(12))),
)
"""What was sent was refused, forgotten, received and found to lead to nothing; SQS drops repeats of
it still when the caller sends the same event again."""

OVERTAKEN = Scenario(
    (
        Step("post", 0, drafts=(Draft("first"), Draft("a"), Draft("b"))),
        Step("crash", 0, after_s=4.0),
    ),
    faults=(
        # While it is on its way both others come to stand in the queue, to be received at once.
        Fault("publish", 0, Kind.SLOW),
        Fault("publish", 1, Kind.DENIED),
        Fault("settle", 1, Kind.SILENT),
    ),
)
"""A delivery failed, and its gateway died before that was written: what stands behind it waits."""


HELD_TWICE = Scenario(
    (Step("post", 0, drafts=(Draft("a"), Draft("b"))),),
    faults=(
        *(Fault("publish", n, Kind.SILENT) for n in range(7)),
        Fault("extend", 0, Kind.SILENT),
    ),
    seed=1,
)
"""One gateway tries and tries, and does not learn in time that its messages show again: another one
receives them while an attempt is under way."""

UNCONFIRMED = Scenario(
    (Step("post", 0, drafts=(Draft("a", to=(CLIENT,)), Draft("b", to=(CLIENT,)))),),
    faults=(Fault("deliver", 0, Kind.OFFLINE), Fault("deliver", 1, Kind.SILENT)),
)
"""A client is away, then there and says nothing: both events are published instead, in their order."""


@pytest.mark.timeout(300)  # what fails is made small first, and that takes its time
@settings(max_examples=200)
@example(FORGOTTEN)
@example(REPEATED)
@example(OVERTAKEN)
@example(HELD_TWICE)
@example(UNCONFIRMED)
@given(scenarios())
def test_laws(scenario: Scenario) -> None:
    """Several gateways, events that collide, faults in any call, deaths at any step."""
    world = World(scenario)
    world.play()
    check(world)
