"""Regions against maps: maps that mark what people mark, and maps that do not, read opposite."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.analysis import AnalysisError, regions_against_maps
from tests.study.made_answers import made

FEW = {"splits": 10, "replicates": 200}


def marked(agrees, items=8, people=8):
    """Everybody draws a box near the item's own place; the map is bright there, or at the opposite place."""
    rng = np.random.default_rng(0)
    rows, maps = [], {}
    y, x = np.mgrid[:24, :24] / 24
    for k in range(items):
        angle = 2 * np.pi * k / items
        cx, cy = 0.5 + 0.3 * np.cos(angle), 0.5 + 0.3 * np.sin(angle)
        sign = 1 if agrees else -1
        mx, my = 0.5 + sign * (cx - 0.5), 0.5 + sign * (cy - 0.5)
        maps[f"item {k}"] = np.exp(-((x - mx) ** 2 + (y - my) ** 2) / 0.02) + 0.01 * rng.random((24, 24))
        for person in range(people):
            dx, dy = rng.normal(0, 0.03, 2)
            box = [[cx + dx - 0.12, cy + dy - 0.12], [cx + dx + 0.12, cy + dy + 0.12]]
            rows.append({"participant": f"p{person}", "item": f"item {k}", "kind": "box", "points": box})
    return replace(made({"map": 0.5}), regions=pd.DataFrame(rows), maps=maps)


@pytest.mark.parametrize("metric", ["correlation", "overlap", "pointing"])
def test_maps_that_mark_what_people_mark_read_so(metric):
    found = regions_against_maps.analyse(marked(True), metric=metric, **FEW)
    assert found.sentence.startswith("Maps mark what people mark better than another item’s regions do")
    ET.fromstring(found.figure)


def test_maps_of_the_opposite_place_read_opposite():
    found = regions_against_maps.analyse(marked(False), **FEW)
    assert "better" not in found.answer or "not clearly better" in found.answer


def test_regions_cover_what_they_name():
    box = regions_against_maps.region("box", [[0.0, 0.0], [0.5, 0.5]], (4, 4), 0.1)
    assert box.sum() == 4
    assert box[:2, :2].all()
    triangle = regions_against_maps.region("polygon", [[0, 0], [1, 0], [0, 1]], (100, 100), 0.1)
    assert triangle.mean() == pytest.approx(0.5, abs=0.02)
    disc = regions_against_maps.region("point", [[0.5, 0.5]], (200, 200), 0.25)
    assert disc.mean() == pytest.approx(np.pi / 16, abs=0.005)
    with pytest.raises(AnalysisError, match="three corners"):
        regions_against_maps.region("polygon", [[0, 0]], (4, 4), 0.1)


def test_without_regions_or_second_people_it_says_so():
    with pytest.raises(AnalysisError, match="no regions"):
        regions_against_maps.analyse(made({"map": 0.5}))
    with pytest.raises(AnalysisError, match="at least two people"):
        regions_against_maps.analyse(marked(True, people=1))
    assert "cannot be said" in regions_against_maps.analyse(marked(True, items=1), **FEW).sentence
