"""The laws of the shared outbox hold whatever callers do, AWS answers, and whoever dies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.unit.gateway.outbox.aws.laws import check
from tests.unit.gateway.outbox.aws.scenario import Scenario, scenarios
from tests.unit.gateway.outbox.aws.world import World


@pytest.mark.timeout(300)  # what fails is made small first, and that takes its time
@settings(max_examples=120)
@given(scenarios())
def test_laws(scenario: Scenario) -> None:
    """Several gateways, events that collide, faults in any call, deaths at any step."""
    world = World(scenario)
    world.play()
    check(world)
