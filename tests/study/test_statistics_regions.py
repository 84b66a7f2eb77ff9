"""Regions in numbers: against a slow version that asks every pixel, and what is known of simple shapes."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path

from study.statistics import regions

FRACTION = st.floats(0, 1, width=32).map(float)
POINT = st.tuples(FRACTION, FRACTION)
SHAPES = st.sampled_from([(12, 12), (9, 16), (20, 7)])


def slowly(kind, points, shape, width):
    """Each pixel's centre asked by itself, in units of the picture's width."""
    height, columns = shape
    found = np.zeros(shape, dtype=bool)
    for row in range(height):
        for column in range(columns):
            x, y = (column + 0.5) / columns, (row + 0.5) / height
            if kind == "box":
                (x1, y1), (x2, y2) = points
                found[row, column] = min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)
            else:
                places = [(a, b * height / columns) for a, b in points]
                pairs = list(pairwise(places)) or [(places[0], places[0])]
                found[row, column] = any(distance((x, y * height / columns), *pair) <= width / 2 for pair in pairs)
    return found


def distance(p, a, b):
    length = math.dist(a, b) ** 2
    t = max(0, min(1, ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length)) if length else 0
    return math.dist(p, (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))


@settings(max_examples=60, deadline=None)
@given(st.lists(POINT, min_size=1, max_size=5), st.floats(0.03, 0.6), SHAPES)
def test_a_brush_covers_what_is_near_its_way(points, width, shape):
    found, expected = regions.covered("brush", points, shape, width), slowly("brush", points, shape, width)
    # A pixel exactly on the edge may fall to either side.
    assert (found != expected).sum() <= 1


@settings(max_examples=60, deadline=None)
@given(POINT, POINT, SHAPES)
def test_a_box_covers_the_pixels_whose_centres_it_holds(one, other, shape):
    found, expected = regions.covered("box", [one, other], shape, 0), slowly("box", [one, other], shape, 0)
    near = [
        abs(v * n - 0.5 - round(v * n - 0.5)) < 1e-9 for p in (one, other) for v, n in zip(p, shape[::-1], strict=True)
    ]
    assert any(near) or (found == expected).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(POINT, min_size=3, max_size=7))
def test_a_polygon_covers_what_another_library_says_is_inside(points):
    if regions.enclosed(points) < 1e-3 or regions.crosses_itself(points):
        return
    shape = (16, 16)
    y, x = np.mgrid[:16, :16] / 16 + 1 / 32
    centres = np.column_stack([x.ravel(), y.ravel()])
    sure = {
        sign: Path([*points, points[0]], closed=True).contains_points(centres, radius=sign * 1e-6) for sign in (-1, 1)
    }
    found = regions.covered("polygon", points, shape, 0).ravel()
    assert (found == sure[1])[sure[1] == sure[-1]].all()


def test_areas_are_those_of_geometry():
    assert regions.area("box", [[[0.9, 0.8], [0.1, 0.2]]], 0) == pytest.approx(0.48)
    assert regions.area("polygon", [[[0, 0], [1, 0], [0, 1]]], 0) == 0.5
    assert regions.area("brush", [[[0.5, 0.5]]], 0.5) == pytest.approx(math.pi / 16, abs=1e-3)
    assert regions.area("brush", [[[0.25, 0.5], [0.75, 0.5]]], 0.2) == pytest.approx(0.1 + math.pi / 100, abs=1e-3)
    twice = [[[0, 0], [0.5, 0.5]], [[0, 0], [0.5, 0.5]], [[0.5, 0.5], [1, 1]]]
    assert regions.area("box", twice, 0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("corners", "crosses"),
    [
        ([[0, 0], [1, 0], [1, 1], [0, 1]], False),
        ([[0, 0], [1, 1], [1, 0], [0, 1]], True),
        ([[0, 0], [1, 0], [0.5, 0], [0.5, 1]], True),
        ([[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]], True),  # a corner on another side
        ([[0, 0], [0.5, 0], [1, 0], [1, 1]], False),  # a corner on a straight line is no crossing
        ([[0, 0], [1, 0], [0, 1]], False),
    ],
)
def test_an_outline_that_crosses_itself_is_seen(corners, crosses):
    assert regions.crosses_itself(corners) is crosses
    assert regions.crosses_itself(corners[::-1]) is crosses


@pytest.mark.parametrize(("kind", "points"), [("box", [[0, 0]]), ("polygon", [[0, 0], [1, 1]]), ("lasso", [[0, 0]])])
def test_what_is_no_region_is_refused_in_words(kind, points):
    with pytest.raises(
        regions.RegionError, match="one point, a box of two corners, a polygon of three corners or more"
    ):
        regions.covered(kind, points, (4, 4), 0.1)
