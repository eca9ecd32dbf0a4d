"""The gateway that one would write in an afternoon, as a baseline.

aiohttp takes an event or an array of events, `client.publish` of stock aioboto3 sends them, and the
answer comes after the publishes. It has uvloop and a connection pool as large as the real gateway's,
so that it is not beaten by its settings. It has no durability, no idempotency, no order, no keys, no
limits, no retries and no metrics; a crash loses what is under way.

    python -m bench.minimal_gateway <endpoint>        prints its port, then serves until it is ended
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from typing import Any

import aioboto3
import uvloop
from aiobotocore.config import AioConfig
from aiohttp import web

CONNECTIONS = 64


async def main(endpoint: str) -> None:
    """Serve until ended."""
    session = aioboto3.Session(region_name="us-east-1")
    config = AioConfig(
        max_pool_connections=CONNECTIONS,
        parameter_validation=False,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    turns = asyncio.Semaphore(CONNECTIONS)
    async with session.client("iot-data", endpoint_url=endpoint, config=config) as client:

        async def publish(event: dict[str, Any]) -> dict[str, str]:
            kind, _, name = event["to"].partition(":")
            envelope = {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": "minimal",
                "type": event["type"],
                "time": time.time(),
                "data": event["data"],
            }
            async with turns:
                await client.publish(
                    topic=f"bench/{kind}/{name}", qos=1, payload=json.dumps(envelope).encode()
                )
            return {"id": str(envelope["id"]), "status": "published"}

        async def post(request: web.Request) -> web.Response:
            events = await request.json()
            if isinstance(events, dict):
                return web.json_response(await publish(events))
            return web.json_response(await asyncio.gather(*map(publish, events)))

        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_post("/v1/events", post)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
