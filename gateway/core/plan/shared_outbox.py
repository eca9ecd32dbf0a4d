"""What the shared outbox asks of SQS and DynamoDB.

Owns calls and units per second, with and without events. The embedded outbox asks nothing.
Source: docs/decisions/0011-shared-outbox.md; gateway/outbox/aws/, whose constants a test compares.

Writes of one event, w units of 1 KB being its item:

| step | table | indexes |
|---|---|---|
| put | w | 1 in each of two |
| claim | w | |
| settle | w | 1 taken out of one, 1 changed in the other |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gateway.core.plan.figures import Figures
from gateway.core.plan.workload import Outbox, Workload

BATCH: Final = 10
"""Most messages of one SQS call."""

WRITE_UNIT_BYTES: Final = 1_024
"""Bytes of one DynamoDB write unit. Source: DynamoDB developer guide, "Quotas"."""

IDLE_RECEIVES_PER_S: Final = 3 / 4
"""Receives of one gateway that waits: three at a time, 4 s each."""

LOOKS_PER_S: Final = 2 / 10
"""Looks at the queue and at its dead letters, of one gateway, every 10 s."""

SWEEP_READS_PER_S: Final = 8 * 0.5
"""Read units of one gateway's sweep: 8 partitions each second, half a unit for an empty query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxLoad:
    """Calls and units per second; zeros for the embedded outbox.

    Attributes:
        busiest_sqs_call: Calls of the most called SQS action.
        sqs_calls: Calls of all actions.
        writes: DynamoDB write units, indexes included.
        index_writes: Of these, those of one index.
        reads: DynamoDB read units.
    """

    busiest_sqs_call: float
    sqs_calls: float
    writes: float
    index_writes: float
    reads: float


def outbox_load(workload: Workload, figures: Figures, *, events_per_s: float) -> OutboxLoad:
    """Work out the load of so many events per second.

    Messages are sent, received and deleted in the batches they were posted in: single events cost a
    call each way. A busy gateway does better (it receives and deletes in batches of its own).
    """
    if workload.outbox is Outbox.SQLITE:
        return OutboxLoad(busiest_sqs_call=0, sqs_calls=0, writes=0, index_writes=0, reads=0)
    calls = events_per_s / min(BATCH, workload.events_per_post)
    receives = max(calls, workload.gateways * IDLE_RECEIVES_PER_S)
    item_bytes = workload.payload_bytes + figures.assumed("outbox_item_bytes")
    units = math.ceil(item_bytes / WRITE_UNIT_BYTES)
    return OutboxLoad(
        busiest_sqs_call=receives,
        sqs_calls=2 * calls + receives + workload.gateways * LOOKS_PER_S,
        writes=events_per_s * (3 * units + 4),
        index_writes=events_per_s * 2,
        reads=workload.gateways * SWEEP_READS_PER_S,
    )
