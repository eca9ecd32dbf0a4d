"""The functions of an applied stack, run in this process, and what invokes them.

Owns one `Function` for each that the program made, with the environment and the role that it made;
the HTTP API in front of one; and the pollers that bring queues to the other, as the Lambda service
does: with the function's own role, which must therefore be allowed to.

Known differences: a message reported as failed is visible again at once, where AWS waits for the
visibility time-out.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localaws.core.cors import CorsRules, is_preflight, preflight, with_cors
from localaws.core.http_api import HttpRequest, Route, answer_of, own_answer, request_event
from localaws.functions import Function, Handler
from localaws.http_request import sent
from tests.integration.applied_account import client
from wire.iam.pattern import Pattern

if TYPE_CHECKING:
    from localaws.core.signature import AccessKey
    from localaws.moto_server import MotoServer
    from tests.integration.applied_account import AppliedAccount, Made

POLL_S = 0.02


class Functions:
    """The functions of an applied stack.

    Args:
        account: What the program made.
        moto: Opens sessions for the functions' roles, as the Lambda service does.
    """

    def __init__(self, account: AppliedAccount, moto: MotoServer) -> None:
        self._account = account
        self._moto = moto
        self._functions = {
            arn: Function(
                name=inputs["name"],
                arn=arn,
                build=lambda inputs=inputs: self._build(inputs),  # type: ignore[misc]
                timeout_s=float(inputs["timeout"]),
                concurrency=10,
                recycle_s=3_600,
                memory_mb=int(inputs["memorySize"]),
            )
            for arn, inputs in account.made.functions.items()
        }

    def function(self, arn: str) -> Function:
        """Return a function."""
        return self._functions[arn]

    def role_key(self, arn: str) -> AccessKey:
        """Return credentials of a function's role, from the Lambda service."""
        inputs = self._account.made.functions[arn]
        return self._moto.lambda_role_session(inputs["role"], session_name=inputs["name"])

    async def close(self) -> None:
        """Let them end."""
        for function in self._functions.values():
            await function.close(5)

    def _build(self, inputs: Mapping[str, Any]) -> Handler:
        module, _, _ = inputs["handler"].rpartition(".")
        key = self._moto.lambda_role_session(inputs["role"], session_name=inputs["name"])
        assert key.session_token is not None
        variables = {
            # The one thing that is not as deployed: localaws has no certificate.
            name: value.replace("wss://", "ws://").replace("https://", "http://")
            for name, value in inputs["environment"]["variables"].items()
        }
        environ = {
            **variables,
            "AWS_REGION": self._account.region,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret.reveal(),
            "AWS_SESSION_TOKEN": key.session_token.reveal(),
            "AWS_ENDPOINT_URL": self._account.aws_url,
        }
        handler: Handler = importlib.import_module(module).build(environ)
        return handler


@asynccontextmanager
async def served_api(
    made: Made, functions: Functions, listener: socket.socket
) -> AsyncIterator[None]:
    """Serve the routes of the HTTP API that the program made, by its own name and its domain's."""
    cors = CorsRules(
        origins=frozenset(made.cors["allowOrigins"]),
        methods=tuple(made.cors["allowMethods"]),
        request_headers=tuple(made.cors["allowHeaders"]),
        expose=tuple(made.cors["exposeHeaders"]),
        max_age_s=int(made.cors["maxAge"]),
    )

    own_host = "{}:{}".format(*listener.getsockname())

    async def answer(incoming: web.Request) -> web.Response:
        request = HttpRequest(
            method=incoming.method,
            path=incoming.rel_url.raw_path,
            query=incoming.rel_url.raw_query_string,
            headers=tuple(incoming.headers.items()),
            body=await incoming.read(),
            source_ip="127.0.0.1",
        )
        if is_preflight(request):
            return sent(preflight(request, cors))
        if incoming.host not in {own_host, *made.domains}:
            return sent(own_answer(404))
        key = f"{request.method} {request.path}"
        uri = made.routes.get(key)
        if uri is None:
            return sent(with_cors(own_answer(404), request, cors))
        function_arn = uri.partition("/functions/")[2].removesuffix("/invocations")
        if not _permitted(made, function_arn, key):
            return sent(with_cors(own_answer(500), request, cors))
        route = Route(
            account=function_arn.split(":")[4], api_id="api", key=key, domain=incoming.host
        )
        event = request_event(request, route=route, request_id="r", now=datetime.now(UTC))
        found = answer_of(await functions.function(function_arn).invoke(event))
        return sent(with_cors(found or own_answer(500), request, cors))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()


def _permitted(made: Made, function_arn: str, route_key: str) -> bool:
    method, path = route_key.split()
    source = f"{made.execution_arn}/$default/{method}{path}"
    name = function_arn.rpartition(":")[2]
    return any(
        principal == "apigateway.amazonaws.com" and Pattern.parse(allowed).matches(source, {})
        for principal, allowed in made.permissions.get(name, [])
    )


@asynccontextmanager
async def polled_queues(account: AppliedAccount, functions: Functions) -> AsyncIterator[None]:
    """Bring each queue's messages to its function, until the block ends."""
    tasks = [
        asyncio.create_task(_poll(account, functions, queue, function, batch))
        for queue, function, batch in account.made.sources
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _poll(
    account: AppliedAccount, functions: Functions, queue_arn: str, function_arn: str, batch: int
) -> None:
    key = functions.role_key(function_arn)
    sqs = client("sqs", key, url=account.aws_url, region=account.region)
    admin = account.client("sqs")
    url = account.made.queue_urls[queue_arn]
    while True:
        found = await asyncio.to_thread(
            sqs.receive_message,
            QueueUrl=url,
            MaxNumberOfMessages=batch,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        messages = found.get("Messages", [])
        if not messages:
            await asyncio.sleep(POLL_S)
            continue
        failed = await _invoke(functions.function(function_arn), queue_arn, messages)
        for message in messages:
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in failed:
                # The Lambda service may not do this; here it stands for waiting.
                await asyncio.to_thread(
                    admin.change_message_visibility, **handle, VisibilityTimeout=0
                )
            else:
                await asyncio.to_thread(sqs.delete_message, **handle)


async def _invoke(function: Function, queue_arn: str, messages: list[Any]) -> set[str]:
    records = [
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {
                name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": queue_arn.split(":")[3],
        }
        for message in messages
    ]
    result = await function.invoke({"Records": records})
    assert isinstance(result, dict)
    return {str(failure["itemIdentifier"]) for failure in result["batchItemFailures"]}


def gateway_environ(
    exported: Mapping[str, str], key: Mapping[str, str], **settings: str
) -> dict[str, str]:
    """Return a gateway's environment from what the program exports and a role's credentials."""
    environment = {
        name: value.replace("https://", "http://")
        for name, value in exported.items()
        if name not in ("GATEWAY_OUTBOX", "GATEWAY_INBOX")
    }
    return {
        "PATH": os.environ["PATH"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_SESSION_TOKEN": key["SessionToken"],
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_PORT": "0",
        "GATEWAY_LOG_FORMAT": "json",
        **environment,
        **settings,
    }


def unique(prefix: str) -> str:
    """Return a name that nothing else has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def as_json(payload: bytes) -> Any:
    """Return a payload read as JSON."""
    return json.loads(payload)
