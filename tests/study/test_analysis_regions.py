"""Regions against maps: maps that mark what people mark, and maps that do not, read opposite."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from study.analysis import AnalysisError, SeveralTasksError, regions_against_maps
from tests.study.made_answers import made

TWO = {"conditions": [{"name": "map"}, {"name": "other"}]}
FEW = {"splits": 10, "replicates": 200}


def marked(agrees, items=8, people=8, panels="explanation"):
    """Everybody draws a box near the item's own place; the map is bright there, or at the opposite place."""
    rng = np.random.default_rng(0)
    rows, maps = [], {}
    y, x = np.mgrid[:24, :24] / 24
    for k in range(items):
        angle = 2 * np.pi * k / items
        cx, cy = 0.5 + 0.3 * np.cos(angle), 0.5 + 0.3 * np.sin(angle)
        sign = 1 if agrees else -1
        mx, my = 0.5 + sign * (cx - 0.5), 0.5 + sign * (cy - 0.5)
        maps[f"item {k}", "map"] = np.exp(-((x - mx) ** 2 + (y - my) ** 2) / 0.02) + 0.01 * rng.random((24, 24))
        for person in range(people):
            dx, dy = rng.normal(0, 0.03, 2)
            box = [[cx + dx - 0.12, cy + dy - 0.12], [cx + dx + 0.12, cy + dy + 0.12]]
            where = {"participant": f"p{person}", "item": f"item {k}", "condition": "map", "task": "mark"}
            what = {"region": 1, "kind": "box", "width": None, "points": box, "panels": panels}
            rows.append({**where, "position": k, "attempt": 1, **what})
    return replace(made({"map": 0.5}), regions=pd.DataFrame(rows), maps=maps)


@pytest.mark.parametrize("metric", ["correlation", "overlap", "pointing", "auc", "nss"])
def test_maps_that_mark_what_people_mark_read_so(metric):
    found = regions_against_maps.analyse(marked(True), metric=metric, **FEW)
    assert found.sentence.startswith("Maps of “map” mark what people mark better than another item’s regions do: ")
    ET.fromstring(found.figure)


def test_maps_of_the_opposite_place_read_opposite():
    found = regions_against_maps.analyse(marked(False), **FEW)
    assert "better" not in found.answer or "not clearly better" in found.answer


def test_regions_on_the_photo_alone_count_for_the_maps_of_every_condition():
    for panels, said in (
        ("photo", "Maps of “other” mark"),
        ("explanation", "“other” mark cannot be said: no item has"),
    ):
        answers = marked(True, panels=panels)
        other = {(item, "other"): np.rot90(shown, 2) for (item, _), shown in answers.maps.items()}
        both = replace(answers, maps={**answers.maps, **other}, document=TWO)
        found = regions_against_maps.analyse(both, **FEW)
        assert "Maps of “map” mark what people mark better" in found.sentence
        assert said in found.sentence
        shown = {one.condition for one in found.estimates}
        assert shown == ({"map", "other"} if panels == "photo" else {"map"})


def test_each_task_is_compared_by_itself():
    answers = marked(True)
    twice = pd.concat([answers.regions, answers.regions.assign(task="again")])
    with pytest.raises(SeveralTasksError) as raised:
        regions_against_maps.analyse(replace(answers, regions=twice), **FEW)
    assert raised.value.tasks == ["again", "mark"]
    one, other = (
        regions_against_maps.analyse(replace(answers, regions=twice), task=task, **FEW) for task in ("again", "mark")
    )
    assert one.sentence == other.sentence
    with pytest.raises(AnalysisError, match="tasks: again, mark"):
        regions_against_maps.analyse(replace(answers, regions=twice), task="third", **FEW)


def test_what_somebody_marked_in_several_regions_counts_once():
    rows = pd.DataFrame(
        {"kind": ["box"] * 2, "width": [None] * 2, "points": [[[0, 0], [0.5, 0.5]], [[0, 0], [0.5, 1]]]}
    )
    found = regions_against_maps.drawn(rows, (4, 4), 0.1)
    assert found.sum() == 8
    disc = regions_against_maps.drawn(
        pd.DataFrame({"kind": ["point"], "width": [None], "points": [[[0.5, 0.5]]]}), (200, 200), 0.25
    )
    assert disc.mean() == pytest.approx(np.pi / 16, abs=0.005)


def test_without_regions_or_second_people_it_says_so():
    with pytest.raises(AnalysisError, match="no regions"):
        regions_against_maps.analyse(made({"map": 0.5}))
    with pytest.raises(AnalysisError, match="at least two people"):
        regions_against_maps.analyse(marked(True, people=1))
    assert "cannot be said" in regions_against_maps.analyse(marked(True, items=1), **FEW).sentence
