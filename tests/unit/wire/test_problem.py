"""Problem documents have RFC 9457's members."""

from __future__ import annotations

import json

from wire.problem import Problem


def test_members() -> None:
    """Type, title, status, code, detail, then the facts."""
    problem = Problem(
        status=401, code="invalid_token", detail="it expired", facts={"reason": "expired"}
    )
    assert json.loads(problem.body()) == {
        "type": "urn:serverless-websockets:problem:invalid_token",
        "title": "Unauthorized",
        "status": 401,
        "code": "invalid_token",
        "detail": "it expired",
        "reason": "expired",
    }
