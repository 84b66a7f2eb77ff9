"""What the trial types that compare, name, count and mark ask and score, beyond what every type does."""

import json
import math
import random
from typing import Any

import pytest

from attribution import plugins
from study import trial_types, trials

FOLDER = "study.trials"


def loaded(name: str, **given: Any) -> tuple[Any, dict[str, Any]]:
    return trial_types.load(name), plugins.complete(FOLDER, name, given)


def shown(kind: Any, options: dict[str, Any], composition: trials.Composition, seed: int) -> trials.Screen:
    pictures = [trials.Slot(one.role, f"/p/{n}.png", one.text) for n, one in enumerate(composition.pictures)]
    photo = trials.Slot("explanation", "/p/own.png")
    screen: trials.Screen = kind.present(trials.Stimulus((photo, *composition.texts, *pictures), seed), **options)
    return screen


def test_a_preference_names_the_condition_whose_picture_was_chosen_wherever_it_stood() -> None:
    kind, options = loaded("choose_explanation", prompt="Which?", alt="Map", tie_label="No difference")
    item = trials.Item("goose", {}, compared=("gradient", "occlusion"))
    firsts = set()
    for seed in range(40):
        composition = kind.compose(item, [item], options, random.Random(seed))
        screen = shown(kind, options, composition, seed + 1)
        for panel, (value, letter) in zip(screen.panels, screen.controls[0].values, strict=False):
            condition = composition.pictures[int(panel.content[3:-4])].condition
            columns = kind.score({"choice": value}, composition.key, options)
            assert panel.caption == letter
            assert (columns["winner"], columns["tie"]) == (condition, False)
            assert {columns["winner"], columns["loser"]} == {"gradient", "occlusion"}
            firsts.add((columns["first"], screen.panels[0].content))
            assert columns["first"] == composition.pictures[int(screen.panels[0].content[3:-4])].condition
        tie = kind.score({"choice": screen.controls[0].values[-1][0]}, composition.key, options)
        assert (tie["winner"], tie["loser"], tie["tie"]) == ("gradient", "occlusion", True)
    assert len(firsts) == 4


def test_a_ranking_is_in_conditions_and_the_best_is_not_the_worst() -> None:
    item = trials.Item("goose", {}, compared=("a", "b", "c"))
    kind, options = loaded("rank_explanations", prompt="Order?", alt="Map")
    composition = kind.compose(item, [item], options, random.Random(3))
    screen = shown(kind, options, composition, 5)
    order = sorted((v for v, _ in screen.controls[0].values), key=lambda v: composition.key["shown"][int(v[0]) - 1])
    columns = kind.score({"order": order[::-1]}, composition.key, options)
    assert (columns["response"], columns["best"], columns["worst"], columns["compared"]) == ("c > b > a", "c", "a", 3)
    kind, options = loaded(
        "rank_explanations", kind="best_worst", prompt="?", alt="Map", best_label="Best", worst_label="Worst"
    )
    screen = shown(kind, options, composition, 5)
    with pytest.raises(trials.AnswerError, match="“Worst” takes another picture than “Best”"):
        kind.check(screen, {"best": order[0], "worst": order[0]})


@pytest.mark.parametrize("asked", ["abx", "odd_one_out"])
def test_what_is_the_same_in_telling_apart_is_a_copy_with_its_own_address(asked: str) -> None:
    kind, options = loaded("tell_apart", kind=asked, prompt="Which?", alt="Map")
    item = trials.Item("goose", {}, compared=("a", "b"))
    for seed in range(20):
        composition = kind.compose(item, [item], options, random.Random(seed))
        right = composition.pictures[int(composition.key["correct"]) - 1]
        others = [one for one in composition.pictures if one is not right]
        if asked == "abx":
            assert composition.pictures[-1] == trials.Wanted("x", condition=right.condition, copy=1)
        else:
            assert right.condition not in {one.condition for one in others}
        assert len(set(composition.pictures)) == 3  # no two would be one row, and so one address


def test_a_label_to_agree_with_is_the_networks_and_right_where_the_network_was() -> None:
    kind, options = loaded("agree_with_label", prompt="Right?", alt="Map", label_text="The network says:")
    items = [
        trials.Item("1", {"class": "goose", "predicted": "goose"}, {"network_is_right": True}),
        trials.Item("2", {"class": "goose", "predicted": "lemon"}, {"network_is_right": False}),
    ]
    for item, right in zip(items, ("yes", "no"), strict=True):
        composition = kind.compose(item, items, options, random.Random(0))
        assert composition.key == {"correct": right, "label": item.truth["predicted"]}
        texts = [panel.content for panel in shown(kind, options, composition, 1).panels if panel.kind == "text"]
        assert texts == [f"The network says: {item.truth['predicted']}"]
    classes = [trials.Item(name, {"class": name}) for name in ("goose", "lemon", "cup")]
    drawn = [kind.compose(classes[0], classes, options, random.Random(seed)).key for seed in range(600)]
    assert 250 < sum(key["correct"] == "yes" for key in drawn) < 350
    assert all((key["label"] == "goose") == (key["correct"] == "yes") for key in drawn)


def test_predicting_the_network_is_held_against_the_network_with_the_photos_label_among_the_offers() -> None:
    kind, options = loaded("simulate_forward", prompt="What will it say?", alt="Photo", k=5)
    item = trials.Item("1", {"class": "goose", "predicted": "lemon"}, {"label": "goose", "network_is_right": False})
    composition = kind.compose(item, [item], options, random.Random(0))
    assert [slot.text for slot in composition.texts] == ["goose", "lemon"]
    columns = kind.score({"class": "goose"}, composition.key, options)
    assert (columns["correct"], columns["answer_key"], columns["k"]) == (False, "lemon", 5)


@pytest.mark.parametrize("show_names", [True, False])
def test_maps_to_distinguish_are_named_only_where_it_is_wanted(show_names: bool) -> None:
    kind, options = loaded("distinguish", prompt="Which?", alt="Map", show_names=show_names, names={"cup": "Tasse"})
    items = [trials.Item(name, {"class": name}) for name in ("goose", "lemon", "cup", "zebra")]
    photo = trials.Item("photo", {"class": "goose", "predicted": "lemon"})
    composition = kind.compose(photo, items, options, random.Random(0))
    assert [one.target for one in composition.pictures] == ["cup", "goose", "lemon", "zebra"]
    assert composition.key["correct"] == "3"
    sent = json.dumps(shown(kind, options, composition, 2).to_json())
    assert [name in sent for name in ("Tasse", "goose", "lemon", "zebra")] == [show_names] * 4
    assert kind.score({"choice": "2"}, composition.key, options)["chosen"] == "goose"


@pytest.mark.parametrize(
    ("said", "is_right"),
    [
        ("Goose", True),
        ("  GOOSE. ", True),
        ("a lake, gander", True),
        ("oie", True),
        ("l’oie", False),
        ("mongoose", False),
        ("?", False),
    ],
)
def test_a_name_is_right_where_it_is_one_of_the_classes_names(said: str, is_right: bool) -> None:
    kind, options = loaded("name_freely", prompt="?", alt="Map", synonyms={"goose": "gander, Oïe"})
    assert kind.score({"name": said}, {"class": "goose"}, options)["correct"] is is_right


def test_a_count_is_right_only_where_the_number_is_known() -> None:
    kind, options = loaded("count_instances", counts=[["goose", 5, "planted"]])
    known, unknown = (trials.Item(name, {}) for name in ("goose", "cup"))
    assert kind.compose(known, [], options, random.Random(0)).key == {"correct": "more"}
    assert kind.compose(unknown, [], options, random.Random(0)).key == {}
    assert kind.score({"count": "cannot tell"}, {"correct": "more"}, options)["correct"] is False
    assert kind.score({"count": "two"}, {}, options)["correct"] is None


TRIANGLE = [[0, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("given", "regions", "words"),
    [
        ({"tool": "point"}, [[[0.5, 0.5]]], ""),
        ({"tool": "point"}, [[[0.5, 0.5]], [[0.1, 0.1]]], "takes 1 marked place; there are 2"),
        ({"tool": "point", "most": 0}, [[[0.5, 0.5]]] * 7, ""),
        ({"tool": "point", "least": 2, "most": 3}, [[[0.5, 0.5]]], "takes 2 to 3 marked places; there are 1"),
        ({"tool": "point", "least": 2, "most": 0}, [[[0.5, 0.5]]], "takes 2 or more marked places; there are 1"),
        ({"tool": "point"}, [[[0.5, 0.5], [0.1, 0.1]]], "takes single points; one of these has 2"),
        ({"tool": "box"}, [[[0.9, 0.8], [0.1, 0.2]]], ""),
        ({"tool": "box"}, [[[0.1, 0.1]]], "two opposite corners"),
        ({"tool": "box"}, [[[0.1, 0.1], [0.1, 0.9]]], "two opposite corners that are wider and higher than nothing"),
        (
            {"tool": "box", "most_area": 0.25},
            [[[0, 0], [0.5, 0.6]]],
            "at most 25.00% of the picture; these cover 30.00%",
        ),
        (
            {"tool": "box", "least_area": 0.1},
            [[[0, 0], [0.2, 0.2]]],
            "at least 10.00% of the picture; these cover 4.00%",
        ),
        ({"tool": "box", "most": 2, "most_area": 0.3}, [[[0, 0], [0.5, 0.5]]] * 2, ""),  # what overlaps counts once
        ({"tool": "polygon"}, [TRIANGLE], ""),
        ({"tool": "polygon"}, [[[0, 0], [1, 1]]], "at least three"),
        ({"tool": "polygon"}, [[[0, 0], [0.5, 0.5], [1, 1]]], "not all on one line"),
        ({"tool": "polygon"}, [[[0, 0], [1, 1], [1, 0], [0, 0.5]]], "sides do not cross"),
        ({"tool": "polygon"}, [[[0, 0], [1, 0], [0.5, 0], [0.5, 1]]], "sides do not cross"),  # folds back on itself
        ({"tool": "polygon"}, [[[k / 300, (k % 2) / 2] for k in range(201)]], "at most 200 corners"),
        ({"tool": "brush"}, [[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]], [[0.9, 0.9]]], ""),
        ({"tool": "brush"}, [[[0.1, 1.1]]], "fractions of the picture from 0 to 1"),
        ({"tool": "brush"}, [[[0.1, 0.1]] * 1000] * 3, "at most 2000 points; there are 3000"),
        ({"tool": "brush", "brush": 0.5, "most_area": 0.5}, [[[0, 0], [1, 1]]], "at most 50.00% of the picture"),
        ({"tool": "brush"}, [], "has no answer"),
    ],
)
def test_a_mark_is_held_against_its_tool(given: dict[str, Any], regions: Any, words: str) -> None:
    kind, options = loaded("mark_region", prompt="Mark it", alt="Photo", **given)
    kind.check_options(options)
    screen = shown(kind, options, trials.Composition(), 1)
    if not words:
        kind.check(screen, {"region": regions})
        return
    with pytest.raises(trials.AnswerError, match=words):
        kind.check(screen, {"region": regions})


def test_a_mark_is_stored_as_fractions_of_the_picture_with_its_area() -> None:
    kind, options = loaded(
        "mark_region", prompt="Mark it", alt="Photo", tool="polygon", panels=["photo", "explanation"]
    )
    columns = kind.score({"region": [[[0, 0], [0.5, 0], [0.5, 0.3333333], [0, 0.3333333]]]}, {}, options)
    assert json.loads(columns["response"]) == [[[0, 0], [0.5, 0], [0.5, 0.33333], [0, 0.33333]]]
    assert columns["area"] == pytest.approx(1 / 6, abs=1e-4)
    assert [columns[name] for name in ("tool", "regions", "points", "brush")] == ["polygon", 1, 4, None]
    assert columns["panels"] == "photo | explanation"
    kind, options = loaded("mark_region", tool="box")
    assert kind.score({"region": [[[0.9, 0.8], [0.1, 0.2]]]}, {}, options)["area"] == pytest.approx(0.48)
    kind, options = loaded("mark_region", tool="brush", brush=0.5)
    columns = kind.score({"region": [[[0.5, 0.5]]]}, {}, options)
    assert columns["brush"] == 0.5
    assert columns["area"] == pytest.approx(math.pi / 16, abs=0.002)


@pytest.mark.parametrize(
    ("tool", "regions", "share", "overlap"),
    [
        ("point", [[[0.2, 0.2]], [[0.9, 0.9]]], 0.5, None),
        ("box", [[[0, 0], [0.5, 0.5]]], 1, 1),
        ("box", [[[0, 0], [0.5, 1]]], 0.5, 0.5),
        ("polygon", [[[0.6, 0.6], [0.9, 0.6], [0.6, 0.9]]], 0, 0),
        ("brush", [[[0.25, 0.25]]], 1, math.pi * 0.05**2 / 0.25),
    ],
)
def test_marks_are_held_against_the_boxes_of_the_object(tool: str, regions: Any, share: float, overlap: Any) -> None:
    kind, options = loaded("mark_region", prompt="Mark it", alt="Photo", tool=tool)
    item = trials.Item("goose 1", {"class": "goose"}, boxes=[[0, 0, 0.5, 0.5]])
    key = kind.compose(item, [item], options, random.Random(0)).key
    columns = kind.score({"region": regions}, key, options)
    assert columns["share_on_object"] == share
    assert columns["overlap_with_object"] == (None if overlap is None else pytest.approx(overlap, abs=0.003))
    assert kind.score({"region": regions}, {}, options)["share_on_object"] is None


def test_a_bot_that_knows_where_the_object_is_marks_it() -> None:
    kind, options = loaded("mark_region", prompt="Mark it", alt="Photo", tool="box")
    screen = shown(kind, options, trials.Composition(), 1)
    key = {"boxes": [[0.7, 0.7, 0.9, 0.9]]}
    scores = []
    for skill in (0.0, 1.0):
        answers = [kind.bot(screen, key, skill, random.Random(seed)) for seed in range(40)]
        scores.append(sum(kind.score(one, key, options)["overlap_with_object"] for one in answers) / 40)
    assert scores[0] < 0.2 < 0.7 < scores[1]


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("choose_explanation", {"prompt": ""}, "needs two texts: prompt, the question, and alt"),
        ("rank_explanations", {"kind": "best"}, "should be “order” or “best_worst”"),
        ("rank_explanations", {"kind": "best_worst", "worst_label": ""}, "best_label and worst_label"),
        ("tell_apart", {"kind": "same"}, "should be “abx” or “odd_one_out”"),
        ("agree_with_label", {"no_label": ""}, "yes_label and no_label"),
        ("distinguish", {"alternatives": 1}, "should be from 2 to 26"),
        ("distinguish", {"panels": ["photo"], "photo_alt": ""}, "panels need the text photo_alt"),
        ("spot_edited", {"pairs": [["goose", "a.png"]]}, "lists of an item and two stored photos"),
        ("spot_edited", {"pairs": [["goose", "a.png", "a.png"]]}, "two stored photos, the right one first"),
        ("match_activation", {"pairs": [["goose", "a", "b"]] * 2}, "pairs hold an item twice"),
        ("match_activation", {"reference_alt": ""}, "panels need the text reference_alt"),
        ("name_freely", {"maximum_length": 0}, "from 1 to 2000 characters"),
        ("count_instances", {"counts": [["goose", 0, "?"]]}, "an item, its number and how it is known"),
        ("count_instances", {"more_label": ""}, "needs a text for more_label"),
        ("categorise", {"main_label": ""}, "needs a text for main_label"),
        ("categorise", {"confidence_points": 12}, "points = 12 should be from 2 to 11"),
        ("simulate_forward", {"k": -1}, "k = -1 should be at least 0"),
        ("mark_region", {"tool": "lasso"}, "should be one of: point, box, polygon, brush"),
        ("mark_region", {"tool": "brush", "most": 2}, "all strokes of a brush are one region"),
        ("mark_region", {"least": 3, "most": 2}, "most 0 \\(any number\\) or from least to 100"),
        ("mark_region", {"tool": "point", "least_area": 0.1}, "a point covers nothing"),
        ("mark_region", {"least_area": 0.5, "most_area": 0.4}, "the first below the second"),
        ("mark_region", {"brush": 0.0}, "above 0 and at most 1"),
        ("mark_region", {"panels": []}, "the picture to mark on"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_words(name: str, given: dict[str, Any], words: str) -> None:
    declared = plugins.describe(FOLDER, name).parameters
    texts = {option: "A text" for option, default in declared.items() if default == ""}
    kind, options = loaded(name, **{**texts, **given})
    with pytest.raises(trials.OptionError, match=words):
        kind.check_options(options)


@pytest.mark.parametrize(
    ("name", "item", "words"),
    [
        ("choose_explanation", trials.Item("a", {}), "needs a condition that compares two others"),
        ("rank_explanations", trials.Item("a", {}, compared=("x", "y")), "compares three or more others"),
        ("tell_apart", None, "needs a condition that compares two others"),
        ("agree_with_label", trials.Item("a", {"class": "goose"}), "needs a class besides “goose”"),
        ("agree_with_label", None, "needs an item with a class"),
        ("simulate_forward", trials.Item("a", {"class": "goose"}), "need 1 classes besides “goose”, but there are 0"),
        ("distinguish", trials.Item("a", {"class": "goose"}), "need 3 classes besides “goose”, but there are 0"),
        ("spot_edited", trials.Item("a", {}), "pairs have none for “a”"),
    ],
)
def test_an_item_that_does_not_fit_is_refused_in_words(name: str, item: trials.Item | None, words: str) -> None:
    kind, options = loaded(name, prompt="?", alt="Picture")
    with pytest.raises(trials.OptionError, match=words):
        kind.compose(item, [item] if item else [], options, random.Random(0))
