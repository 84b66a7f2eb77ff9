"""Regions that people mark on a picture: what they cover, how large they are, whether an outline crosses itself.

A region is its points (x, y), fractions of the picture's width and height from the top left corner: one point, two
opposite corners of a box, a polygon's corners in order, or the way of a brush's middle. ``width`` is how wide the brush
(or the disc around a point) is, in picture widths.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

KINDS = ("point", "box", "polygon", "brush")
GRID = 200  # cells to a side on which what overlaps is counted

Points = Sequence[Sequence[float]]
Mask = npt.NDArray[np.bool_]


class RegionError(ValueError):
    """This is no region; the message says what is one."""


def covered(kind: str, points: Points, shape: tuple[int, ...], width: float) -> Mask:
    """The pixels (H, W) whose centres a region covers; raises RegionError for what is none."""
    mask = np.zeros(shape, dtype=bool)
    corners = np.asarray(points, dtype=np.float64)
    if kind == "box" and len(corners) == 2:
        rows, columns = (
            _between(corners[:, axis].min(), corners[:, axis].max(), count)
            for axis, count in ((1, shape[0]), (0, shape[1]))
        )
        mask[rows, columns] = True
    elif kind == "polygon" and len(corners) >= 3:
        _fill(mask, corners)
    elif (kind == "point" and len(corners) == 1) or (kind == "brush" and len(corners)):
        for start, end in zip(corners, corners[1:] if len(corners) > 1 else corners, strict=False):
            _stroke(mask, start, end, width / 2)
    else:
        raise RegionError(
            "A region is one point, a box of two corners, a polygon of three corners or more, or a brush's way; "
            f"this is a “{kind}” of {len(corners)} points."
        )
    return mask


def union(kind: str, regions: Sequence[Points], shape: tuple[int, ...], width: float) -> Mask:
    """The pixels (H, W) that any of the regions covers."""
    mask = np.zeros(shape, dtype=bool)
    for points in regions:
        mask |= covered(kind, points, shape, width)
    return mask


def area(kind: str, regions: Sequence[Points], width: float) -> float:
    """What box, polygon or brush regions cover of a square picture together, as a fraction of it.

    Exact for one box or polygon; otherwise counted on a grid, since regions may overlap.
    """
    if len(regions) == 1 and kind == "box":
        (x1, y1), (x2, y2) = regions[0]
        return abs((x2 - x1) * (y2 - y1))
    if len(regions) == 1 and kind == "polygon":
        return enclosed(regions[0])
    return float(union(kind, regions, (GRID, GRID), width).mean())


def enclosed(corners: Points) -> float:
    """What a polygon that does not cross itself encloses (Gauss's area formula)."""
    following = [*corners[1:], *corners[:1]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(corners, following, strict=True))) / 2


def crosses_itself(corners: Points) -> bool:
    """Whether two sides of a polygon that share no corner meet, or two that do lie on each other."""
    sides = list(zip(corners, [*corners[1:], *corners[:1]], strict=True))
    count = len(sides)
    for first in range(count):
        for second in range(first + 1, count):
            if second == first + 1 or (first == 0 and second == count - 1):
                shared = sides[first][1] if second == first + 1 else sides[first][0]
                ends = [point for side in (sides[first], sides[second]) for point in side if point != shared]
                if len(ends) == 2 and _folds(shared, *ends):
                    return True
            elif _meet(*sides[first], *sides[second]):
                return True
    return False


def _folds(shared: Sequence[float], one: Sequence[float], other: Sequence[float]) -> bool:
    ahead = (one[0] - shared[0]) * (other[0] - shared[0]) + (one[1] - shared[1]) * (other[1] - shared[1]) > 0
    return _turn(shared, one, other) == 0 and ahead


def _meet(a: Sequence[float], b: Sequence[float], c: Sequence[float], d: Sequence[float]) -> bool:
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(turn == 0 and _within(*side) for turn, side in zip(turns, ends, strict=True))


def _turn(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> int:
    product = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return 0 if abs(product) < 1e-12 else 1 if product > 0 else -1


def _within(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> bool:
    return all(min(a[k], b[k]) <= c[k] <= max(a[k], b[k]) for k in (0, 1))


def _between(low: float, high: float, count: int) -> slice:
    """The cells of ``count`` whose centres lie from ``low`` to ``high``, fractions of all."""
    first, last = int(np.ceil(low * count - 0.5)), int(np.floor(high * count - 0.5))
    return slice(max(first, 0), max(last + 1, 0))


def _fill(mask: Mask, corners: npt.NDArray[np.float64]) -> None:
    """Even-odd rule: a side flips the pixels whose ray to the right crosses it."""
    height, width = mask.shape
    x = (np.arange(width) + 0.5) / width
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        rows = _between(min(y1, y2), max(y1, y2), height)
        y = ((np.arange(height) + 0.5) / height)[rows, None]
        mask[rows] ^= ((y < y1) != (y < y2)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))


def _stroke(mask: Mask, start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], radius: float) -> None:
    """Cover what lies within ``radius`` picture widths of the line from start to end."""
    height, width = mask.shape
    scale = np.array([1.0, height / width])  # to picture widths in both directions
    (x1, y1), (x2, y2) = start * scale, end * scale
    columns = _between(min(x1, x2) - radius, max(x1, x2) + radius, width)
    rows = _between((min(y1, y2) - radius) / scale[1], (max(y1, y2) + radius) / scale[1], height)
    x = ((np.arange(width) + 0.5) / width)[None, columns]
    y = ((np.arange(height) + 0.5) / width)[rows, None]
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = ((x - x1) * dx + (y - y1) * dy) / length if length else np.zeros(1)
    along = along.clip(0, 1)
    mask[rows, columns] |= (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2 <= radius * radius
