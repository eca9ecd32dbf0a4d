"""The laws of the shared outbox hold whatever callers do, AWS answers, and whoever dies."""

from __future__ import annotations

from hypothesis import given, settings

from tests.unit.gateway.outbox.aws.laws import check
from tests.unit.gateway.outbox.aws.scenario import Scenario, scenarios
from tests.unit.gateway.outbox.aws.world import World


@settings(max_examples=200, deadline=None)
@given(scenarios())
def test_laws(scenario: Scenario) -> None:
    """Several gateways, colliding events, faults in any call, deaths at any step."""
    world = World(scenario)
    world.play()
    check(world)
