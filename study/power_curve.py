"""The curve of a power analysis as SVG, in percent of the width like every figure (``study.figures``)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

from study.figures import LINE, Axis
from study.power_plan import Plan
from study.power_verdict import least
from study.statistics.rounding import percent

HEIGHT = 240.0  # px of the axes
COLOURS = ("#0b57a4", "#c2185b", "#2e7d32", "#8e5a00", "#6a3d9a", "#00838f")
TARGET = "#7a7f85"
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 5", "4 4")


def curve(plan: Plan, cells: Sequence[Mapping[str, Any]], ceilings: Sequence[Mapping[str, Any]]) -> str:
    """SVG: power against participants, a curve for each number of items, its ceiling at the right edge."""
    most = max(plan.participants)
    axis = Axis(0, most * 1.12, (), "participants recruited")
    top = 48.0

    def y(power: float) -> float:
        return top + HEIGHT * (1 - power)

    parts = []
    for quarter in range(5):
        level = quarter / 4
        parts.append(line(0, y(level), axis.place(axis.high), y(level), "grid", "#d5d8dc", 1))
        parts.append(text(0, y(level) - 3, f"{100 * level:g}%", "tick", "start"))
    target = y(plan.target)
    parts.append(
        line(0, target, axis.place(axis.high), target, "target", TARGET, 2)
    )  # fmt: skip
    parts.append(text(0, top - 28, "power: how often such a study finds the effect", "axis", "start"))
    shown = [people for place, people in enumerate(plan.participants) if people >= most / 10 or not place]
    parts += [text(axis.place(people), y(0) + 16, str(people), "tick", "middle") for people in _apart(shown, axis)]
    parts.append(text(axis.place(axis.high), y(0) + 16, "∞", "tick", "middle"))
    parts.append(text(50, y(0) + 16 + LINE, axis.label, "axis", "middle"))
    bottom = y(0) + 16 + 2 * LINE + 6
    tops = {one["items"]: min(one["power"]) for one in ceilings}
    for number, items in enumerate(plan.items):
        colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        points = [
            (axis.place(c["participants"]), y(least(c)["power"]), y(least(c)["low"]), y(least(c)["high"]))
            for c in cells
            if c["items"] == items
        ]
        for (x1, y1, _, _), (x2, y2, _, _) in pairwise(points):
            parts.append(line(x1, y1, x2, y2, "curve", colour, 2, dashes=dashes))
        for x, middle, low, high in points:
            parts.append(line(x, low, x, high, "error", colour, 1.5))
            parts.append(f'<circle cx="{x:.2f}%" cy="{middle:.1f}" r="3.5" fill="{colour}"/>')
        if items in tops:
            x = axis.place(axis.high)
            parts.append(
                f'<circle class="ceiling" cx="{x:.2f}%" cy="{y(tops[items]):.1f}" r="5" fill="none" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        parts.append(
            f'<line x1="0" x2="20" y1="{bottom - 4:.1f}" y2="{bottom - 4:.1f}" stroke="{colour}" stroke-width="2"'
            f'{dash}/><text class="legend" x="28" y="{bottom:.1f}">{items} items'
            f"{' (the study’s own)' if items == plan.own[1] else ''}; ceiling {percent(tops.get(items), 0)} %</text>"
        )
        bottom += LINE
    for words in (
        f"Grey line: the target of {percent(plan.target, 0)} %.",
        "Bars: 95 % Wilson intervals of the simulations.",
        "Rings at ∞: the most that these items allow.",
    ):
        parts.append(text(0, bottom, words, "legend", "start"))
        bottom += LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" width="100%" height="{bottom:.0f}" '
        f'fill="currentColor" font-family="system-ui, sans-serif" font-size="13">'
        f"<title>Power by participants and items</title>{''.join(parts)}</svg>"
    )


def _apart(people: Sequence[int], axis: Axis) -> list[int]:
    """Those ticks that leave room between them."""
    found: list[int] = []
    for one in reversed(people):
        if not found or axis.place(found[-1]) - axis.place(one) >= 6:
            found.append(one)
    return found


def line(x1: float, y1: float, x2: float, y2: float, kind: str, colour: str, width: float, *, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line class="{kind}" x1="{x1:.2f}%" y1="{y1:.1f}" x2="{x2:.2f}%" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashed}/>'
    )


def text(x: float, y: float, words: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.2f}%" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
