"""The rules engine: calls the topic rules that a message matches, and carries out their actions.

Owns the rules in force, the queue between broker and actions, and carrying actions out. Does not
understand SQL (`localaws.core.rules`) and does not store rules: moto does, written by
`CreateTopicRule` through the AWS front, which asks `check` before and calls `reload` after.

Theory of operation: the broker tells of every message in the middle of its work; matching rules are
looked up by topic and queued, nothing more. Workers evaluate and act. The queue is bounded: past it
a message's rules are dropped and logged, as AWS throttles rules. Actions have no order, like AWS's.
Each action's role is assumed as `iot.amazonaws.com`, and its calls go through the AWS front, so the
role's policies decide. Failed actions are described once to the error action.

Known differences: an action is tried once; a function is waited for; a rule that calls itself by
republishing is cut after a few rounds, where AWS would go on for ever.

Source: aws-iot-facts 6; IoT developer guide, "Error handling (error action)".
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from moto.iot.models import iot_backends

from localaws.api_client import ApiRefused
from localaws.core.allowance import Allowance
from localaws.core.observer import Denial
from localaws.core.refusal import Refusal
from localaws.core.rules.errors import RuleRefused
from localaws.core.rules.limits import RuleLimits
from localaws.core.rules.scope import Firing
from localaws.errors import LocalAwsError, UpstreamUnavailable
from localaws.functions import FunctionTrouble
from localaws.service_roles import RoleNotAssumable, ServiceRoles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.api_client import ApiClient
    from localaws.clock import Clock
    from localaws.core.authentication import KnownKey
    from localaws.core.message import Message
    from localaws.core.rules.action import Action, Effect, Invocation, Republication
    from localaws.core.rules.rule import Failure, Rule
    from localaws.function_registry import FunctionRegistry
    from localaws.moto_server import MotoServer

log = logging.getLogger(__name__)

SERVICE: Final = "iot.amazonaws.com"
"""What trust policies and function policies must name. Source: facts 6.3."""

SESSION_NAME: Final = "rules-engine"
"""Last part of the ARN an action's role session has. Ours: AWS does not document its own."""

MAX_ROUNDS: Final = 10
"""Times one message may be republished from rule to rule."""

MAX_TOPICS: Final = 4_096
"""Topics whose rules are remembered; past it all are forgotten at once."""


class ActionFailed(LocalAwsError):
    """An action could not be carried out; the text says why and holds no payload."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A rule called for a message; `rounds` counts how often the message was republished."""

    rule: Rule
    message: Message
    at: float
    rounds: int


class RulesEngine:
    """The rules of one account and region.

    Args:
        moto: Keeps the rules and the roles.
        publish: Gives the broker a message, without asking for permission.
        api: Calls SNS and SQS.
        functions: The Lambda functions there are.
        clock: Tells the time.
        limits: The defaults if None.
        on_denied: Hears of every republication that a role may not do; must return at once.
    """

    def __init__(
        self,
        moto: MotoServer,
        *,
        publish: Callable[[Message, float], None],
        api: ApiClient,
        functions: FunctionRegistry,
        clock: Clock,
        limits: RuleLimits | None = None,
        on_denied: Callable[[Denial], None] | None = None,
    ) -> None:
        self._moto = moto
        self._publish = publish
        self._api = api
        self._functions = functions
        self._clock = clock
        self._limits = limits or RuleLimits()
        self._on_denied = on_denied
        self._roles = ServiceRoles(moto.directory, service=SERVICE, session_name=SESSION_NAME)
        self._rules: tuple[Rule, ...] = ()
        self._compiled: dict[str, tuple[str, Rule]] = {}
        self._wanted: dict[str, tuple[Rule, ...]] = {}
        self._calls: asyncio.Queue[_Call] = asyncio.Queue(self._limits.queue)
        self._workers: list[asyncio.Task[None]] = []
        per_s = self._limits.evaluations_per_s
        self._allowance = None if per_s is None else Allowance(per_s, clock.steady())
        self._rounds = 0
        self._dropped = 0
        self._dropped_logged_at = 0.0

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in force, disabled ones included."""
        return self._rules

    async def start(self) -> None:
        """Start the workers."""
        self._workers = [
            asyncio.create_task(self._work(), name=f"rules-{number}")
            for number in range(self._limits.workers)
        ]

    async def stop(self, grace_s: float) -> None:
        """Finish what is queued, at most so long, then stop the workers."""
        try:
            async with asyncio.timeout(grace_s):
                await self.idle()
        except TimeoutError:
            log.warning("rules dropped at shutdown", extra={"calls": self._calls.qsize()})
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []

    async def idle(self) -> None:
        """Wait until every call so far is dealt with."""
        if self._workers:
            await self._calls.join()

    def check(self, name: str, payload: Mapping[str, object]) -> Refusal | None:
        """Tell whether a rule can be made; a refusal names what is not supported."""
        # The SQL parser takes a tenth of a second to import, which only rules need.
        from localaws.core.rules.rule import read_rule  # noqa: PLC0415

        try:
            read_rule(name, payload)
        except RuleRefused as problem:
            return Refusal(400, problem.code, str(problem))
        return None

    def reload(self) -> None:
        """Take over the rules as moto has them now."""
        stored = iot_backends[self._moto.account][self._moto.region].rules
        compiled: dict[str, tuple[str, Rule]] = {}
        for name, one in list(stored.items()):
            payload = {
                "sql": one.sql,
                "actions": one.actions,
                "errorAction": one.error_action or None,
                "awsIotSqlVersion": one.aws_iot_sql_version,
                "ruleDisabled": one.rule_disabled,
            }
            written = json.dumps(payload, sort_keys=True, default=str)
            held = self._compiled.get(name)
            rule = held[1] if held and held[0] == written else _compiled(name, payload)
            if rule is not None:
                compiled[name] = (written, rule)
        self._compiled = compiled
        self._rules = tuple(rule for _, rule in compiled.values())
        self._wanted.clear()

    def offer(self, message: Message, now: float) -> None:
        """Take note of a message; called by the broker for every one, so it must be quick."""
        if not self._rules:
            return
        for rule in self._rules_for(message.topic):
            self._call(_Call(rule, message, now, self._rounds))

    def _rules_for(self, topic: str) -> tuple[Rule, ...]:
        wanted = self._wanted.get(topic)
        if wanted is None:
            if len(self._wanted) >= MAX_TOPICS:
                self._wanted.clear()
            wanted = self._wanted[topic] = tuple(one for one in self._rules if one.wants(topic))
        return wanted

    def _call(self, call: _Call) -> None:
        facts = {"rule": call.rule.name, "topic": call.message.topic}
        if call.rounds >= MAX_ROUNDS:
            log.warning("rule loop cut", extra=facts)
            return
        if self._allowance is not None and not self._allowance.take(call.at):
            self._drop(call, "throttled")
            return
        try:
            self._calls.put_nowait(call)
        except asyncio.QueueFull:
            self._drop(call, "the queue is full")

    def _drop(self, call: _Call, why: str) -> None:
        """Count a call that is not made, and log at most once a second."""
        self._dropped += 1
        if call.at - self._dropped_logged_at >= 1:
            log.warning("rules dropped", extra={"calls": self._dropped, "why": why})
            self._dropped, self._dropped_logged_at = 0, call.at

    async def _work(self) -> None:
        while True:
            call = await self._calls.get()
            try:
                await self._run(call)
            except Exception:  # our bug must not end the worker
                log.exception("rule failed", extra={"rule": call.rule.name})
            finally:
                self._calls.task_done()

    async def _run(self, call: _Call) -> None:
        rule = call.rule
        firing = Firing(
            message=call.message,
            now=call.at,
            account=self._moto.account,
            trace_id=str(uuid.uuid4()),
        )
        try:
            outcome = rule.outcome(firing)
        except (RuleRefused, RecursionError) as problem:
            log.info("rule not evaluated", extra={"rule": rule.name, "why": str(problem)})
            return
        failures = list(outcome.failures)
        for action, effect in outcome.effects:
            failure = await self._try(call, action, effect)
            if failure is not None:
                failures.append(failure)
        await self._tell(call, firing, failures)

    async def _tell(self, call: _Call, firing: Firing, failures: list[Failure]) -> None:
        rule = call.rule
        for failure in failures:
            facts = {"rule": rule.name, "action": failure.action, "resource": failure.resource}
            log.warning("rule action failed", extra={**facts, "why": failure.problem})
        try:
            effect = rule.error_effect(firing, failures)
        except RuleRefused as problem:
            log.warning("error action failed", extra={"rule": rule.name, "why": str(problem)})
            return
        if effect is None or rule.error_action is None:
            return
        last = await self._try(call, rule.error_action, effect)
        if last is not None:
            log.warning("error action failed", extra={"rule": rule.name, "why": last.problem})

    async def _try(self, call: _Call, action: Action, effect: Effect) -> Failure | None:
        from localaws.core.rules.rule import Failure  # noqa: PLC0415 (see `check`)

        try:
            # A function has a time-out of its own.
            timed = action.role_arn is not None
            async with asyncio.timeout(self._limits.action_timeout_s if timed else None):
                await self._carry_out(call, effect)
        except TimeoutError:
            return Failure(action.name, action.resource, "the action took too long")
        except (ActionFailed, ApiRefused, RoleNotAssumable, UpstreamUnavailable) as problem:
            return Failure(action.name, action.resource, str(problem))
        return None

    async def _carry_out(self, call: _Call, effect: Effect) -> None:
        from localaws.core.rules.action import (  # noqa: PLC0415 (see `check`)
            Invocation,
            Republication,
            SnsMessage,
            SqsMessage,
        )

        match effect:
            case SnsMessage():
                key = self._assume(call, effect.role_arn).key
                await self._api.sns_publish(
                    key,
                    target_arn=effect.target_arn,
                    message=effect.body,
                    is_structure=effect.is_structure,
                )
            case SqsMessage():
                key = self._assume(call, effect.role_arn).key
                await self._api.sqs_send(key, queue_url=effect.queue_url, body=effect.body)
            case Invocation():
                await self._invoke(call, effect)
            case Republication():
                self._republish(call, effect)
            case _:
                assert_never(effect)

    def _assume(self, call: _Call, role_arn: str) -> KnownKey:
        return self._roles.assume(role_arn, self._clock.utc(), source_arn=self._rule_arn(call))

    def _rule_arn(self, call: _Call) -> str:
        return f"{self._moto.arn_prefix('iot')}rule/{call.rule.name}"

    async def _invoke(self, call: _Call, effect: Invocation) -> None:
        arn = effect.function_arn
        function = self._functions.function(arn)
        if function is None:
            raise ActionFailed(f"there is no function {arn}")
        rule_arn = self._rule_arn(call)
        if not self._functions.may_invoke(arn, principal=SERVICE, source_arn=rule_arn):
            raise ActionFailed(f"{SERVICE} has no permission to invoke {arn} for {rule_arn}")
        event: dict[str, object] = json.loads(effect.payload)
        try:
            await function.invoke(event)
        except FunctionTrouble as trouble:
            # AWS invokes asynchronously: what the function does then is not the rule's business.
            log.warning(
                "function invoked by a rule failed",
                extra={"rule": call.rule.name, "function": arn, "why": trouble.problem},
            )

    def _republish(self, call: _Call, effect: Republication) -> None:
        principal = self._assume(call, effect.role_arn).principal
        topic = effect.message.topic
        decision = principal.decide("iot:Publish", "topic", topic, {})
        if not decision.allowed:
            if self._on_denied is not None:
                self._on_denied(
                    Denial(
                        client_id="",
                        principal=principal.user_id,
                        action="iot:Publish",
                        resource_kind="topic",
                        name=topic,
                        explanation=decision.explanation,
                    )
                )
            raise ActionFailed(
                f"{principal.arn} may not iot:Publish to {topic}: {decision.explanation}"
            )
        # The broker calls `offer` before it returns: that is how the round is known.
        self._rounds = call.rounds + 1
        try:
            self._publish(effect.message, self._clock.steady())
        finally:
            self._rounds = 0


def _compiled(name: str, payload: Mapping[str, object]) -> Rule | None:
    from localaws.core.rules.rule import read_rule  # noqa: PLC0415 (see `RulesEngine.check`)

    try:
        return read_rule(name, payload)
    except RuleRefused as problem:  # made in moto past the front
        log.error("rule ignored", extra={"rule": name, "why": str(problem)})
        return None
