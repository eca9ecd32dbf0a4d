"""JSON as the gateway writes it: UTF-8 without blanks.

Owns writing JSON where it is written for each event: envelopes, answers, log lines.
Does not: read JSON (`strict_json.py`), or check: what comes in was read strictly, so there is no
NaN in it, and no half of a surrogate pair.
Source: RFC 8259; docs/decisions/0002-dependencies.md, orjson.
"""

from __future__ import annotations

import json
from typing import Final

import orjson

_STANDARD: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def compact_json(value: object) -> bytes:
    """Return a value as JSON text.

    Args:
        value: JSON values; what is none (a path, say, among the facts of a log line) is written as
            its text.

    Raises:
        UnicodeEncodeError: A string holds half of a surrogate pair.
    """
    try:
        return orjson.dumps(value, default=str)
    except orjson.JSONEncodeError:
        # It knows no whole numbers beyond 64 bits and no names but strings.
        return _STANDARD.encode(value).encode()
