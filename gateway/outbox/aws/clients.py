"""The clients of the shared outbox's two services.

Owns how they are made: region, endpoint, time-outs, and that they try nothing again by themselves.
Does not: call anything (`queue.py`, `table.py`).
Source: docs/decisions/0011-shared-outbox.md; botocore, "Config".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import aioboto3
from aiobotocore.config import AioConfig

from gateway.iot.session import aws_session
from gateway.outbox.aws.queue import POLL_S

if TYPE_CHECKING:
    from gateway.outbox.aws.place import SharedPlace
    from gateway.settings import Settings


class Clients(NamedTuple):
    """The two clients.

    Attributes:
        sqs: An aioboto3 `sqs` client.
        dynamodb: An aioboto3 `dynamodb` client.
    """

    sqs: Any
    dynamodb: Any


OpenClients: TypeAlias = "Callable[[Settings, SharedPlace], AbstractAsyncContextManager[Clients]]"
"""Makes clients that live as long as a block."""


@asynccontextmanager
async def open_clients(settings: Settings, place: SharedPlace) -> AsyncIterator[Clients]:
    """Make the clients, and close them at the end of the block."""
    session = aioboto3.Session(
        region_name=place.region or settings.region, botocore_session=aws_session()
    )
    async with AsyncExitStack() as stack:
        yield Clients(
            await stack.enter_async_context(
                session.client("sqs", endpoint_url=place.endpoint, config=_config(POLL_S + 10.0))
            ),
            await stack.enter_async_context(
                session.client("dynamodb", config=_config(settings.read_timeout_s))
            ),
        )


def _config(read_timeout_s: float) -> Any:
    return AioConfig(
        connect_timeout=3,
        read_timeout=read_timeout_s,
        max_pool_connections=64,
        # `calls.py` tries again, for a bounded time and in one place.
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=False,
        user_agent_extra="serverless-websockets",
    )
