"""Principals: services known by the IAM identity that AWS saw, and by nothing they can choose."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.admission import Admission
from gateway.core.service import ANYBODY
from gateway.errors import KeyRefused, NotAuthenticated, UnknownSender
from gateway.keys import Keyring, new_key
from gateway.principals import Principal, new_principal

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ROLE = "AROAJ2UCCR6DPCEXAMPLE"
USER = "AIDACKCEVSQ6C2EXAMPLE"


def made(**changes: Any) -> Principal:
    """Make an entry."""
    options: dict[str, Any] = {
        "id_": ROLE, "name": "shop", "publish": ["user:*"], "rate_per_s": 5.0, "now": NOW
    }  # fmt: skip
    return new_principal(**(options | changes))


def test_a_role_is_one_service_whoever_takes_it_on() -> None:
    """The session's name is its user's to choose, so it decides nothing."""
    keyring = Keyring(principals=[made(), made(id_=USER, name="billing")])
    assert keyring.find_sender(f"{ROLE}:i-0a1b2c3d") == made().service
    assert keyring.find_sender(f"{ROLE}:{USER}") == made().service
    assert keyring.find_sender(USER) == made(id_=USER, name="billing").service
    for stranger in ("", ":", ROLE[:-1], f"{ROLE}X", f"AROAOTHER:{ROLE}", f"x:{ROLE}"):
        assert keyring.find_sender(stranger) is None


def test_a_file_holds_keys_and_principals() -> None:
    """Both read back as written; a file without principals is as it always was."""
    key = new_key(name="shop", publish=["*"], rate_per_s=None, admin=True, now=NOW)[1]
    keyring = Keyring([key], [made(), made(id_=USER, rate_per_s=None)])
    again = Keyring.load(keyring.dump())
    assert (again.keys, again.principals) == (keyring.keys, keyring.principals)
    assert len(again) == 3
    assert "principals" not in json.loads(Keyring([key]).dump())


def test_one_identity_is_one_service() -> None:
    """A second entry would leave it to the order which of the two holds."""
    with pytest.raises(KeyRefused, match="is there already"):
        Keyring(principals=[made()]).with_principal(made(name="other"))


def test_revokes_by_principal_and_with_the_service() -> None:
    """As keys are revoked."""
    key = new_key(name="shop", publish=["*"], rate_per_s=None, admin=False, now=NOW)[1]
    keyring = Keyring([key]).with_principal(made()).with_principal(made(id_=USER, name="other"))
    assert [one.id for one in keyring.without(ROLE).principals] == [USER]
    assert len(keyring.without(ROLE).keys) == 1
    rest = keyring.without("shop")
    assert (rest.keys, [one.id for one in rest.principals]) == ((), [USER])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id_": "arn:aws:iam::123456789012:role/shop"}, "unique id of a role"),
        ({"id_": "123456789012"}, "unique id of a role"),
        ({"id_": f"{ROLE}:session"}, "unique id of a role"),
        ({"id_": "AKIAIOSFODNN7EXAMPLE"}, "unique id of a role"),
        ({"name": "Shop"}, "a service's name is"),
        ({"publish": ["nobody"]}, "an address is"),
        ({"rate_per_s": 0}, "above 0"),
    ],
)
def test_refuses_to_make(changes: dict[str, Any], says: str) -> None:
    """An entry that breaks a rule is not made."""
    with pytest.raises(KeyRefused, match=says):
        made(**changes)


@pytest.mark.parametrize(
    ("principals", "says"),
    [
        ({}, "its principals are no array"),
        ([1], "principal 0: it must have exactly created, name"),
        ([made().members() | {"admin": True}], "principal 0: it must have exactly"),
        ([made().members() | {"created": "now"}], "principal 0: created"),
        ([made().members() | {"principal": 1}], "principal 0: a principal is"),
    ],
)
def test_refuses_a_file_with_a_bad_principal(principals: object, says: str) -> None:
    """The entry is named; nothing is read half."""
    text = json.dumps({"version": 1, "keys": [], "principals": principals})
    with pytest.raises(KeyRefused, match=says):
        Keyring.load(text)


async def test_who_sent_a_message_is_who_aws_says() -> None:
    """A known principal is its service; a principal is no key, so it opens nothing over HTTP."""
    admission = Admission(Keyring(principals=[made()]))
    assert admission.identify_sender(f"{ROLE}:x") == made().service
    with pytest.raises(UnknownSender, match="AIDACKCEVSQ6C2EXAMPLE"):
        admission.identify_sender(USER)
    with pytest.raises(NotAuthenticated):
        await admission.identify(f"Bearer {ROLE}")
    assert Admission(Keyring(), insecure_no_auth=True).identify_sender(USER) is ANYBODY
