"""The rules engine's bounds: its queue, its rate, its memory of rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from moto.iot.models import iot_backends

from localaws.api_client import ApiClient
from localaws.clock import Clock
from localaws.core.message import Message
from localaws.core.rules.limits import RuleLimits
from localaws.function_registry import FunctionRegistry
from localaws.moto_server import MotoServer
from localaws.rules_engine import RulesEngine
from tests.unit.localaws.core.callers import ACCOUNT, REGION

IOT = "iot.amazonaws.com"


class World:
    """An engine whose only action is a function that takes note."""

    def __init__(self) -> None:
        self.moto = MotoServer(account=ACCOUNT, region=REGION)
        self.functions = FunctionRegistry(self.moto.arn_prefix("lambda"))
        self.seen: list[Any] = []
        self.arn = self.functions.register(
            "f", lambda: lambda event, _context: self.seen.append(event)
        )
        self.functions.permit("f", principal=IOT)
        self.clock = Clock()

    def engine(self, **limits: Any) -> RulesEngine:
        """Return an engine that was not started."""
        api = ApiClient("http://127.0.0.1:1", region=REGION, timeout_s=1, clock=self.clock.utc)
        return RulesEngine(
            self.moto,
            publish=lambda message, now: None,
            api=api,
            functions=self.functions,
            clock=self.clock,
            limits=RuleLimits(**limits),
        )

    def make(self, name: str, sql: str, **more: Any) -> None:
        """Make a rule in moto, past the front."""
        iot_backends[ACCOUNT][REGION].create_topic_rule(
            rule_name=name,
            sql=sql,
            description="",
            rule_disabled=False,
            actions=[{"lambda": {"functionArn": self.arn}}],
            error_action=None,
            aws_iot_sql_version="2016-03-23",
            **more,
        )


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world without any network."""
    yield World()
    BackendDict.reset()


def offer(engine: RulesEngine, *topics: str, now: float = 1_000.0) -> None:
    """Tell the engine of messages."""
    for topic in topics:
        engine.offer(Message(topic=topic, payload=b"{}"), now)


async def dealt_with(engine: RulesEngine) -> None:
    """Let the engine finish and stop."""
    await engine.start()
    await engine.stop(5)


async def test_without_rules_nothing_happens(world: World) -> None:
    """The broker tells of every message, so this must cost nothing."""
    engine = world.engine()
    offer(engine, "a", "b")
    await dealt_with(engine)
    assert world.seen == []


async def test_rules_in_moto_count_once_they_are_loaded(world: World) -> None:
    """Also those made past the front; one that is not understood is ignored and logged."""
    engine = world.engine()
    world.make("r", "SELECT topic() AS t FROM 'a/#'")
    world.make("broken", "SELECT newuuid() AS u FROM 'a/#'")
    engine.reload()
    assert [rule.name for rule in engine.rules] == ["r"]
    offer(engine, "a/b", "b")
    await dealt_with(engine)
    assert world.seen == [{"t": "a/b"}]


async def test_a_rule_that_did_not_change_is_not_compiled_again(world: World) -> None:
    """Only the others are."""
    engine = world.engine()
    world.make("r", "SELECT * FROM 'a'")
    engine.reload()
    (first,) = engine.rules
    world.make("s", "SELECT * FROM 'b'")
    engine.reload()
    assert engine.rules[0] is first
    iot_backends[ACCOUNT][REGION].disable_topic_rule("r")
    engine.reload()
    assert engine.rules[0] is not first
    assert not engine.rules[0].enabled


async def test_a_full_queue_drops_and_says_so_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The newest calls go; the log has one line a second, not one for each."""
    engine = world.engine(queue=2)
    world.make("r", "SELECT topic() AS t FROM '#'")
    engine.reload()
    offer(engine, "a", "b", "c", "d", "e")
    await dealt_with(engine)
    assert sorted(one["t"] for one in world.seen) == ["a", "b"]
    assert caplog.messages.count("rules dropped") == 1


async def test_evaluations_have_a_rate(world: World) -> None:
    """It fills again with time, and can be switched off."""
    world.make("r", "SELECT topic() AS t FROM '#'")
    engine = world.engine(evaluations_per_s=2)
    engine.reload()
    now = world.clock.steady()
    offer(engine, "a", "b", "c", now=now)
    offer(engine, "d", now=now + 1)
    await dealt_with(engine)
    assert sorted(one["t"] for one in world.seen) == ["a", "b", "d"]
    world.seen.clear()
    unlimited = world.engine(evaluations_per_s=None)
    unlimited.reload()
    offer(unlimited, *"abcdef")
    await dealt_with(unlimited)
    assert len(world.seen) == 6


def test_checking_names_what_is_wrong(world: World) -> None:
    """As the AWS front answers it."""
    engine = world.engine()
    good = {"sql": "SELECT * FROM 'a'", "actions": []}
    assert engine.check("r", good) is None
    refusal = engine.check("r", {**good, "sql": "SELECT"})
    assert refusal is not None
    assert (refusal.status, refusal.code) == (400, "SqlParseException")
