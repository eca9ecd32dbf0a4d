"""JSON as the gateway writes it: UTF-8 without blanks.

Owns writing JSON where it is written for each event: envelopes, answers, log lines.
Does not: read JSON (`strict_json.py`), or check: what comes in was read strictly, so there is no
NaN in it.
Source: RFC 8259; docs/decisions/0002-dependencies.md, orjson.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson


def compact_json(value: object, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return a value as JSON text.

    Args:
        value: What to write.
        default: Makes something that JSON has out of what it has not.

    Raises:
        TypeError: There is something that JSON has not.
    """
    try:
        return orjson.dumps(value, default)
    except orjson.JSONEncodeError:
        # It knows no whole numbers beyond 64 bits, which JSON and its readers do, and no half of a
        # surrogate pair, which the name of a file in a log line may hold: that becomes an escape.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default)
        return text.encode("utf-8", "backslashreplace")
