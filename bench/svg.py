"""Plots as small SVG files, written by hand: bars, stacked bars and lines.

Owns the drawing. The files have a white ground of their own, so that they read the same on light and
dark pages, and no scripts or fonts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 720
LEFT = 190
COLOURS = (
    "#2f6f9f",
    "#d98032",
    "#5a9a52",
    "#b4534b",
    "#7d65a8",
    "#8a6d5a",
    "#c178ab",
    "#7f7f7f",
    "#c9a227",
    "#3aa6a0",
)
_TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#222"'


def bars(title: str, rows: Mapping[str, float], *, unit: str, note: str = "") -> str:
    """Return horizontal bars, each with its value."""
    top = max(rows.values(), default=1) or 1
    room = WIDTH - LEFT - 150
    parts = []
    for index, (name, value) in enumerate(rows.items()):
        y = 44 + index * 30
        width = room * value / top
        colour = COLOURS[index % len(COLOURS)]
        parts.append(_text(LEFT - 10, y + 15, name, anchor="end"))
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="21" fill="{colour}"/>')
        parts.append(_text(LEFT + width + 8, y + 15, f"{_number(value)} {unit}"))
    return _page(title, parts, 44 + len(rows) * 30 + 30, note)


def stacked(
    title: str, rows: Mapping[str, Mapping[str, float]], *, unit: str, note: str = ""
) -> str:
    """Return one stacked bar for each row, with a legend of the parts."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    top = max((sum(row.values()) for row in rows.values()), default=1) or 1
    room = WIDTH - LEFT - 150
    parts = []
    for index, (label, row) in enumerate(rows.items()):
        y, x = 44 + index * 38, float(LEFT)
        parts.append(_text(LEFT - 10, y + 18, label, anchor="end"))
        for name in names:
            width = room * row.get(name, 0) / top
            colour = COLOURS[names.index(name) % len(COLOURS)]
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="27" fill="{colour}"/>'
            )
            x += width
        parts.append(_text(x + 8, y + 18, f"{_number(sum(row.values()))} {unit}"))
    y = 44 + len(rows) * 38 + 8
    for index, name in enumerate(names):
        row_y = y + index * 20
        values = ", ".join(_number(row.get(name, 0)) for row in rows.values())
        parts.append(
            f'<rect x="{LEFT}" y="{row_y}" width="13" height="13" fill="{COLOURS[index % len(COLOURS)]}"/>'
        )
        parts.append(_text(LEFT + 20, row_y + 11, f"{name}: {values}"))
    return _page(title, parts, y + len(names) * 20 + 30, note)


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_unit: str,
    y_unit: str,
    x_top: float | None = None,
    y_top: float | None = None,
    note: str = "",
) -> str:
    """Return lines over two axes that begin at zero."""
    left, right, up, down = 70, WIDTH - 30, 60, 320
    points = [point for line in series.values() for point in line]
    x_top = x_top or max((x for x, _ in points), default=1) or 1
    y_top = y_top or (max((y for _, y in points), default=1) or 1) * 1.1
    parts = []
    for step in range(6):
        x, y = left + (right - left) * step / 5, down - (down - up) * step / 5
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(_text(left - 8, y + 4, _number(y_top * step / 5), anchor="end"))
        parts.append(_text(x, down + 18, _number(x_top * step / 5), anchor="middle"))
    for index, (name, line) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = "L".join(
            f"{left + (right - left) * x / x_top:.1f} {down - (down - up) * y / y_top:.1f}"
            for x, y in line
            if x <= x_top
        )
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<rect x="{left}" y="{down + 46 + index * 20}" width="13" height="13" fill="{colour}"/>')  # fmt: skip
        parts.append(_text(left + 20, down + 57 + index * 20, name))
    parts.append(_text(right, down + 36, x_unit, anchor="end"))
    parts.append(_text(left, up - 6, y_unit))
    return _page(title, parts, down + 46 + len(series) * 20 + 30, note)


def _page(title: str, parts: Sequence[str], height: float, note: str) -> str:
    body = "\n".join((_text(16, 24, title, weight="600"), *parts, _text(16, height - 10, note)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{body}\n</svg>\n"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" {_TEXT}>'
        f"{escape(text)}</text>"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
