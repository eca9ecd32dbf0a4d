"""The raw loop of the stock client's publish, as a baseline: no gateway at all.

python -m bench.stock_loop <endpoint> <tasks> <seconds>    prints what it did as JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aioboto3
import uvloop
from aiobotocore.config import AioConfig

PAYLOAD = b'{"specversion":"1.0","data":{"text":"%s"}}' % (b"x" * 300)


async def main(endpoint: str, tasks: int, seconds: float) -> None:
    """Publish as fast as it goes."""
    session = aioboto3.Session(region_name="us-east-1")
    config = AioConfig(
        max_pool_connections=64,
        parameter_validation=False,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    count = 0
    async with session.client("iot-data", endpoint_url=endpoint, config=config) as client:

        async def loop(until: float) -> None:
            nonlocal count
            while time.perf_counter() < until:
                await client.publish(topic=f"bench/user/{count % 1_000}", qos=1, payload=PAYLOAD)
                count += 1

        await asyncio.gather(*(loop(time.perf_counter() + 0.5) for _ in range(tasks)))
        count, began, cpu = 0, time.perf_counter(), time.process_time()
        await asyncio.gather(*(loop(began + seconds) for _ in range(tasks)))
        took, used = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"events": count, "took_s": took, "cpu_s": used}), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
