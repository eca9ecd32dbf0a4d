"""RFC 9457 problem documents, the one error body of every API of ours.

Owns the JSON shape. Does not own which error becomes which problem: each API maps its own errors
in one place.

Source: RFC 9457; docs/design.md, "Credential API".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

PROBLEM_JSON: Final = "application/problem+json"
"""Media type of a problem document. Source: RFC 9457 section 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong with one request.

    Attributes:
        status: HTTP status code.
        code: A stable word for machines, e.g. ``invalid_token``; one of a short list per API.
        detail: A sentence for people: what, where, the limit. Never a secret or payload.
        facts: More members for machines, e.g. ``{"reason": "expired"}``; JSON-ready values.
    """

    status: int
    code: str
    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def members(self) -> dict[str, object]:
        """Return the document's members in the order in which they are read best."""
        return {
            "type": f"urn:serverless-websockets:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.facts,
        }

    def body(self) -> bytes:
        """Return the document as UTF-8 JSON."""
        return json.dumps(self.members(), ensure_ascii=False).encode()
