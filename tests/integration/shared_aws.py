"""SQS and DynamoDB in a process of their own: `python -m localaws.leash tests.integration.shared_aws`.

Owns moto behind two doors, told as one line of JSON on standard output. `front` checks signatures
and policies as localaws does. `troubled` checks nothing, and is the AWS of a bad day: a part of all
calls is throttled, fails, fails though it was done, is late, or succeeds for some of its entries.
Does not: make queues or tables (`shared_place.py`).
Source: DynamoDB developer guide, "Error handling" and "Batch operations"; SQS API, common errors.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from localaws.aws_front import AwsFront
from localaws.moto_server import MotoServer, moto_app
from tests.integration.localaws_parts import ACCOUNT, ADMIN, REGION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

THROTTLED = {
    "DynamoDB": ("ProvisionedThroughputExceededException", "The level of throughput was exceeded."),
    "AmazonSQS": ("ThrottlingException", "Rate exceeded."),
}

MOST_AT_ONCE = 8
"""Requests to DynamoDB at a time: above, it throttles, as it does, and does not let them queue up
until nobody waits for their answers any more."""


class Troubled:
    """AWS on a bad day, as a WSGI application.

    Args:
        app: AWS on a good day.
        seed: Of the dice; threads take turns with them, so a seed does not repeat a run.
    """

    def __init__(self, app: WSGIApplication, *, seed: int) -> None:
        self._app = app
        self._dice = random.Random(seed)  # noqa: S311 - troubles, not keys
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or not."""
        if not str(environ.get("HTTP_X_AMZ_TARGET", "")).startswith("DynamoDB"):
            return self._answer(environ, start_response)
        if not self._room.acquire(timeout=2.0):
            return _fail(start_response, "400 Bad Request", *THROTTLED["DynamoDB"])
        try:
            return self._answer(environ, start_response)
        finally:
            self._room.release()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        service, _, operation = target.partition("_" if target.startswith("Dyn") else ".")
        if service not in THROTTLED:
            return self._app(environ, start_response)
        with self._lock:
            roll, pick = self._dice.random(), self._dice.random()
        if roll < 0.02:
            return _fail(start_response, "400 Bad Request", *THROTTLED[service])
        if roll < 0.03:
            status = "500 Internal Server Error"
            return _fail(start_response, status, "InternalServerError", "words")
        if roll < 0.04:
            list(self._app(environ, lambda *_: lambda _: None))
            return _fail(start_response, "503 Service Unavailable", "ServiceUnavailable", "words")
        if roll < 0.06:
            time.sleep(0.3 * pick)
        elif roll < 0.16 and (partly := _PARTLY.get(operation.rpartition(".")[2])):
            return self._some(environ, start_response, pick, *partly)
        return self._app(environ, start_response)

    def _some(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        pick: float,
        asked: str,
        left: str,
    ) -> Iterable[bytes]:
        """Do what is asked for all entries but one, and say so."""
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        holder = body[asked]
        entries = holder if isinstance(holder, list) else next(iter(holder.values()))
        if len(entries) < 2:
            return self._app(_with_body(environ, body), start_response)
        one = entries.pop(int(pick * len(entries)))
        said: dict[str, Any] = {}

        def started(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
            said.update(status=status, headers=headers)
            return lambda _: None

        answer = json.loads(b"".join(self._app(_with_body(environ, body), started)))
        if left == "UnprocessedItems":
            answer[left] = {next(iter(holder)): [one]}
        else:
            failed = {"Id": one["Id"], "SenderFault": False, "Code": "InternalError"}
            answer[left] = [*answer.get(left, []), failed]
        content = json.dumps(answer).encode()
        headers = [(n, v) for n, v in said["headers"] if n.lower() not in _CHANGED]
        start_response(said["status"], [*headers, ("Content-Length", str(len(content)))])
        return [content]


_PARTLY = {
    "SendMessageBatch": ("Entries", "Failed"),
    "DeleteMessageBatch": ("Entries", "Failed"),
    "BatchWriteItem": ("RequestItems", "UnprocessedItems"),
}
_CHANGED = frozenset({"content-length", "x-amz-crc32"})


def _with_body(environ: WSGIEnvironment, body: object) -> WSGIEnvironment:
    content = json.dumps(body).encode()
    return environ | {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}


def _fail(start_response: StartResponse, status: str, code: str, words: str) -> Iterable[bytes]:
    content = json.dumps({"__type": code, "message": words}).encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.0"),
        ("Content-Length", str(len(content))),
    ]
    start_response(status, headers)
    return [content]


async def main() -> None:
    """Serve until told to end."""
    moto = MotoServer(account=ACCOUNT, region=REGION)
    moto.start()
    admin = moto.create_user_key("admin", {"all": ADMIN})
    front = AwsFront(moto, stop_timeout_s=1)
    door = socket.create_server(("127.0.0.1", 0))
    await front.start(door)
    troubled = make_server(
        "127.0.0.1",
        0,
        Troubled(moto_app(), seed=1),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    threading.Thread(target=troubled.serve_forever, daemon=True).start()
    places = {
        "front": f"http://127.0.0.1:{door.getsockname()[1]}",
        "troubled": f"http://127.0.0.1:{troubled.server_port}",
        "key": admin.access_key_id,
        "secret": admin.secret.reveal(),
    }
    sys.stdout.write(json.dumps(places) + "\n")
    sys.stdout.flush()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await front.stop()
    troubled.shutdown()
    moto.stop()


if __name__ == "__main__":
    asyncio.run(main())
