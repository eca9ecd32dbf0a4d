"""Where outboxes are, for the tests that run over each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.outbox_world import file_in
from tests.integration.shared_place import SharedAws, SharedPlace, shared_aws


@pytest.fixture(scope="session")
def aws_for_outboxes() -> Iterator[SharedAws]:
    """SQS and DynamoDB in a process of their own."""
    with shared_aws() as running:
        yield running


@pytest.fixture
def shared_place(aws_for_outboxes: SharedAws, monkeypatch: pytest.MonkeyPatch) -> SharedPlace:
    """A new shared outbox; gateways in this process use the rights of one, and stop soon."""
    place = aws_for_outboxes.make()
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    # Stopping waits for receives to end.
    monkeypatch.setattr("gateway.outbox.aws.queue.POLL_S", 1)
    return place


@pytest.fixture(params=["sqlite", "aws"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new outbox of each kind in turn, as GATEWAY_OUTBOX takes it."""
    if request.param == "sqlite":
        return file_in(tmp_path)
    made: SharedPlace = request.getfixturevalue("shared_place")
    return made.outbox
