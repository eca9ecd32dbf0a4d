"""The claims of a verified token give exactly the rights they name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.core.service_token import service_of
from gateway.errors import NotAuthenticated
from wire.claims import Claims


def claims(**changes: Any) -> Claims:
    """Return the claims of a good token."""
    good: dict[str, Any] = {"subject": "shop", "expires_at": datetime(2026, 3, 1, tzinfo=UTC)}
    return Claims(**good | changes)


def test_a_token_alone_gives_a_name_and_no_rights() -> None:
    """What it does not name it does not give."""
    service = service_of(claims(), rate_per_s=7)
    assert (service.name, service.credential_id) == ("shop", "jwt:shop")
    assert (service.publish, service.admin, service.rate_per_s) == ((), False, 7)


def test_claims_give_rights() -> None:
    """Address patterns, and the admin right."""
    service = service_of(
        claims(publish=("user:*", "group:orders/*"), extras={"admin": True}), rate_per_s=None
    )
    assert [str(pattern) for pattern in service.publish] == ["user:*", "group:orders/*"]
    assert service.admin


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Shop"},
        {"subject": "a.b"},
        {"publish": ("nobody:*",)},
        {"extras": {"admin": "true"}},
        {"extras": {"admin": 1}},
    ],
)
def test_impossible_claims_let_nobody_in(changes: dict[str, Any]) -> None:
    """Half of a right is a mistake of the issuer, and is told."""
    with pytest.raises(NotAuthenticated) as caught:
        service_of(claims(**changes), rate_per_s=None)
    assert caught.value.reason == "invalid_claim"
    assert str(caught.value).startswith("Claim ")
