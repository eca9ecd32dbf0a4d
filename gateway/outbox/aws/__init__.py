"""The shared outbox: one SQS FIFO queue and one DynamoDB table, any number of gateways.

The table is the truth; the queue says whose turn it is. `outbox.py` is what the rest of the
gateway sees, `deliveries.py` what this gateway holds, `sweep.py` what any gateway does for all.
`table.py` and `queue.py` are the only callers of the two services; `item.py` and `message.py` are
what stands in them.
Source: docs/decisions/0011-shared-outbox.md; DynamoDB developer guide, "Condition expressions";
SQS developer guide, "FIFO queue delivery logic".
"""
