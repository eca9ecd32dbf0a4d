"""Settings report every problem at once and never show a value."""

from __future__ import annotations

import pytest

from wire.errors import SettingsError
from wire.settings import EnvReader


def test_reads_each_kind() -> None:
    """Texts, numbers, switches, lists and secrets come out typed."""
    reader = EnvReader(
        "APP_",
        {
            "APP_NAME": "x",
            "APP_PORT": "80",
            "APP_WAIT_S": "0.5",
            "APP_ON": "yes",
            "APP_LIST": "a, b,",
            "APP_KEY": "hush",
            "OTHER": "1",
        },
    )
    assert reader.text("NAME", "y") == "x"
    assert reader.integer("PORT", 1, least=1, most=65535) == 80
    assert reader.number("WAIT_S", 1.0, least=0, most=9) == 0.5
    assert reader.flag("ON", default=False)
    assert reader.listing("LIST") == ("a", "b")
    secret = reader.secret("KEY")
    assert secret is not None
    assert secret.reveal() == "hush"
    assert reader.optional("ABSENT") is None
    assert reader.text("ABSENT", "default") == "default"
    reader.finish()


def test_all_problems_at_once_without_values() -> None:
    """A wrong environment is told in one go; the values stay out of the text."""
    reader = EnvReader(
        "APP_",
        {
            "APP_PORT": "s3cret",
            "APP_WAIT_S": "nan",
            "APP_ON": "perhaps",
            "APP_PROT": "1",
            "APP_X": "5",
        },
    )
    reader.integer("PORT", 1, least=1, most=9)
    reader.number("WAIT_S", 1.0, least=0, most=9)
    reader.flag("ON", default=False)
    reader.required("NAME")
    reader.parsed("X", 0, lambda _text: int("no"))
    with pytest.raises(SettingsError) as caught:
        reader.finish()
    assert len(caught.value.problems) == 6
    assert "did you mean APP_PORT" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_bounds() -> None:
    """A number outside its bounds names them."""
    reader = EnvReader("APP_", {"APP_PORT": "0"})
    assert reader.integer("PORT", 5, least=1, most=9) == 5
    with pytest.raises(SettingsError, match="between 1 and 9"):
        reader.finish()
