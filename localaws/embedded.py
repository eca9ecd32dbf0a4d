"""All of localaws as one object: `async with LocalAws() as aws:` starts it and gives its endpoints.

Owns the order in which the parts start and stop, and the sockets they are given. Does not own any
part's behaviour, and does not run the gateway.

Theory of operation: all ports are bound first, so that every part can be told every address; then
moto and the stack inside it, the IoT endpoint, the AWS APIs, the rules engine between them, the
credential Lambda, and last the HTTP API, whose health therefore means that everything answers.
Stopping goes backwards, each part with at most `stop_timeout_s` to let its requests end.

Source: style rule 14; docs/design.md, "localaws".
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from localaws.api_client import ApiClient
from localaws.api_front import ApiFront
from localaws.aws_front import AwsFront
from localaws.clock import Clock
from localaws.controls import Controls
from localaws.core.cors import CorsRules
from localaws.core.demo_token import DEFAULT_TTL_S, DemoUser, sign_demo_token
from localaws.core.denials import Denied
from localaws.core.loopback import page_origins
from localaws.credential_function import credential_function
from localaws.demo import Demo, DemoPlace
from localaws.errors import NotRunning
from localaws.function_registry import FunctionRegistry
from localaws.iot_endpoint import IotEndpoint
from localaws.listeners import Endpoints, Listeners, port_of
from localaws.moto_server import MotoServer
from localaws.rules_engine import RulesEngine
from localaws.settings import Settings
from localaws.shared_config import config_text, credentials_text
from localaws.stack import Stack, make_stack
from localaws.state import StateFolder, write_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localaws.aws_front import Report
    from localaws.core.denials import Denials
    from localaws.core.signature import AccessKey
    from localaws.faults import FaultDesk
    from localaws.functions import Function
    from wire.secret import Secret

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What a started instance knows."""

    endpoints: Endpoints
    stack: Stack
    moto: MotoServer
    iot: IotEndpoint
    rules: RulesEngine
    functions: FunctionRegistry
    function: Function
    jwt_secret: Secret


class LocalAws:
    """The stand-in for AWS.

    Args:
        settings: What to run where; None picks free ports and a state folder that is thrown away.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._given = settings
        self._parts = AsyncExitStack()
        self._running: _Running | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start every part; on return all endpoints answer.

        Raises:
            OSError: A port is taken.
        """
        async with AsyncExitStack() as parts:
            settings = self._given or _throwaway(parts)
            running = await _start(settings, parts)
            self._parts = parts.pop_all()
        self._running = running
        log.info("localaws started", extra={"api": running.endpoints.api_url})

    async def stop(self) -> None:
        """Stop every part, the last one started first; idempotent."""
        self._running = None
        parts, self._parts = self._parts, AsyncExitStack()
        await parts.aclose()

    @property
    def endpoints(self) -> Endpoints:
        """Where everything answers."""
        return self._now().endpoints

    @property
    def stack(self) -> Stack:
        """The roles and users there are."""
        return self._now().stack

    @property
    def moto(self) -> MotoServer:
        """The AWS behind the front, for tests that need one more role or user."""
        return self._now().moto

    @property
    def iot(self) -> IotEndpoint:
        """The IoT endpoint, for tests that look at its sessions."""
        return self._now().iot

    @property
    def rules(self) -> RulesEngine:
        """The rules engine; `await aws.rules.idle()` waits until every rule has done its work."""
        return self._now().rules

    @property
    def functions(self) -> FunctionRegistry:
        """The Lambda functions that rules may invoke: `aws.functions.register(…)`."""
        return self._now().functions

    @property
    def faults(self) -> FaultDesk:
        """Where faults are ordered: `aws.faults.order(Fault(kind=FaultKind.THROTTLE, next=1))`."""
        return self._now().iot.faults

    @property
    def denials(self) -> Denials:
        """What policies refused lately."""
        return self._now().iot.denials

    @property
    def function(self) -> Function:
        """The credential Lambda."""
        return self._now().function

    @property
    def admin(self) -> AccessKey:
        """A key that may do anything."""
        return self.stack.admin

    @property
    def gateway(self) -> AccessKey:
        """The gateway's key."""
        return self.stack.gateway

    @property
    def jwt_secret(self) -> Secret:
        """What the credential Lambda verifies tokens with."""
        return self._now().jwt_secret

    def demo_token(
        self,
        user: str,
        *,
        groups: Sequence[str] = (),
        publish: Sequence[str] = (),
        ttl_s: int = DEFAULT_TTL_S,
    ) -> str:
        """Sign a token as the demo's issuer does."""
        return sign_demo_token(
            DemoUser(user=user, groups=tuple(groups), publish=tuple(publish), ttl_s=ttl_s),
            secret=self.jwt_secret,
            audience=self.stack.place.namespace,
            now=datetime.now(UTC),
        )

    def _now(self) -> _Running:
        if self._running is None:
            raise NotRunning("localaws")
        return self._running


async def _start(settings: Settings, parts: AsyncExitStack) -> _Running:
    listeners = parts.enter_context(Listeners.bound(settings))
    endpoints = listeners.endpoints
    state = StateFolder(settings.state_dir)
    jwt_secret = settings.jwt_secret or state.read_or_make_jwt_secret()

    moto = MotoServer(account=settings.account, region=settings.region)
    await asyncio.to_thread(moto.start)
    parts.push_async_callback(asyncio.to_thread, moto.stop)
    stack = make_stack(moto, namespace=settings.namespace)
    _write_aws_files(state, stack, settings, endpoints)

    clock = Clock()
    iot = IotEndpoint(
        moto,
        clock=clock,
        quotas=settings.quotas,
        rates=settings.rates,
        allow_anonymous=settings.insecure_allow_anonymous,
        body_timeout_s=settings.body_timeout_s,
        stop_timeout_s=settings.stop_timeout_s,
    )
    aws_front = AwsFront(
        moto,
        upstream_timeout_s=settings.upstream_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        stop_timeout_s=settings.stop_timeout_s,
        packed_limit_percent=settings.packed_limit_percent or None,
        clock=clock.utc,
        on_denied=_remember(iot, clock),
    )
    parts.push_async_callback(aws_front.stop)
    await aws_front.start(listeners.aws)
    functions, rules = await _start_rules(
        parts, settings=settings, endpoints=endpoints, moto=moto, iot=iot, clock=clock
    )
    aws_front.rules = rules
    parts.push_async_callback(iot.stop)
    await iot.start(listeners.iot, listeners.tcp)

    function = credential_function(
        stack, moto, settings=settings, endpoints=endpoints, jwt_secret=jwt_secret
    )
    parts.push_async_callback(function.close, settings.stop_timeout_s)
    await asyncio.to_thread(function.warm)

    place = DemoPlace(
        port=port_of(listeners.api),
        iot_port=port_of(listeners.iot),
        gateway_url=settings.gateway_url,
        namespace=settings.namespace,
        region=settings.region,
        audience=settings.namespace,
    )
    api_front = ApiFront(
        function=function,
        cors=CorsRules(origins=page_origins(place.port) | set(settings.cors_origins)),
        controls=Controls(port=place.port, denials=iot.denials, desk=iot.faults),
        demo=Demo(place=place, secret=jwt_secret, state=state, web_dir=settings.web_dir),
        account=settings.account,
        health={
            "namespace": settings.namespace,
            "iot": endpoints.iot_url,
            "aws": endpoints.aws_url,
        },
        integration_timeout_s=settings.integration_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        stop_timeout_s=settings.stop_timeout_s,
    )
    parts.push_async_callback(api_front.stop)
    await api_front.start(listeners.api)
    return _Running(
        endpoints=endpoints,
        stack=stack,
        moto=moto,
        iot=iot,
        rules=rules,
        functions=functions,
        function=function,
        jwt_secret=jwt_secret,
    )


async def _start_rules(
    parts: AsyncExitStack,
    *,
    settings: Settings,
    endpoints: Endpoints,
    moto: MotoServer,
    iot: IotEndpoint,
    clock: Clock,
) -> tuple[FunctionRegistry, RulesEngine]:
    functions = FunctionRegistry(moto.arn_prefix("lambda"))
    parts.push_async_callback(functions.close, settings.stop_timeout_s)
    api = ApiClient(
        endpoints.aws_url,
        region=settings.region,
        timeout_s=settings.rules.action_timeout_s,
        clock=clock.utc,
    )
    parts.push_async_callback(api.stop)
    await api.start()
    rules = RulesEngine(
        moto,
        publish=iot.publish,
        api=api,
        functions=functions,
        clock=clock,
        limits=settings.rules,
        on_denied=iot.denied,
    )
    parts.push_async_callback(rules.stop, settings.stop_timeout_s)
    await rules.start()
    iot.on_published = rules.offer
    return functions, rules


def _remember(iot: IotEndpoint, clock: Clock) -> Report:
    def remember(service: str, principal: str, action: str, resource: str, why: str) -> None:
        iot.denials.add(
            Denied(
                at=clock.steady(),
                where=service,
                client_id="",
                principal=principal,
                action=action,
                resource=resource,
                why=why,
            )
        )

    return remember


def _throwaway(parts: AsyncExitStack) -> Settings:
    folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="localaws-"))
    return Settings(iot_port=0, aws_port=0, api_port=0, state_dir=Path(folder) / "state")


def _write_aws_files(
    state: StateFolder, stack: Stack, settings: Settings, endpoints: Endpoints
) -> None:
    profiles = {"admin": stack.admin, "gateway": stack.gateway}
    config = config_text(
        profiles, region=settings.region, aws_url=endpoints.aws_url, iot_url=endpoints.iot_url
    )
    write_private(state.aws_config, config)
    write_private(state.aws_credentials, credentials_text(profiles))
