"""Figures as SVG: drawn in percent of the width, so that text keeps its size on a phone and on paper.

Colours are presentation attributes and classes, never ``style``: a page's own style sheet (and its content security
policy) decides how they look in light and dark.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

LINE = 18  # px between base lines
LEFT, RIGHT = 6.0, 94.0  # % of the width where the axis starts and ends
BINS = 56
DOT = 7.0  # px between stacked dots
HIGHEST = 62.0  # px of the highest stack or bar
LONGEST_STACK = 14
FILLED = 'fill-opacity=".55"'
RING = 'fill="none" stroke="currentColor" stroke-opacity=".7"'
LETTERS = 34  # of a label's line; fits 320 px


@dataclass(frozen=True)
class Axis:
    """What runs from left to right: its ends, its ticks as (value, text), and what it is."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    label: str

    def place(self, value: float) -> float:
        """Percent of the figure's width."""
        inside = min(max(value, self.low), self.high)
        return LEFT + (RIGHT - LEFT) * (inside - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Row:
    """One condition: each participant's and each item's mean as points, and the estimate with its interval."""

    label: str
    participants: Sequence[float]
    items: Sequence[float]
    estimate: float | None
    low: float | None = None
    high: float | None = None
    reference: float | None = None  # such as the chance level
    note: str = ""


def points_and_means(
    rows: Sequence[Row],
    axis: Axis,
    *,
    title: str,
    interval: str,
    reference: str = "",
    watermark: str = "",
    statistic: str = "mean",
) -> str:
    """Participants above, items below, the estimate with its interval between them, one band a row.

    ``interval`` and ``reference`` name the bar and the dashed line in the legend; ``watermark`` is written across;
    ``statistic`` is what every point is.
    """
    parts: list[str] = []
    y = 6.0
    above = _Cloud.of("participant", FILLED, [row.participants for row in rows], axis)
    below = _Cloud.of("item", RING, [row.items for row in rows], axis)
    for row in rows:
        drawn, y = _band(row, axis, y, above, below)
        parts.append(drawn)
    bottom = y
    grid = "".join(
        _line(axis.place(value), 6, axis.place(value), bottom, "grid", "#d5d8dc", 1) for value, _ in axis.ticks
    )
    ticks = "".join(_text(axis.place(value), bottom + 15, text, "tick", "middle") for value, text in axis.ticks)
    y = bottom + 15 + LINE
    ticks += _text(50, y, axis.label, "axis", "middle")
    legend, y = _legend(y + LINE + 6, interval, reference, above, below, statistic)
    mark = ""
    if watermark:
        mark = _text(50, y + 2, watermark, "mark", "middle", bold=True)
        y += LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" width="100%" height="{y + 4:.0f}" '
        f'fill="currentColor" font-family="system-ui, sans-serif" font-size="13">'
        f"<title>{escape(title)}</title>{grid}{''.join(parts)}{ticks}{legend}{mark}</svg>"
    )


def percent_axis(label: str) -> Axis:
    return Axis(0.0, 1.0, tuple((k / 4, f"{25 * k}%") for k in range(5)), label)


def scale_axis(low: float, high: float, label: str) -> Axis:
    """Ticks at whole steps of a short scale, at quarters of a long one."""
    span = high - low
    count = int(span) if span == int(span) and span <= 10 else 4
    values = [low + span * k / count for k in range(count + 1)]
    return Axis(low, high, tuple((value, f"{value:g}") for value in values), label)


def _band(row: Row, axis: Axis, y: float, above: "_Cloud", below: "_Cloud") -> tuple[str, float]:
    parts = []
    for line in textwrap.wrap(row.label, LETTERS) or [""]:
        y += LINE
        parts.append(_text(0, y, line, "label", "start", bold=True))
    for line in textwrap.wrap(row.note, LETTERS):
        y += LINE
        parts.append(_text(0, y, line, "note", "start"))
    y += 10
    middle = y + above.height(row.participants, axis) + 8
    end = middle + 10 + below.height(row.items, axis) + 8
    if row.reference is not None:
        x = axis.place(row.reference)
        parts.append(_line(x, y - 4, x, end - 4, "reference", "#b3261e", 1.5, dashes="5 4"))
    parts.append(_shifted(above.drawn(row.participants, axis, upwards=True), middle - 9))
    parts.append(_shifted(below.drawn(row.items, axis, upwards=False), middle + 9))
    if row.estimate is not None:
        if row.low is not None and row.high is not None:
            parts.append(_line(axis.place(row.low), middle, axis.place(row.high), middle, "interval", "#0b57a4", 4))
        parts.append(
            f'<circle class="estimate" cx="{axis.place(row.estimate):.2f}%" cy="{middle:.1f}" r="5.5" fill="#0b57a4"/>'
        )
    return "".join(parts), end


@dataclass(frozen=True)
class _Cloud:
    """How the points of all rows are drawn: stacked, or as a histogram where a stack would grow too high."""

    kind: str
    attributes: str
    tallest: int

    @classmethod
    def of(cls, kind: str, attributes: str, rows: Sequence[Sequence[float]], axis: Axis) -> "_Cloud":
        stacks = [len(members) for values in rows for members in _binned(values, axis).values()]
        return cls(kind, attributes, max(stacks, default=0))

    @property
    def is_stacked(self) -> bool:
        return self.tallest <= LONGEST_STACK

    @property
    def step(self) -> float:
        """px between stacked points, which touch where they are many."""
        return min(DOT, HIGHEST / max(self.tallest, 1))

    def height(self, values: Sequence[float], axis: Axis) -> float:
        """px that these values need, of the ``tallest`` row's HIGHEST or less."""
        highest = max((len(members) for members in _binned(values, axis).values()), default=1)
        return max(highest * (self.step if self.is_stacked else HIGHEST / max(self.tallest, 1)), DOT)

    def drawn(self, values: Sequence[float], axis: Axis, *, upwards: bool) -> str:
        sign = -1 if upwards else 1
        bins = _binned(values, axis)
        if self.is_stacked:
            return "".join(
                f'<circle class="{self.kind}" cx="{axis.place(value):.2f}%" cy="{sign * self.step * level:.1f}" '
                f'r="{min(3.0, self.step / 2):.2g}" {self.attributes}/>'
                for members in bins.values()
                for level, value in enumerate(members)
            )
        width = (RIGHT - LEFT) / (BINS - 1) * 0.8
        bars = []
        for members in bins.values():
            size = HIGHEST * len(members) / self.tallest
            x = axis.place(sum(members) / len(members)) - width / 2
            bars.append(
                f'<rect class="{self.kind}" x="{x:.2f}%" width="{width:.2f}%" y="{-size if upwards else 0:.1f}" '
                f'height="{size:.1f}" {self.attributes}/>'
            )
        return "".join(bars)


def _binned(values: Sequence[float], axis: Axis) -> dict[int, list[float]]:
    bins: dict[int, list[float]] = {}
    for value in sorted(values):
        bins.setdefault(int((axis.place(value) - LEFT) / (RIGHT - LEFT) * (BINS - 1) + 0.5), []).append(value)
    return bins


def _mark(cloud: _Cloud, attributes: str) -> str:
    if cloud.is_stacked:
        return f'<circle cx="9" cy="{{y}}" r="3" {attributes}/>'
    rect = f'<rect y="-5" width="8" height="9" {attributes}/>'
    return f'<svg x="5" y="{{y}}" width="9" height="9" overflow="visible">{rect}</svg>'


def _legend(y: float, interval: str, reference: str, above: _Cloud, below: _Cloud, statistic: str) -> tuple[str, float]:
    entries = []
    if above.tallest:
        entries.append(
            (
                _mark(above, FILLED),
                f"a participant’s {statistic}" if above.is_stacked else f"participants’ {statistic}s: how many",
            )
        )
    if below.tallest:
        entries.append(
            (_mark(below, RING), f"an item’s {statistic}" if below.is_stacked else f"items’ {statistic}s: how many")
        )
    bar = (
        '<line class="interval" x1="0" x2="18" y1="{y}" y2="{y}" stroke="#0b57a4" stroke-width="4"/>'
        '<circle class="estimate" cx="9" cy="{y}" r="5" fill="#0b57a4"/>'
    )
    entries.append((bar, f"{statistic}, {interval}" if above.tallest else interval))
    if reference:
        entries.append(
            (
                '<line class="reference" x1="0" x2="18" y1="{y}" y2="{y}" stroke="#b3261e" stroke-width="1.5" '
                'stroke-dasharray="5 4"/>',
                reference,
            )
        )
    parts = []
    for mark, text in entries:
        parts.append(mark.replace("{y}", f"{y - 4:.1f}"))
        parts.append(f'<text class="legend" x="26" y="{y:.1f}">{escape(text)}</text>')
        y += LINE
    return "".join(parts), y


def _shifted(drawn: str, y: float) -> str:
    return f'<g transform="translate(0 {y:.1f})">{drawn}</g>' if drawn else ""


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, colour: str, width: float, *, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line class="{kind}" x1="{x1:.2f}%" y1="{y1:.1f}" x2="{x2:.2f}%" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashed}/>'
    )


def _text(x: float, y: float, text: str, kind: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text class="{kind}" x="{x:.2f}%" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
