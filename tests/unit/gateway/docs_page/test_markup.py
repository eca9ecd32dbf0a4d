"""Text never becomes markup by accident."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from gateway.docs_page.markup import joined, paragraphs, prose, tag


class Text(HTMLParser):
    """Collects the text of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        del attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00`*")))
def test_text_stays_text(text: str) -> None:
    """Whatever stands in it."""
    read = Text(tag("p", text, title=text))
    assert (read.text, read.tags) == (text, ["p"])
    assert Text(prose(text)).text == text


def test_marks_become_elements() -> None:
    """Code and bold, and what stands inside stays text."""
    assert prose("a `<b>` **c**") == "a <code>&lt;b&gt;</code> <strong>c</strong>"
    assert paragraphs("a\n\nb") == "<p>a</p><p>b</p>"
    assert joined("<", tag("i", ">")) == "&lt;<i>&gt;</i>"
