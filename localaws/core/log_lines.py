"""Whole lines out of a child's output, each with the child's name in front.

Owns the splitting and the bound on a line's length. Does not read or print.
"""

from __future__ import annotations

from typing import Final

MAX_LINE_BYTES: Final = 16_384
"""Longest line kept whole; a longer one is cut into lines, so that no child can fill memory."""


class LineSplitter:
    """Turns chunks of bytes into prefixed lines.

    Args:
        prefix: Put before each line.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that a chunk completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        pieces = [piece for line in lines for piece in _cut(line)]
        if len(self._rest) > MAX_LINE_BYTES:
            *long, self._rest = _cut(self._rest)
            pieces.extend(long)
        return [self._text(piece) for piece in pieces]

    def end(self) -> list[str]:
        """Return what stands after the last line break, at the end of the output."""
        rest, self._rest = self._rest, b""
        return [self._text(rest)] if rest else []

    def _text(self, line: bytes) -> str:
        return self._prefix + line.decode("utf-8", "replace").rstrip("\r")


def _cut(line: bytes) -> list[bytes]:
    starts = range(0, max(1, len(line)), MAX_LINE_BYTES)
    return [line[start : start + MAX_LINE_BYTES] for start in starts]
