"""A secret does not show itself."""

from __future__ import annotations

import pickle

import pytest

from wire.secret import Secret


def test_hidden_everywhere_but_reveal() -> None:
    """Neither repr, str, format nor a container's repr gives the text away."""
    secret = Secret("hush")
    shown = f"{secret} {secret!r} {[secret]} {secret!s}"
    assert "hush" not in shown
    assert secret.reveal() == "hush"
    assert len(secret) == 4


def test_compared_by_value() -> None:
    """Equal texts are equal secrets, and texts are not secrets."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_not_pickled() -> None:
    """A pickle would carry the text, so there is none."""
    with pytest.raises(TypeError):
        pickle.dumps(Secret("a"))
