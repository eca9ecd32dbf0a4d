"""Pages of a listing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.http_parameters import Unfit
from localaws.core.pages import page


def walk(names: list[str], size: int) -> list[list[str]]:
    """Return all pages of a listing."""
    pages, token = [], None
    while True:
        shown, token = page(names, str, token=token, size=size)
        pages.append(shown)
        if token is None:
            return pages


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.integers(1, 10))
def test_every_item_is_shown_once_and_in_order(names: list[str], size: int) -> None:
    """No page is longer than asked for, and only the last may be shorter."""
    names = [name for name in names if name.isprintable()]
    pages = walk(names, size)
    assert [name for one in pages for name in one] == sorted(names)
    assert all(len(one) == size for one in pages[:-1])
    assert len(pages[-1]) <= size


def test_a_change_in_between_loses_nothing_that_stays() -> None:
    """The token names where the last page ended, not how many were shown."""
    first, token = page(["a", "b", "c", "d"], str, token=None, size=2)
    assert first == ["a", "b"]
    assert page(["c", "d", "e"], str, token=token, size=2) == (
        ["c", "d"],
        page(["c", "d", "e"], str, token=None, size=2)[1],
    )


@pytest.mark.parametrize("token", ["?", "a", "ü", "//8="])
def test_foreign_tokens_are_refused(token: str) -> None:
    """Only what we gave out is taken."""
    with pytest.raises(Unfit, match="nextToken"):
        page(["a"], str, token=token, size=1)
