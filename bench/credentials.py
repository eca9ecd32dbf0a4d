"""What a credential request costs: our function beside the seed's approach, both against localaws.

    python -m bench.credentials [--starts 7] [--requests 300]

Owns the comparison. Both run in processes of their own, as two Lambda containers would, and call one
localaws in a third process over HTTP with verified signatures. The seed's approach, as its first
version did it: boto3, clients made for every request, three AWS calls (who am I, where is IoT, become
the client), and here, so that both answer the same, our token check and our signed URL. Warm
requests alternate between the two, so that neither has the machine's better moments.

Our module imports botocore only when it builds, which is Lambda's init phase; the row "init" is both.
awscrt, which tests may have installed and Lambda's runtime has not, is kept out: botocore would
import it.

Wanted: warm at most a third of the seed's time, import under 250 ms.

Source: docs/decisions/0003-tokens-and-credentials.md, "Cold start".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

ROOT: Final = Path(__file__).resolve().parents[1]
MAX_WARM_RATIO: Final = 1 / 3
MAX_IMPORT_MS: Final = 250
START_TIMEOUT_S: Final = 60
MAX_START_S: Final = 120

SEED_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}],
}
"""What the seed's function needed beside ours: it asked for the endpoint every time. (localaws does
not name operations of REST APIs, and asks for the whole service.)"""


# --- localaws, in a process of its own ---


def serve_localaws(told: Connection) -> None:
    """Run localaws until the other end closes; first tell the function's environment and a token."""
    asyncio.run(_serve(told))


async def _serve(told: Connection) -> None:
    from localaws.embedded import LocalAws  # noqa: PLC0415 (only this process needs it)
    from localaws.settings import Settings  # noqa: PLC0415
    from localaws.stack import FUNCTION_NAME, function_environ  # noqa: PLC0415

    async with LocalAws() as aws:
        role = aws.stack.credentials_role_arn
        aws.moto.directory.iam.put_role_policy(
            role.rpartition("/")[2], "seed", json.dumps(SEED_POLICY)
        )
        environ = function_environ(
            aws.stack,
            session=aws.moto.lambda_role_session(role, session_name=FUNCTION_NAME),
            settings=Settings(),
            jwt_secret=aws.jwt_secret,
            aws_url=aws.endpoints.aws_url,
            mqtt_url=aws.endpoints.mqtt_url,
        )
        environ["AWS_ENDPOINT_URL"] = aws.endpoints.aws_url
        told.send((environ, aws.demo_token("42", groups=["orders/*", "news"])))
        await asyncio.to_thread(told.poll, None)


@contextmanager
def localaws() -> Iterator[tuple[dict[str, str], str]]:
    """Run localaws beside this process; yield the function's environment and a token."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve_localaws, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(START_TIMEOUT_S):
            raise TimeoutError("localaws did not start")
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(START_TIMEOUT_S)


# --- the two functions ---

Handler = Callable[[Mapping[str, object], object], Mapping[str, Any]]


def request(token: str) -> dict[str, object]:
    """Return an API Gateway event of payload format 2.0."""
    return {
        "version": "2.0",
        "rawPath": "/credentials",
        "headers": {"authorization": f"Bearer {token}", "content-type": "application/json"},
        "body": '{"device": "bench"}',
        "isBase64Encoded": False,
        "requestContext": {
            "http": {"method": "POST", "path": "/credentials"},
            "requestId": "bench",
        },
    }


def our_handler(environ: Mapping[str, str]) -> Handler:
    """Return the deployed function."""
    from lambdas.credentials.handler import build  # noqa: PLC0415 (its import is measured)

    return build(environ)


def seed_handler(environ: Mapping[str, str]) -> Handler:
    """Return the seed's approach with our token check and URL around it."""
    import boto3  # noqa: PLC0415 (its import is measured)

    from lambdas.credentials.answer import granted  # noqa: PLC0415
    from lambdas.credentials.client_role import ClientCredentials  # noqa: PLC0415
    from lambdas.credentials.request import bearer_token  # noqa: PLC0415
    from lambdas.credentials.settings import Settings  # noqa: PLC0415
    from lambdas.credentials.signed_url import signed_url  # noqa: PLC0415
    from wire.grant import grant_for  # noqa: PLC0415
    from wire.jwks import static_key_set  # noqa: PLC0415
    from wire.policy import compile_session_policy  # noqa: PLC0415
    from wire.secret import Secret  # noqa: PLC0415
    from wire.token import verify  # noqa: PLC0415

    def handle(event: Mapping[str, object], _context: object) -> Mapping[str, Any]:
        settings = Settings.from_env(environ)
        now = datetime.now(UTC)
        keys = static_key_set(settings.key_from)  # type: ignore[arg-type] # a shared secret here
        claims = verify(bearer_token(event), keys=keys, rules=settings.token_rules, now=now)
        grant = grant_for(claims, "bench", settings.namespace)
        sts, iot = boto3.client("sts"), boto3.client("iot")
        account = sts.get_caller_identity()["Account"]
        iot.describe_endpoint(endpointType="iot:Data-ATS")
        role = settings.client_role_arn.rpartition("/")[2]
        given = sts.assume_role(
            RoleArn=f"arn:aws:iam::{account}:role/{role}",
            RoleSessionName=grant.user_id,
            Policy=compile_session_policy(grant),
            DurationSeconds=settings.duration_s,
        )["Credentials"]
        credentials = ClientCredentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=Secret(given["SecretAccessKey"]),
            session_token=Secret(given["SessionToken"]),
            expires_at=given["Expiration"],
            packed_policy_percent=None,
        )
        endpoint = settings.iot_endpoint
        url = signed_url(endpoint, region=settings.region, credentials=credentials, now=now)
        return granted(
            grant=grant,
            credentials=credentials,
            endpoint=endpoint,
            region=settings.region,
            url=url,
        )

    return handle


HANDLERS: Final = {"ours": our_handler, "seed": seed_handler}
IMPORTS: Final = {"ours": "lambdas.credentials.handler", "seed": "boto3"}
"""What each function imports at its top, before it is asked anything."""


# --- one cold start, in a process of its own ---

CHILD: Final = """
import json, sys, time
told = json.load(sys.stdin)
sys.modules["awscrt"] = None
started = time.perf_counter()
__import__(told["import"])
imported = time.perf_counter()
import os
os.environ.update(told["environ"])
from bench.credentials import HANDLERS, request
ready = time.perf_counter()
handle = HANDLERS[told["which"]](told["environ"])
built = time.perf_counter()
answer = handle(request(told["token"]), None)
answered = time.perf_counter()
assert answer["statusCode"] == 200, answer
print(json.dumps([imported - started, built - ready, answered - built]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One cold start: milliseconds to import the module, to build, and for the first request."""

    import_ms: float
    build_ms: float
    first_ms: float


def cold_start(which: str, environ: Mapping[str, str], token: str) -> Start:
    """Start a container of one of the two and send it its first request."""
    told = {"which": which, "import": IMPORTS[which], "environ": dict(environ), "token": token}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(told),
        env=kept,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=MAX_START_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds = json.loads(done.stdout.splitlines()[-1])
    import_ms, build_ms, first_ms = (1_000 * one for one in seconds)
    return Start(import_ms=import_ms, build_ms=build_ms, first_ms=first_ms)


def warm_ms(handle: Handler, token: str) -> float:
    """Return the milliseconds of one request to a warm container."""
    event = request(token)
    started = time.perf_counter()
    answer = handle(event, None)
    took_ms = 1_000 * (time.perf_counter() - started)
    if answer["statusCode"] != 200:
        raise RuntimeError(f"answered {answer['statusCode']}")
    return took_ms


# --- the run ---


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and tell by the exit code whether what was wanted was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=7, help="cold starts of each")
    parser.add_argument("--requests", type=int, default=300, help="warm requests to each")
    options = parser.parse_args(arguments)
    console = Console()
    starts: dict[str, list[Start]] = {which: [] for which in HANDLERS}
    warm: dict[str, list[float]] = {which: [] for which in HANDLERS}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with localaws() as (environ, token), Progress(*columns, console=console) as progress:
        task = progress.add_task("cold starts", total=options.starts * len(HANDLERS))
        for _ in range(options.starts):
            for which, found in starts.items():
                found.append(cold_start(which, environ, token))
                progress.advance(task)
        os.environ.update(environ)  # as Lambda does; boto3 reads nothing else
        handlers = {which: make(environ) for which, make in HANDLERS.items()}
        for handle in handlers.values():
            warm_ms(handle, token)
        task = progress.add_task("warm requests", total=options.requests * len(HANDLERS))
        for _ in range(options.requests):
            for which, handle in handlers.items():
                warm[which].append(warm_ms(handle, token))
                progress.advance(task)
    return report(console, starts, warm)


def report(
    console: Console, starts: Mapping[str, Sequence[Start]], warm: Mapping[str, Sequence[float]]
) -> int:
    """Print the table; return 0 if what was wanted was seen."""
    table = Table(title="a credential request, milliseconds (medians)")
    for heading in ("", "ours", "seed's approach", "ratio", "wanted"):
        table.add_column(heading, justify="left" if not heading else "right")
    rows: list[tuple[str, Callable[[str], float], str]] = [
        ("import", lambda w: _median(start.import_ms for start in starts[w]), "< 250"),
        ("build clients and keys", lambda w: _median(start.build_ms for start in starts[w]), ""),
        ("init: both", lambda w: _median(s.import_ms + s.build_ms for s in starts[w]), ""),
        ("first request", lambda w: _median(start.first_ms for start in starts[w]), ""),
        (
            "cold start, all of it",
            lambda w: _median(s.import_ms + s.build_ms + s.first_ms for s in starts[w]),
            "",
        ),
        ("warm request", lambda w: statistics.median(warm[w]), "≤ 1/3"),
        ("warm request, p95", lambda w: statistics.quantiles(warm[w], n=20)[-1], ""),
    ]
    for name, figure, wanted in rows:
        ours, seed = figure("ours"), figure("seed")
        table.add_row(name, f"{ours:.1f}", f"{seed:.1f}", f"{ours / seed:.2f}", wanted)
    console.print(table)
    ratio = statistics.median(warm["ours"]) / statistics.median(warm["seed"])
    import_ms = _median(start.import_ms for start in starts["ours"])
    seen = ratio <= MAX_WARM_RATIO and import_ms < MAX_IMPORT_MS
    console.print(
        f"{'seen' if seen else 'NOT seen'}: warm ratio {ratio:.2f}, import {import_ms:.0f} ms"
    )
    return 0 if seen else 1


def _median(values: Iterator[float]) -> float:
    return statistics.median(list(values))


if __name__ == "__main__":
    sys.exit(main())
