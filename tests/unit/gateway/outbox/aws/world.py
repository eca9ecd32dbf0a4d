"""The world of a simulation: AWS, several gateways, callers, and time.

Owns playing a scenario to its end: first with everything that goes wrong, then in peace, until
nothing is left to do. Does not: judge what happened (`laws.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

from botocore.exceptions import ClientError

from gateway.core.event import Event
from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.core.settlement import read_outcomes
from gateway.errors import GatewayError, RequestRefused
from gateway.outbox.aws import item as items
from gateway.outbox.aws import outbox, sweep
from tests.unit.gateway.outbox.aws.expressions import Item
from tests.unit.gateway.outbox.aws.faults import Plan
from tests.unit.gateway.outbox.aws.journal import Journal, Name, Post, Publish, Request, Settlement
from tests.unit.gateway.outbox.aws.network import Network
from tests.unit.gateway.outbox.aws.scenario import CLIENT, Draft, Scenario, Step
from tests.unit.gateway.outbox.aws.simulated_gateway import SETTINGS, SimulatedGateway
from tests.unit.gateway.outbox.aws.simulated_queue import SimulatedQueue
from tests.unit.gateway.outbox.aws.simulated_sqs import Sqs
from tests.unit.gateway.outbox.aws.simulated_table import SimulatedTable
from tests.unit.gateway.outbox.aws.simulated_time import EPOCH_MS, SimulatedLoop
from wire.address import Address

PEACE_S = 150.0
"""Within how long after the last fault everything must be settled, seconds: what is due (40), a
claim and a hidden message (20 each), a look of the sweep (30), and a few retries."""

MOST_RECEIVES = 10
"""Receives before a message is given up; fewer than in production, so that it happens."""

ANSWER_S = 60.0
"""Within how long a caller gets an answer from a gateway that lives, seconds."""


class World:
    """Everything there is.

    Attributes:
        journal: What happened.
        table: The events.
        gateways: Those that run or ran last, by place.
        poison: Ids of events whose publish kills the gateway.
        supervised: Whether a gateway that died is started again.
        peace_s: Within how long everything must be settled once nothing goes wrong any more.

    Args:
        scenario: What is to happen.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.loop = SimulatedLoop()
        self.journal = Journal()
        self.plan = Plan(scenario.faults, scenario.outages)
        self.network = Network(self.plan, scenario.seed)
        self.dead_letters = SimulatedQueue()
        self.queue = SimulatedQueue(self.dead_letters, most_receives=MOST_RECEIVES)
        self.sqs = Sqs(self.queue, self.dead_letters)
        self.table = SimulatedTable(index_lag_s=scenario.index_lag_s, watch=self._written)
        self.poison = scenario.poison
        self.gateways: list[SimulatedGateway | None] = [None] * len(scenario.skews_ms)
        self.supervised = False
        self.peace_s = PEACE_S
        self._started: list[SimulatedGateway] = []
        self._callers: list[asyncio.Task[None]] = []
        self._ids: list[str] = []
        self._posted: list[tuple[Draft, ...]] = []
        self._numbers = itertools.count()
        self._made: dict[Draft, Event] = {}

    def play(self) -> Journal:
        """Play the scenario, and return what happened."""
        handler = _Errors(self.journal)
        logger = logging.getLogger("gateway")
        before = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.ERROR)
        try:
            # The gateways' own chance: back-off and jitter.
            random.seed(self.scenario.seed)
            with _few_partitions():
                self.loop.run_until_complete(self._play())
        finally:
            logger.removeHandler(handler)
            logger.setLevel(before)
            self.loop.close()
        return self.journal

    async def _play(self) -> None:
        for place in range(len(self.gateways)):
            self._start(place)
        for step in self.scenario.steps:
            await asyncio.sleep(step.after_s)
            self._do(step)
        await self._rest(at_least_s=6.0, at_most_s=25.0)
        if self._callers:
            _, waiting = await asyncio.wait(self._callers, timeout=ANSWER_S)
            if waiting:
                self.journal.broken.append("a caller was given no answer")
        self.plan.end()
        await self._rest(at_least_s=0.0, at_most_s=self.peace_s)
        await asyncio.sleep(self.scenario.index_lag_s)
        await self._list()
        await self._end()

    async def _list(self) -> None:
        gateway = self._start(0)
        await asyncio.sleep(1.0)
        after: str | None = None
        while True:
            page = await gateway.run(
                gateway.intake.search(ANYBODY, status=None, limit=3, after=after)
            )
            self.journal.listed += [(report.id, report.state) for report in page.reports]
            after = page.after
            if after is None:
                return

    async def _rest(self, *, at_least_s: float, at_most_s: float) -> None:
        await asyncio.sleep(at_least_s)
        end = self.loop.time() + at_most_s - at_least_s
        while not self.at_rest() and self.loop.time() < end:
            dead = [p for p, gateway in enumerate(self.gateways) if not (gateway and gateway.alive)]
            # In peace one gateway runs, at least.
            if self.supervised or (self.plan.over and len(dead) == len(self.gateways)):
                for place in dead if self.supervised else dead[:1]:
                    self._start(place)
            await asyncio.sleep(1.0)

    async def _end(self) -> None:
        for gateway in self._started:
            gateway.crash()
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.wait(left)
        for task in set().union(*[gateway.tasks for gateway in self._started]):
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, GatewayError | ClientError):
                self.journal.broken.append(f"a task died: {error!r}")

    def at_rest(self) -> bool:
        """Tell whether nothing is left to do."""
        messages = [*self.queue.messages, *self.dead_letters.messages]
        return not (messages or self.network.unheard or self.unsettled())

    def unsettled(self) -> list[Item]:
        """Return the events that are not settled, or that lists and the sweep take for that."""
        return [i for i in self.events() if int(i["n_open"]["N"]) > 0 or "gsi1pk" in i]

    def events(self) -> Iterable[Item]:
        """Return the items of all events."""
        return [item for (_, sort), item in self.table.items.items() if sort == "event"]

    # --- steps --------------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        count = len(self.gateways)
        places = [(step.gateway + more) % count for more in range(count)]
        running = {p: g for p in places if (g := self.gateways[p]) is not None and g.alive}
        if step.verb == "start":
            for place in places:
                if place not in running:
                    self._start(place)
                    return
        if step.verb == "purge":
            self.queue.messages.clear()
        if not running:
            return
        gateway = running[next(p for p in places if p in running)]
        match step.verb:
            case "crash":
                gateway.crash()
            case "stop":
                gateway.run(gateway.stop())
            case "post":
                self._callers.append(self.loop.create_task(self._post(gateway, step.drafts)))
            case "again" if self._posted:
                drafts = self._posted[-1 - step.event % len(self._posted)]
                self._callers.append(self.loop.create_task(self._post(gateway, drafts)))
            case "cancel" | "redeliver" if self._ids:
                event_id = self._ids[-1 - step.event % len(self._ids)]
                request = self._request(gateway, step.verb, event_id)
                self._callers.append(self.loop.create_task(request))

    def _start(self, place: int) -> SimulatedGateway:
        gateway = SimulatedGateway(self, place, self.scenario.skews_ms[place])
        self.gateways[place] = gateway
        self._started.append(gateway)
        gateway.run(gateway.start())
        return gateway

    async def _post(self, gateway: SimulatedGateway, drafts: tuple[Draft, ...]) -> None:
        self._posted.append(drafts)
        events = [self._event(draft) for draft in drafts]
        post = Post(events, self.journal.moment(), self.loop.time())
        self.journal.posts.append(post)
        if not hasattr(gateway, "intake"):
            return
        task = gateway.run(gateway.intake.accept(events, ANYBODY))
        await asyncio.wait([task])
        if task.cancelled():
            return
        post.answered = self.journal.moment()
        error = task.exception()
        if error is not None and not isinstance(error, RequestRefused):
            self.journal.broken.append(f"accept raised {error!r}")
        post.answers = task.result() if error is None else error  # type: ignore[assignment]
        # The ids that a gateway made are known from now on.
        self._ids += [event.id for event in post.promised() if not event.id_given]

    async def _request(self, gateway: SimulatedGateway, verb: str, event_id: str) -> None:
        request = Request(verb, event_id, self.journal.moment())
        self.journal.requests.append(request)
        if not hasattr(gateway, "intake"):
            return
        task = gateway.run(getattr(gateway.intake, verb)(ANYBODY, event_id))
        await asyncio.wait([task])
        if task.cancelled():
            return
        request.answered = self.journal.moment()
        error = task.exception()
        if error is None:
            request.report = task.result()
        elif not isinstance(error, RequestRefused):
            self.journal.broken.append(f"{verb} raised {error!r}")

    def _event(self, draft: Draft) -> Event:
        made = self._made.get(draft)
        if made is not None:
            self._ids.append(made.id)
            return made
        number = next(self._numbers)
        due = None
        if draft.due_s is not None:
            due = datetime.fromtimestamp(EPOCH_MS / 1000 + self.loop.time() + draft.due_s, UTC)
        event_id = draft.id or f"made-{number}"
        if draft.id is not None:
            self._ids.append(event_id)
        event = Event(
            id=event_id,
            to=tuple(Address.parse(name) for name in draft.to),
            type="t",
            data=number,
            ttl_s=draft.ttl_s,
            deliver_at=due,
            collapse_key=draft.collapse_key,
            receipt=CLIENT in draft.to,
            id_given=draft.id is not None,
        )
        if draft.id is not None:
            self._made[draft] = event
        return event

    # --- what is seen -------------------------------------------------------------------------

    def sending(self, gateway: SimulatedGateway, name: Name, address: str) -> None:
        """Note a publish that leaves a gateway, and look whether it may."""
        journal = self.journal
        journal.sent.append(Publish(journal.moment(), self.loop.time(), name, address))
        item = next((i for i in self.events() if i["id"]["S"] == name.id), None)
        if item is None:
            journal.broken.append(f"{name} is published, and not in the table")
            return
        now_ms = gateway.clock.now_ms()
        if "expires" in item and now_ms >= int(item["expires"]["N"]):
            journal.broken.append(f"{name} is sent after its ttl")
        others = [g for g in self.gateways if g is not None and g.alive]
        if sum(g.publisher.under_way[address] for g in others if hasattr(g, "publisher")):
            journal.broken.append(f"two publishes to {address} are under way")
        # There is one client, so one receipt at most is awaited without a worker.
        if gateway.engine.in_flight > SETTINGS.iot_connections + 1:
            journal.broken.append("too many publishes are under way")
        if gateway.ready > SETTINGS.iot_connections:
            journal.broken.append("too many deliveries are claimed")

    def _written(self, before: Item | None, after: Item | None) -> None:
        if after is None or after["sk"]["S"] != "event":
            return
        new = int(after["gen"]["N"])
        same_life = before is not None and before["gen"] == after["gen"]
        for position in range(len(after["names"]["S"].split("\n"))):
            now = after.get(f"o{position}")
            was = before.get(f"o{position}") if before is not None and same_life else None
            if was is not None and now != was:
                self.journal.broken.append(f"{after['id']['S']}: {was} became {now}")
            if now is not None and now != was:
                (outcome,) = read_outcomes(now["S"], 1)
                assert outcome is not None
                moment = self.journal.moment()
                state = State(outcome.state)
                self.journal.settlements.append(
                    Settlement(moment, after["id"]["S"], new, position, state)
                )


@contextmanager
def _few_partitions() -> Iterator[None]:
    # Every gateway asks each of them once a second, and nearly all of it finds nothing.
    with ExitStack() as stack:
        for module in (items, outbox, sweep):
            stack.enter_context(patch.object(module, "SHARDS", 2))
        yield


class _Errors(logging.Handler):
    """Notes what the gateway itself calls a bug."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.ERROR)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None:
            self._journal.broken.append(f"{record.getMessage()}: {record.exc_info[1]!r}")
