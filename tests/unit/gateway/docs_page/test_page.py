"""The page is whole by itself, executes nothing, and shows everything of the document."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from gateway.docs_page import content_security_policy, page
from gateway.openapi import openapi

DOCUMENT = openapi(namespace="shop", max_addresses=100, max_events=1_000)
PAGE = page(DOCUMENT)


class Reader(HTMLParser):
    """Reads tags, ids and links, and that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(PAGE)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        if tag != "meta":
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
            assert not name.startswith("on")

    def handle_endtag(self, tag: str) -> None:
        """Close the last one."""
        assert self.open.pop() == tag


READ = Reader()


def test_is_well_formed() -> None:
    """Every element closes, every id is one."""
    assert not READ.open
    assert len(READ.ids) == len(set(READ.ids))


def test_needs_nothing_else() -> None:
    """No script, no font, no picture, no other server: it works offline."""
    assert not READ.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert "url(" not in PAGE
    assert "@import" not in PAGE
    assert not re.search(r"(?:href|src)=.https?:", PAGE)


def test_links_lead_somewhere() -> None:
    """On the page, or to the document."""
    for link in READ.links:
        assert link == "/openapi.json" or link.removeprefix("#") in READ.ids


def test_shows_every_operation_and_shape() -> None:
    """The document and the page say the same."""
    for path, item in DOCUMENT["paths"].items():
        assert path in PAGE
        for operation in item.values():
            assert operation["operationId"] in READ.ids
    for name in DOCUMENT["components"]["schemas"]:
        assert f"schema-{name}" in READ.ids


def test_the_policy_allows_the_page_and_nothing_more() -> None:
    """The hash is that of the style as the browser sees it."""
    policy = content_security_policy()
    style = re.search(r"<style>(.*)</style>", PAGE, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in PAGE
