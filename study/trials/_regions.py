"""What may be marked on a picture: the words for what may not, and somebody who marks something."""

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from study.statistics.regions import area, crosses_itself, enclosed

if TYPE_CHECKING:
    from . import Control

MOST_POINTS = 2000  # in an answer
MOST_CORNERS = 200  # of a polygon

Regions = list[list[list[float]]]


def region_problem(control: "Control", value: Any) -> str:
    """Why ``value`` is no answer to a region control, as the rest of a sentence that begins with “takes”; or ""."""
    if not _is_regions(value):
        return "a list of regions, each a list of points (x, y), fractions of the picture from 0 to 1."
    if (count := sum(map(len, value))) > MOST_POINTS:
        return f"at most {MOST_POINTS} points; there are {count}."
    low, high = int(control.low or 1), control.high
    if control.tool != "brush" and (len(value) < low or (high is not None and len(value) > high)):
        number = f"{low}" if low == high else f"{low} or more" if high is None else f"{low} to {high:g}"
        return f"{number} marked {'place' if low == high == 1 else 'places'}; there are {len(value)}."
    for points in value:
        if words := _shape_problem(control.tool, points):
            return words
    return "" if control.tool == "point" else _area_problem(control, value)


def _is_regions(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_POINTS
        and all(isinstance(points, list) and points for points in value)
        and all(isinstance(point, list) and len(point) == 2 for points in value for point in points)
        and all(type(x) in (int, float) and 0 <= x <= 1 for points in value for point in points for x in point)
    )


def _shape_problem(tool: str, points: Sequence[Sequence[float]]) -> str:
    if tool == "point" and len(points) != 1:
        return f"single points; one of these has {len(points)}."
    if tool == "box" and (len(points) != 2 or any(a == b for a, b in zip(*points, strict=True))):
        return "boxes of two opposite corners that are wider and higher than nothing."
    if tool != "polygon":
        return ""
    if len(points) > MOST_CORNERS:
        return f"outlines of at most {MOST_CORNERS} corners; one of these has {len(points)}."
    if len(points) < 3 or enclosed(points) < 1e-9:
        return "outlines of at least three corners that are not all on one line."
    return "outlines whose sides do not cross each other." if crosses_itself(points) else ""


def _area_problem(control: "Control", value: Regions) -> str:
    if control.least_area is None and control.most_area is None:
        return ""
    size = area(control.tool, value, control.brush or 0)
    if control.least_area is not None and size < control.least_area:
        return f"marks on at least {control.least_area:.2%} of the picture; these cover {size:.2%}."
    if control.most_area is not None and size > control.most_area:
        return f"marks on at most {control.most_area:.2%} of the picture; these cover {size:.2%}."
    return ""


def marked_regions(control: "Control", rng: random.Random, box: Sequence[float] = (0.0, 0.0, 1.0, 1.0)) -> Regions:
    """Regions that the control takes, roughly within ``box`` (left, top, right, bottom); random elsewhere if need be.

    Raises ValueError where none is found: limits that nobody could meet.
    """
    made: Regions = []
    for attempt in range(300):
        # From try to try larger or smaller than the box, for limits of the area.
        size = 1.0 if attempt < 20 else math.exp(rng.uniform(-3, 1.5))
        made = [_one(control, rng, box, size) for _ in range(int(control.low or 1))]
        if not region_problem(control, made):
            return made
    raise ValueError(f"“{control.label}” takes {region_problem(control, made)} No such marks were found.")


def _one(control: "Control", rng: random.Random, box: Sequence[float], size: float) -> list[list[float]]:
    left, top, right, bottom = box
    wide, high = (right - left) * size, (bottom - top) * size
    x, y = (left + right) / 2, (top + bottom) / 2
    if control.tool in ("point", "brush"):
        reach = 1.0 if control.tool == "point" else 0.7
        count = 1 if control.tool == "point" else 4
        return [
            _inside(x + wide * reach * (rng.random() - 0.5), y + high * reach * (rng.random() - 0.5))
            for _ in range(count)
        ]
    near, far = ([sign * 0.5 * length * rng.uniform(0.8, 1.1) for length in (wide, high)] for sign in (-1, 1))
    (x1, y1), (x2, y2) = _inside(x + near[0], y + near[1]), _inside(x + far[0], y + far[1])
    return [[x1, y1], [x2, y2]] if control.tool == "box" else [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]


def _inside(x: float, y: float) -> list[float]:
    return [round(min(max(value, 0.0), 1.0), 5) for value in (x, y)]
