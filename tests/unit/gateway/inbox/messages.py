"""Messages of the inbox, for tests."""

from __future__ import annotations

import json
from typing import Any

from gateway.core.service import Service
from gateway.inbox.message import Message
from wire.address import AddressPattern

SHOP = Service(
    name="shop",
    credential_id="AROAJ2UCCR6DPCEXAMPLE",
    publish=(AddressPattern.parse("user:*"), AddressPattern.parse("group:orders/*")),
)
GOOD: dict[str, Any] = {"to": "user:42", "type": "t", "data": 1}


def message(body: object = GOOD, **changes: Any) -> Message:
    """Return a message of the shop."""
    facts: dict[str, Any] = {
        "id": "5fea7756-0ea4-451a-a703-a558b933e274",
        "body": body if isinstance(body, str) else json.dumps(body),
        "sender": "AROAJ2UCCR6DPCEXAMPLE:i-1",
        "group": "g",
        "receipt": "r",
        "receives": 1,
        "sent_ms": 0,
        "attributes": {},
    }
    return Message(**(facts | changes))
