"""Squares that slide over an image."""

from typing import NamedTuple


class Window(NamedTuple):
    """A square in pixels; ``bottom`` and ``right`` are excluded, and never beyond the image."""

    top: int
    left: int
    bottom: int
    right: int


def windows(height: int, width: int, square: float, stride: float) -> list[Window]:
    """The squares that slide over an image, row by row; the last of a row or column is cut at the border."""
    if not 0 < square <= 1 or not 0 < stride <= square:
        raise ValueError(f"0 < stride <= square <= 1 must hold, or pixels stay uncovered; got {stride}, {square}.")
    shorter = min(height, width)
    side, step = max(round(square * shorter), 1), max(round(stride * shorter), 1)
    tops = range(0, max(height - side, 0) + step, step)
    lefts = range(0, max(width - side, 0) + step, step)
    return [Window(top, left, min(top + side, height), min(left + side, width)) for top in tops for left in lefts]
