"""Writing HTML without ever writing text into it unescaped.

Owns elements and the two marks that descriptions use: `code` and **bold**.
Does not: know what the page shows.
Source: HTML Living Standard, section 13.1.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

_MARK: Final = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


class Markup(str):
    """Text that is HTML already; every other text is escaped."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """Return an element.

    Args:
        name: Its name.
        children: Markup as it is, and other texts escaped.
        attributes: Its attributes; a trailing ``_`` is dropped (`class_`).
    """
    written = "".join(
        f' {attribute.rstrip("_")}="{escape(value)}"' for attribute, value in attributes.items()
    )
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """Return children one after the other."""
    return Markup(
        "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    )


def prose(text: str) -> Markup:
    """Return a sentence with its `code` and **bold** marks as elements."""
    found: list[str] = []
    at = 0
    for mark in _MARK.finditer(text):
        found.append(text[at : mark.start()])
        found.append(tag("code", mark[1]) if mark[1] else tag("strong", mark[2]))
        at = mark.end()
    return joined(*found, text[at:])


def paragraphs(text: str) -> Markup:
    """Return a description: one paragraph for each block of lines."""
    return joined(*(tag("p", prose(block)) for block in text.split("\n\n") if block))
