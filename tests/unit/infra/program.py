"""The Pulumi program, run whole against a make-believe AWS account.

Owns what AWS would answer: names, ids, ARNs, look-ups. A resource type it does not know fails the
run by name, so that a new resource is never silently unchecked. Runs the repository as a directory,
as the Pulumi host does.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import runpy
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

ROOT = Path(__file__).resolve().parents[3]
PROJECT = "serverless-websockets"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
IOT_HOST = "abcdefghijklmn-ats.iot.eu-west-1.amazonaws.com"
SECRET = "0123456789abcdef0123456789abcdef"

MINIMAL = {
    "jwtAlgorithms": '["RS256"]',
    "jwksUrl": "https://login.example.com/.well-known/jwks.json",
    "allowedOrigins": '["https://app.example.com"]',
}
"""The settings that have no default."""

EVERYTHING = {
    "namespace": "push-prod",
    "tags": '["Team=web", "CostCentre=4711"]',
    "jwtAlgorithms": '["HS256", "HS512"]',
    "jwtSecret": SECRET,
    "jwtIssuer": "https://login.example.com/",
    "jwtAudience": "push,shop",
    "allowedOrigins": '["https://app.example.com", "http://localhost:5173"]',
    "credentialLifetimeS": "900",
    "lambdaMemoryMb": "1024",
    "lambdaTimeoutS": "5",
    "lambdaReservedConcurrency": "20",
    "apiRequestsPerS": "200",
    "apiBurstRequests": "400",
    "logRetentionDays": "90",
    "logLevel": "DEBUG",
    "gatewayPrincipals": '["arn:aws:iam::123456789012:role/services/gateway"]',
}
"""Every setting that can stand next to the others, none at its default."""

LOOK_UPS: Mapping[str, dict[str, Any]] = {
    "aws:index/getPartition:getPartition": {"id": "aws", "partition": "aws"},
    "aws:index/getRegion:getRegion": {"id": REGION, "region": REGION, "name": REGION},
    "aws:index/getCallerIdentity:getCallerIdentity": {"id": ACCOUNT, "accountId": ACCOUNT},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One resource of the program.

    Attributes:
        type: Pulumi type token.
        name: Logical name.
        inputs: As the provider would get them, secrets in the clear.
        secret_inputs: The names among them that Pulumi encrypts in its state.
        outputs: What AWS would answer: the inputs, the physical name, ARNs.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    secret_inputs: frozenset[str]
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a run of the program asked for, in order, and what it exported."""

    resources: list[Registered]
    exports: dict[str, Any]

    def all(self, type_: str) -> list[Registered]:
        """Return the AWS resources of a type, such as `iam/role:Role`."""
        return [found for found in self.resources if found.type == f"aws:{type_}"]

    def one(self, type_: str, name_part: str = "") -> Registered:
        """Return the only AWS resource of a type whose name holds a part."""
        (found,) = [found for found in self.all(type_) if name_part in found.name]
        return found

    def texts(self) -> Iterator[str]:
        """Yield every text in every input, those inside JSON documents included."""
        for resource in self.resources:
            yield from _texts(resource.inputs)


@dataclass(slots=True)
class Account(mocks.Mocks):
    """The make-believe account: gives names and ARNs, and remembers what was asked."""

    resources: list[Registered] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Answer a look-up."""
        if args.token == "aws:iot/getEndpoint:getEndpoint":
            assert args.args["endpointType"] == "iot:Data-ATS"
            return {"id": IOT_HOST, "endpointAddress": IOT_HOST}
        return LOOK_UPS[args.token]

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Create a resource, that is: name it."""
        secret = frozenset(name for name, value in args.inputs.items() if _is_secret(value))
        inputs = {name: _plain(value) for name, value in args.inputs.items()}
        id_, outputs = (args.name, {}) if not args.custom else _created(args, inputs)
        with self.lock:
            self.resources.append(
                Registered(
                    type=args.typ,
                    name=args.name,
                    inputs=inputs,
                    secret_inputs=secret,
                    outputs={**outputs, "id": id_},
                )
            )
        return id_, outputs


def run_program(config: Mapping[str, str], *, stack: str = "prod") -> Program:
    """Run the repository's program for one configuration.

    Raises:
        pulumi.RunError: As `pulumi up` would show it.
    """
    # Pulumi keeps the run in context variables; a context of its own leaves nothing behind.
    return contextvars.copy_context().run(_run, config, stack)


def _run(config: Mapping[str, str], stack: str) -> Program:
    account = Account()
    exports: dict[str, Any] = {}

    async def program() -> None:
        runpy.run_path(str(ROOT), run_name="__main__")
        exports.update(await pulumi.Output.from_input(_exported()).future() or {})

    loop = asyncio.new_event_loop()
    loops = [loop]

    def give_thread_a_loop() -> None:
        # The mock monitor wants one in each thread, and would never close those it makes itself.
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    threads = ThreadPoolExecutor(max_workers=4, initializer=give_thread_a_loop)
    loop.set_default_executor(threads)
    asyncio.set_event_loop(loop)
    try:
        set_root_resource(None)  # type: ignore[arg-type]  # a new run has none yet
        pulumi.runtime.set_mocks(account, project=PROJECT, stack=stack, preview=False)
        pulumi.runtime.set_all_config(
            {f"{PROJECT}:{key}": value for key, value in config.items()},
            [f"{PROJECT}:jwtSecret"],
        )
        loop.run_until_complete(run_pulumi_func(program))
    finally:
        threads.shutdown()
        asyncio.set_event_loop(None)
        for each in loops:
            each.close()
    return Program(resources=account.resources, exports=exports)


def _exported() -> dict[str, Any]:
    root = get_root_resource()
    assert isinstance(root, Stack)
    return dict(root.outputs)


def _created(args: mocks.MockResourceArgs, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = inputs.get("name") or f"{inputs.get('namePrefix') or args.name + '-'}1a2b3c4"
    local = f"{REGION}:{ACCOUNT}"
    arns = {
        "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "aws:iam/policy:Policy": f"arn:aws:iam::{ACCOUNT}:policy/{name}",
        "aws:lambda/function:Function": f"arn:aws:lambda:{local}:function:{name}",
        "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{local}:log-group:{name}",
        "aws:apigatewayv2/api:Api": f"arn:aws:apigateway:{REGION}::/apis/a1b2c3d4e5",
        "aws:apigatewayv2/stage:Stage": f"arn:aws:apigateway:{REGION}::/apis/a1b2c3d4e5/stages/x",
        "aws:ssm/parameter:Parameter": f"arn:aws:ssm:{local}:parameter{name}",
    }
    without_arn = {
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:lambda/permission:Permission",
        "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/route:Route",
    }
    if args.typ in without_arn:
        return f"{args.name}-id", {**inputs, "name": name}
    outputs = {**inputs, "name": name, "arn": arns[args.typ]}
    if args.typ == "aws:lambda/function:Function":
        outputs["invokeArn"] = (
            f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arns[args.typ]}"
            "/invocations"
        )
    if args.typ == "aws:apigatewayv2/api:Api":
        outputs["executionArn"] = f"arn:aws:execute-api:{local}:a1b2c3d4e5"
        outputs["apiEndpoint"] = f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com"
        return "a1b2c3d4e5", outputs
    return name, outputs


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return rpc._special_sig_key in value or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return _plain(value["value"])
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        if value.startswith(("{", "[")):
            yield from _texts(json.loads(value))
        else:
            yield value
