"""localaws's IoT endpoint alone, for the load programs: real roles, session policies and signatures.

Started by them as `python -m bench.localaws_server <clients> <rates>`; writes one JSON line with its
port and a signed URL for each client, then serves until it is terminated. The account's rates are
off, and with rates `none` those of a connection too, since they would be what is measured; everything
else is as it always is. Each client has a session policy of its own.

Credentials are put into moto directly: a thousand AssumeRole calls would only take time.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import sys
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import uvloop
from aiohttp import web

from lambdas.credentials.client_role import ClientCredentials
from lambdas.credentials.signed_url import signed_url
from localaws.clock import Clock
from localaws.connection_log import ConnectionLog
from localaws.core.authentication import Authentication
from localaws.core.broker import Broker
from localaws.core.quotas import Quotas
from localaws.moto_server import MotoServer
from localaws.port import Port
from localaws.stack import make_stack
from localaws.websocket import MqttEndpoint
from wire.claims import Claims
from wire.grant import grant_for
from wire.policy import compile_session_policy

if TYPE_CHECKING:
    from localaws.stack import Stack

NAMESPACE = "bench"
TOPIC = "bench/group/orders/eu"

QUOTAS = Quotas(
    account_connects_per_s=None,
    account_publishes_in_per_s=None,
    account_publishes_out_per_s=None,
    account_subscriptions_per_s=None,
)
"""AWS's, but as many in a second as the machine can do."""

NO_RATES = replace(QUOTAS, publishes_per_s=None, bytes_per_s=None)
"""Without those of a connection, too."""


def credentials(moto: MotoServer, stack: Stack, user: str) -> tuple[str, ClientCredentials]:
    """Make a client id with a session policy of its own."""
    claims = Claims(
        subject=user,
        groups=("orders/eu", "news"),
        publish=("group:orders/eu",) if user == "publisher" else (),
        expires_at=datetime.fromtimestamp(time.time() + 3_600, UTC),
    )
    grant = grant_for(claims, "tab", NAMESPACE)
    key = moto.directory.open_session(
        stack.client_role_arn,
        session_name=user,
        duration_s=3_600,
        policy=compile_session_policy(grant),
    )
    assert key.session_token is not None
    assert key.expires_at is not None
    return grant.client_id, ClientCredentials(
        access_key_id=key.access_key_id,
        secret_access_key=key.secret,
        session_token=key.session_token,
        expires_at=key.expires_at,
        packed_policy_percent=None,
    )


async def serve(clients: int, quotas: Quotas) -> None:
    """Serve until told to stop."""
    moto = MotoServer(account="123456789012", region="us-east-1")
    await asyncio.to_thread(moto.start)
    stack = make_stack(moto, namespace=NAMESPACE)
    broker = Broker(
        new_id=lambda: str(uuid.uuid4()),
        pick=random.randrange,
        quotas=quotas,
        observer=ConnectionLog(),
    )
    endpoint = MqttEndpoint(
        broker,
        authenticate=Authentication(moto.directory, region=moto.region).authenticate,
        clock=Clock().steady,
    )
    runner = web.AppRunner(web.Application())
    await runner.setup()
    assert runner.server is not None
    port = Port(http=runner.server, mqtt=endpoint.protocol)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
    number = listener.getsockname()[1]
    endpoint.start()
    await port.open(listener)
    url = f"ws://127.0.0.1:{number}/mqtt"
    made = {}
    for user in ("publisher", *(f"user-{one}" for one in range(clients))):
        client_id, one = credentials(moto, stack, user)
        signed = signed_url(url, region=moto.region, credentials=one, now=datetime.now(UTC))
        made[user] = (signed.partition(str(number))[2], client_id)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    publisher = made.pop("publisher")
    facts = {"port": number, "publisher": publisher, "clients": list(made.values()), "topic": TOPIC}
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
    await told.wait()
    await port.close()
    await endpoint.stop()
    await runner.cleanup()
    await asyncio.to_thread(moto.stop)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop_runner:
        loop_runner.run(serve(int(sys.argv[1]), NO_RATES if sys.argv[2] == "none" else QUOTAS))
