"""Figures of the examination as SVG, inside the one page: lines, estimates with intervals, a matrix, distributions."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 388, 14, 196


@dataclass(frozen=True)
class Series:
    """A line: its name, points, and for each point the ends of an interval, or ()."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Bar:
    """An estimate with its interval, and the reference it is read against, where there is one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    is_small: bool = False  # one of those that an estimate above is made of


def lines(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    title: str,
    is_log: bool = False,
    reference: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> str:
    """Lines with their intervals as bands; ``reference`` is a dashed level. ``low`` and ``high`` fix the ends."""
    drawn = [one for one in series if len(one.x)]
    if not drawn:
        return ""
    xs = [_x(value, is_log) for one in drawn for value in one.x]
    ys = [value for one in drawn for value in (*one.y, *one.low, *one.high) if math.isfinite(value)]
    ys += [reference] if reference is not None else []
    bottom = min(ys) if low is None else low
    top = max(ys) if high is None else high
    top = bottom + 1 if top <= bottom else top
    left, right = min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1

    def place(a: float, b: float) -> str:
        across = LEFT + (RIGHT - LEFT) * (_x(a, is_log) - left) / (right - left)
        inside = min(max(b, bottom), top)
        return f"{across:.1f},{BOTTOM - (BOTTOM - TOP) * (inside - bottom) / (top - bottom):.1f}"

    parts = _axes(bottom, top, x, y)
    shown = sorted({value for one in drawn for value in one.x})
    whole = all(float(value).is_integer() for value in shown)
    chosen = shown[:: -(-len(shown) // 5)] if is_log else [v for v in ticks(left, right) if not whole or v == int(v)]
    for value in chosen:
        at = place(value, bottom).split(",")[0]
        parts.append(f'<text class="tick" x="{at}" y="{BOTTOM + 16}" text-anchor="middle">{_number(value)}</text>')
    if reference is not None:
        begin, end = place(shown[0], reference), place(shown[-1], reference)
        parts.append(f'<polyline class="reference" points="{begin} {end}"/>')
    for number, one in enumerate(drawn):
        if one.low and one.high:
            there = [place(a, b) for a, b in zip(one.x, one.high, strict=True)]
            back = [place(a, b) for a, b in zip(one.x, one.low, strict=True)][::-1]
            parts.append(f'<polygon class="band c{number % 6}" points="{" ".join(there + back)}"/>')
        points = [place(a, b) for a, b in zip(one.x, one.y, strict=True)]
        parts.append(f'<polyline class="line c{number % 6}" points="{" ".join(points)}"/>')
        if len(points) <= 16:
            for point in points:
                across, down = point.split(",")
                parts.append(f'<circle class="dot c{number % 6}" cx="{across}" cy="{down}" r="2.6"/>')
    legend = _legend([one.name for one in drawn]) if len(drawn) > 1 else []
    return _svg(parts + legend, HEIGHT + 18 * len(legend_rows([one.name for one in drawn])) * (len(drawn) > 1), title)


def bars(estimates: Sequence[Bar], *, x: str, title: str, low: float = 0.0, high: float | None = None) -> str:
    """Estimates one under the other as points with intervals; a short line marks each one's reference."""
    if not estimates:
        return ""
    ends = [v for bar in estimates for v in (bar.value, bar.low, bar.high, bar.reference) if v is not None]
    bottom, top = min([low, *ends]), max(ends) if high is None else max([high, *ends])
    top = bottom + 1 if top <= bottom else top

    def place(value: float) -> float:
        return 14 + (RIGHT - 14) * (value - bottom) / (top - bottom)

    parts, y = [], 8.0
    for bar in estimates:
        if bar.is_small:
            y += 8
            parts.append(f'<circle class="dot c1" cx="{place(bar.value):.1f}" cy="{y}" r="3"/>')
            continue
        y += 15
        parts.append(f'<text class="label" x="14" y="{y:.0f}">{_formula(bar.name)}</text>')
        parts.append(f'<text class="tick" x="{RIGHT}" y="{y:.0f}" text-anchor="end">{_number(bar.value)}</text>')
        y += 11
        parts.append(f'<line class="grid" x1="14" x2="{RIGHT}" y1="{y}" y2="{y}"/>')
        if bar.low is not None and bar.high is not None:
            ends_x = f'x1="{place(bar.low):.1f}" x2="{place(bar.high):.1f}"'
            parts.append(f'<line class="interval" {ends_x} y1="{y}" y2="{y}"/>')
        if bar.reference is not None:
            at = place(bar.reference)
            parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 7}" y2="{y + 7}"/>')
        parts.append(f'<circle class="dot c0" cx="{place(bar.value):.1f}" cy="{y}" r="4.5"/>')
        y += 6
    y += 18
    for value in ticks(bottom, top):
        at = place(value)
        anchor = "start" if at < 24 else "end" if at > RIGHT - 12 else "middle"
        parts.append(f'<text class="tick" x="{at:.1f}" y="{y}" text-anchor="{anchor}">{_number(value)}</text>')
    parts.append(f'<text class="axis" x="14" y="{y + 18}">{_formula(x)}</text>')
    return _svg(parts, y + 26, title)


def matrix(names: Sequence[str], values: Mapping[tuple[int, int], float], *, title: str) -> str:
    """A symmetric K x K matrix as shaded squares with their numbers, from 0 (paper) to 1 (full); rows are numbered."""
    count = len(names)
    side = min(36.0, 248 / count)
    left = 150.0
    parts = [
        f'<text class="tick" x="{left + (column + 0.5) * side:.1f}" y="14" text-anchor="middle">{column + 1}</text>'
        for column in range(count)
    ]
    for row in range(count):
        y = 20 + row * side
        parts.append(
            f'<text class="tick" x="{left - 6}" y="{y + side / 2 + 4:.1f}" text-anchor="end">'
            f"{escape(_short(names[row]))} {row + 1}</text>"
        )
        for column in range(count):
            value = values.get((row, column), values.get((column, row), 0.0))
            x = left + column * side
            strong = " strong" if value > 0.6 else ""
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{side - 1:.1f}" height="{side - 1:.1f}" '
                f'fill-opacity="{min(max(value, 0.0), 1.0):.3f}"/>'
                f'<text class="inside{strong}" x="{x + side / 2:.1f}" y="{y + side / 2 + 4:.1f}" '
                f'text-anchor="middle">{_share(value)}</text>'
            )
    return _svg(parts, 26 + count * side, title)


def scores(real: Sequence[float], others: Sequence[float], made: Sequence[float], *, x: str, title: str) -> str:
    """Cumulative shares of the real images' scores as steps, with the restarts' scores as marks above."""
    everything = [*real, *others, *made]
    if not everything:
        return ""
    low, high = min(everything), max(everything)
    high = low + 1 if high <= low else high

    def across(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (value - low) / (high - low)

    parts = _axes(0, 1, x, "cumulative share of images")
    for value in ticks(low, high):
        parts.append(
            f'<text class="tick" x="{across(value):.1f}" y="{BOTTOM + 16}" text-anchor="middle">{_number(value)}</text>'
        )
    for number, values in enumerate((others, real)):
        ordered, points = sorted(values), []
        for place, value in enumerate(ordered):
            points += [
                f"{across(value):.1f},{BOTTOM - (BOTTOM - TOP) * share / len(ordered):.1f}"
                for share in (place, place + 1)
            ]
        if points:
            parts.append(f'<polyline class="line c{1 - number}" points="{" ".join(points)}"/>')
    for value in made:
        at = across(value)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{BOTTOM}"/>')
    names = ["images of the class", "images of other classes", "class models (lines)"]
    return _svg(parts + _legend(names, last_is_mark=True), HEIGHT + 18 * len(legend_rows(names)), title)


def ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """At most ``most`` round numbers from low to high: multiples of 1, 2, 2.5 or 5 times a power of ten."""
    wide = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(wide))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= wide * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def legend_rows(names: Sequence[str]) -> list[list[str]]:
    """Names in rows that fit the width."""
    rows: list[list[str]] = []
    for name in names:
        if rows and sum(len(one) + 5 for one in rows[-1]) + len(name) <= 52:
            rows[-1].append(name)
        else:
            rows.append([name])
    return rows


def _legend(names: Sequence[str], *, last_is_mark: bool = False) -> list[str]:
    parts, number = [], 0
    for line, row in enumerate(legend_rows(names)):
        x, y = float(LEFT), HEIGHT + 2 + 18 * line
        for name in row:
            kind = "key mark" if last_is_mark and name == names[-1] else f"key c{number % 6}"
            parts.append(f'<rect class="{kind}" x="{x}" y="{y - 8}" width="12" height="8" rx="2"/>')
            parts.append(f'<text class="tick" x="{x + 16}" y="{y}">{_formula(name)}</text>')
            x += 16 + 6.6 * len(name) + 14
            number += 1
    return parts


def _axes(bottom: float, top: float, x: str, y: str) -> list[str]:
    parts = []
    for value in ticks(bottom, top):
        at = BOTTOM - (BOTTOM - TOP) * (value - bottom) / (top - bottom)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{_number(value)}</text>')
    parts.append(
        f'<text class="axis" x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 33}" text-anchor="middle">{_formula(x)}</text>'
    )
    middle = (TOP + BOTTOM) / 2
    parts.append(
        f'<text class="axis" x="10" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 10 {middle})">{_formula(y)}</text>'
    )
    return parts


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    return (
        f'<svg class="figure" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title.replace(chr(34), ""))}">'
        f"{''.join(parts)}</svg>"
    )


def _x(value: float, is_log: bool) -> float:
    return math.log10(value) if is_log else value


def _short(name: str) -> str:
    return name if len(name) <= 23 else f"{name[:22]}…"


def _share(value: float) -> str:
    """Two digits without the leading 0, so that they fit a cell."""
    return f"{value:.2f}".replace("0.", ".").replace("-", "−")


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", "−")
    if value == 0 or abs(value) >= 0.0001:
        return f"{value:.3g}".replace("-", "−")
    return f"{value:.0e}".replace("-", "−")


def _formula(text: str) -> str:
    """Text for SVG in which S_c is an S with a subscript."""
    return re.sub(
        r"\b([Sp])_([a-z])(.)?",
        lambda m: (
            f'<tspan font-style="italic">{m[1]}</tspan><tspan dy="3" font-size="80%">{m[2]}</tspan>'
            + (f'<tspan dy="-3">{m[3]}</tspan>' if m[3] else "")
        ),
        escape(text),
    )
