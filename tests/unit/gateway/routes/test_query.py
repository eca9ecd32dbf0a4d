"""Query parameters are known, stand once, and are within their bounds."""

from __future__ import annotations

import pytest

from gateway.errors import InvalidQuery
from gateway.routes.query import flag, query_of, whole
from tests.unit.gateway.requests import request_for


async def test_reads_what_is_known() -> None:
    """As text, decoded."""
    assert query_of(request_for(path="/?a=1%202&b="), ("a", "b")) == {"a": "1 2", "b": ""}


async def test_hints_at_a_near_match() -> None:
    """A typing error is found at once."""
    with pytest.raises(InvalidQuery, match="did you mean limit"):
        query_of(request_for(path="/?limt=1"), ("limit",))


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "0", "11", "٣"])
def test_a_whole_number_is_one_within_bounds(text: str) -> None:
    """Anything else is told with the bounds."""
    with pytest.raises(InvalidQuery, match="from 1 to 10"):
        whole({"n": text}, "n", 5, least=1, most=10)


def test_defaults_stand_in() -> None:
    """For what is not given."""
    assert whole({}, "n", 5, least=1, most=10) == 5
    assert whole({"n": "10"}, "n", 5, least=1, most=10) == 10
    assert not flag({}, "f")
    assert flag({"f": "true"}, "f")
    with pytest.raises(InvalidQuery):
        flag({"f": "yes"}, "f")
