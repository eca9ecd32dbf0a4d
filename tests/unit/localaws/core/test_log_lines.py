"""Prefixed lines out of chunks of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from localaws.core.log_lines import MAX_LINE_BYTES, LineSplitter


def test_lines_get_the_prefix() -> None:
    """A line is given out once it is whole, the rest at the end."""
    splitter = LineSplitter("a | ")
    assert splitter.feed(b"one\ntw") == ["a | one"]
    assert splitter.feed(b"o\r\n\nthree") == ["a | two", "a | "]
    assert splitter.end() == ["a | three"]
    assert splitter.end() == []


@given(text=st.binary(), sizes=st.lists(st.integers(1, 9)))
def test_any_split_gives_the_same_lines(text: bytes, sizes: list[int]) -> None:
    """Where the chunks are cut makes no difference."""
    whole, pieces = LineSplitter("p "), LineSplitter("p ")
    expected = whole.feed(text) + whole.end()
    lines: list[str] = []
    for size in sizes:
        lines += pieces.feed(text[:size])
        text = text[size:]
    assert lines + pieces.feed(text) + pieces.end() == expected


def test_a_line_without_end_is_cut() -> None:
    """A child that never breaks its line cannot fill memory."""
    splitter = LineSplitter("")
    lines = splitter.feed(b"x" * (2 * MAX_LINE_BYTES + 1))
    assert [len(line) for line in lines] == [MAX_LINE_BYTES, MAX_LINE_BYTES]
    assert splitter.end() == ["x"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    """A child may write anything."""
    assert LineSplitter("").feed(b"\xff\n") == ["\N{REPLACEMENT CHARACTER}"]
