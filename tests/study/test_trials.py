"""Every trial type in the folder keeps the contract; what each asks and scores besides."""

import json
import math
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from attribution import plugins
from study import trial_types, trials

FOLDER = "study.trials"
CLASSES = ["goose", "lemon", "dumbbell", "dalmatian", "kettle", "ostrich", "zebra", "cup"]
ITEMS = [trials.Item(label, {"class": label}) for label in CLASSES]
METHODS = ("gradient", "occlusion", "random", "grad_cam")
PAIRS = [[label, f"{label}_right.png", f"{label}_other.png"] for label in CLASSES]
COUNTS = [[label, 1 + number % 5, "made so"] for number, label in enumerate(CLASSES)]
SURE = {f"confidence_{part}": f"Text of confidence_{part}" for part in ("prompt", "low", "high")}
CHOICES = [["yes", "Yes"], ["no", "No"], ["unsure", "I do not know"]]
# Where a type answers in several ways, options for each; any other type is tried with a text for each of its texts.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "identify_class": [SURE, {"none_label": "", "alternatives": 2}],
    "rate": [
        {"name_class": True},
        {"scale": "analogue"},
        {"display": "slider", "panels": ["photo", "explanation"]},
        {"display": "blink", "panels": ["photo", "explanation"], "deadline_ms": 300_000},
    ],
    "question": [
        {"choices": CHOICES},
        {"choices": CHOICES, "expected": ["no"]},
        {"kind": "several", "choices": CHOICES, "expected": ["yes", "unsure"]},
        {"kind": "scale", "points": 4, "expected": ["4"]},
        {"kind": "scale", "points": 4, "expected": [4]},
        {"kind": "number", "low": 0, "high": 120},
        {"kind": "text"},
    ],
    "choose_explanation": [{}, {"tie_label": "", "name_class": True}],
    "rank_explanations": [{}, {"kind": "best_worst"}],
    "tell_apart": [SURE, {"kind": "odd_one_out"}],
    "distinguish": [SURE, {"alternatives": 2, "show_names": True}],
    "count_instances": [{}, {"counts": COUNTS}],
    "categorise": [{"name_class": True, **SURE}, {"reason_prompt": ""}],
    "example": [{"says": "The network says: {label}"}],
    "mark_region": [{"tool": tool} for tool in ("point", "box", "polygon", "brush")]
    + [{"tool": "point", "least": 2, "most": 0}]
    + [{"tool": tool, "least_area": 0.05, "most_area": 0.2} for tool in ("box", "polygon", "brush")],
    **{name: [{"pairs": PAIRS, **SURE}] for name in ("spot_edited", "simulate_counterfactual", "match_activation")},
    **{name: [SURE] for name in ("agree_with_label", "name_freely", "simulate_forward")},
}


def examples(*, with_truth: bool = False) -> list[Any]:
    found = []
    for name in plugins.names(FOLDER):
        declared = plugins.describe(FOLDER, name).parameters
        own = {option: default for option, default in declared.items() if option not in trials.SHARED}
        texts = {option: f"Text of {option}" for option, default in own.items() if default == ""}
        for number, given in enumerate(EXAMPLES.get(name, [{}])):
            options = plugins.complete(FOLDER, name, {**texts, **given})
            kind = trial_types.load(name)
            if not with_truth or kind.chance(options) is not None:
                found.append(pytest.param(kind, options, id=f"{name}-{number}"))
    return found


every_type = pytest.mark.parametrize(("kind", "options"), examples())
every_type_with_truth = pytest.mark.parametrize(("kind", "options"), examples(with_truth=True))


def items_for(kind: Any) -> list[trials.Item]:
    """The classes as items; as many conditions as the type compares."""
    compared = METHODS[: kind.compared[1]]
    return [trials.Item(label, {"class": label}, compared=compared) for label in CLASSES]


def slots_of(composition: trials.Composition, seed: int) -> tuple[trials.Slot, ...]:
    """What preparation makes of a composition: its texts, and its pictures under addresses that say nothing."""
    own = [trials.Slot(role, picture=f"/media/pictures/{seed}-{role}.png") for role in ("explanation", "photo")]
    wanted = [
        trials.Slot(one.role, f"/media/pictures/{seed}-{number}.png", one.text)
        for number, one in enumerate(composition.pictures)
    ]
    return (*own, *composition.texts, *wanted)


def presented(kind: Any, options: dict[str, Any], seed: int) -> tuple[trials.Screen, dict[str, Any]]:
    """One presentation of an item drawn by the seed, as the server makes it: the screen, and the key."""
    rng = random.Random(seed)
    items = items_for(kind)
    composition = kind.compose(rng.choice(items), items, options, rng)
    stimulus = trials.Stimulus(slots_of(composition, seed), rng.getrandbits(62))
    return kind.present(stimulus, **options), dict(composition.key)


@every_type
def test_it_presents_a_question_and_survives_the_way_to_the_browser(kind: Any, options: dict[str, Any]) -> None:
    kind.check_options(options)
    screen, _ = presented(kind, options, 1)
    assert screen.prompt == "Text of prompt"
    assert screen.controls
    assert all(control.label for control in screen.controls)
    assert all(panel.alt for panel in screen.panels if panel.kind == "picture")
    assert trials.Screen.from_json(json.loads(json.dumps(screen.to_json()))) == screen
    assert kind.own.KEYBOARD.endswith(".")


@every_type
def test_its_bot_with_full_skill_and_the_key_is_right(kind: Any, options: dict[str, Any]) -> None:
    for seed in range(60):
        screen, key = presented(kind, options, seed)
        answer = kind.bot(screen, key, 1.0, random.Random(seed))
        kind.check(screen, answer)
        is_truth = "correct" in key or "class" in key or "expected" in key
        assert kind.score(answer, key, options).get("correct") is (True if is_truth else None)


@every_type_with_truth
@pytest.mark.parametrize("has_key", [True, False])
def test_its_bot_without_skill_or_without_the_key_is_right_at_chance(
    kind: Any, options: dict[str, Any], has_key: bool
) -> None:
    chance, count = kind.chance(options), 3000
    right = 0
    for seed in range(count):
        screen, key = presented(kind, options, seed)
        guessing = random.Random(f"bot {seed}")  # of its own: the seed has already drawn the item
        answer = kind.bot(screen, key if has_key else None, 0.0 if has_key else 1.0, guessing)
        right += kind.score(answer, key, options)["correct"]
    assert abs(right / count - chance) < 4 * math.sqrt(chance * (1 - chance) / count)


@every_type
def test_its_score_fills_exactly_its_columns(kind: Any, options: dict[str, Any]) -> None:
    screen, key = presented(kind, options, 3)
    given: dict[str, Any] = kind.bot(screen, key, 0.5, random.Random(3))
    for answer in (given, {}):
        columns = kind.score(answer, key, options)
        assert set(columns) == set(kind.columns)
        json.dumps(columns)
    assert columns.get("correct") is None  # who did not answer was not wrong
    for name, (kind_of_value, _, meaning) in kind.columns.items():
        assert kind_of_value in ("string", "number", "integer", "boolean"), name
        assert meaning


@every_type
def test_its_check_refuses_what_was_not_asked_in_words(kind: Any, options: dict[str, Any]) -> None:
    screen, key = presented(kind, options, 4)
    good = kind.bot(screen, key, 1.0, random.Random(4))
    first = screen.controls[0]
    for bad in (
        {},
        {**good, "another": "1"},
        {**good, first.name: {"a": "table"}},
        {**good, first.name: [["no"]]},
        {**good, first.name: "x" * 5000},
        {**good, first.name: math.nan},
    ):
        with pytest.raises(trials.AnswerError, match=r"“.+”|no control named"):
            kind.check(screen, bad)


@every_type
def test_what_it_takes_for_no_answer_it_also_scores(kind: Any, options: dict[str, Any]) -> None:
    """Also where nothing has to be answered: a blank of a kind that the control does not have is refused."""
    screen, key = presented(kind, options, 4)
    free = replace(screen, controls=tuple(replace(control, required=False) for control in screen.controls))
    good = kind.bot(screen, key, 1.0, random.Random(4))
    taken = 0
    for control in free.controls:
        for blank in ("", "  ", "\t", [], None):
            answer = {**good, control.name: blank}
            try:
                kind.check(free, answer)
            except trials.AnswerError as refusal:
                assert control.label in str(refusal)  # noqa: PT017  either is right, neither may break
            else:
                taken += set(kind.score(answer, key, options)) == set(kind.columns)
    assert taken >= len(free.controls)


@every_type_with_truth
def test_its_screen_says_nothing_of_the_key(kind: Any, options: dict[str, Any]) -> None:
    """The same slots under every possible key give the same screen, byte for byte, at every seed."""
    for seed in range(20):
        items = items_for(kind)
        composition = kind.compose(items[seed % len(items)], items, options, random.Random(seed))
        labels = [slot.text for slot in composition.texts]
        assert labels == sorted(labels)
        slots = trials.Stimulus(slots_of(composition, seed), seed)
        keys: dict[str, Any] = {name: () for name in ("expected", "pairs", "counts") if name in options}
        without = {**options, **keys}
        assert kind.present(slots, **options) == kind.present(slots, **without)
        sent = json.dumps(kind.present(slots, **options).to_json())
        assert not any(image in sent for image in (one.image for one in composition.pictures) if image)
        assert not any(method in sent for method in METHODS)


@every_type_with_truth
def test_what_is_right_stands_at_every_number_and_every_place_equally_often(kind: Any, options: dict[str, Any]) -> None:
    """Only where what is offered are pictures: a number or a place that is right more often gives the key away."""
    numbers, places, count = Counter[str](), Counter[int](), 1500
    for seed in range(count):
        screen, key = presented(kind, options, seed)
        values = [value for value, _ in screen.controls[0].values]
        if not str(key.get("correct", "")).isdigit():
            return
        numbers[key["correct"]] += 1
        places[values.index(key["correct"])] += 1
    share = 1 / len(numbers)
    for counts in (numbers, places):
        assert len(counts) == len(values)
        assert max(abs(n / count - share) for n in counts.values()) < 4 * math.sqrt(share * (1 - share) / count)


def test_the_right_class_stands_at_every_place_equally_often() -> None:
    kind = trial_types.load("identify_class")
    options = plugins.complete(FOLDER, "identify_class", {"prompt": "?", "alt": "picture", "none_label": "none"})
    count, places = 4000, Counter[int]()
    for seed in range(count):
        screen, key = presented(kind, options, seed)
        values = [value for value, _ in screen.controls[0].values]
        places[values.index(key["correct"])] += 1
        assert values[-1] == kind.own.NONE
    assert set(places) == {0, 1, 2, 3}
    assert max(abs(n / count - 1 / 4) for n in places.values()) < 4 * math.sqrt(3 / 16 / count)


def test_distractors_are_drawn_anew_so_that_every_class_comes_back() -> None:
    kind = trial_types.load("identify_class")
    options = plugins.complete(FOLDER, "identify_class", {"pool": ["violin"]})
    offered = Counter(
        slot.text
        for seed in range(700)
        for slot in kind.compose(ITEMS[0], ITEMS, options, random.Random(seed)).texts
        if slot.text != "goose"
    )
    assert set(offered) == {*CLASSES[1:], "violin"}
    assert max(offered.values()) / min(offered.values()) < 1.5
    first, again = (kind.compose(ITEMS[0], ITEMS, options, random.Random(5)) for _ in range(2))
    assert first == again


def test_too_few_classes_are_refused_with_what_would_do() -> None:
    kind = trial_types.load("identify_class")
    options = plugins.complete(FOLDER, "identify_class", {"alternatives": 4})
    with pytest.raises(trials.OptionError, match=r"alternatives = 4 need 3 classes besides “goose”, but there are 2"):
        kind.compose(ITEMS[0], ITEMS[:3], options, random.Random(0))


def test_names_are_shown_but_the_networks_label_is_answered() -> None:
    kind = trial_types.load("identify_class")
    options = plugins.complete(FOLDER, "identify_class", {"prompt": "?", "names": {"goose": "Gans"}})
    screen, _ = presented(kind, {**options, "pool": CLASSES, "alternatives": 8}, 1)
    assert ("goose", "Gans") in screen.controls[0].values
    assert ("lemon", "lemon") in screen.controls[0].values


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("identify_class", {"alternatives": 1}, "alternatives = 1 should be at least 2"),
        ("identify_class", {"confidence_points": 1}, "points = 1 should be from 2 to 11"),
        ("rate", {"scale": "stars"}, "scale = “stars” should be “likert” or “analogue”"),
        ("rate", {"high_label": ""}, "both ends of a scale need a label"),
        ("question", {"kind": "yesno"}, "should be one of: choice, several, text, number, scale"),
        ("question", {"choices": [["yes", "Yes"]]}, "at least two pairs"),
        ("question", {"choices": [["yes", "Yes"], ["yes", "No"]]}, "the same value twice"),
        ("question", {"choices": CHOICES, "expected": ["maybe"]}, "maybe, which is none of the choices"),
        ("question", {"kind": "number", "low": 5, "high": 5}, "low = 5 should be less than high = 5"),
        ("question", {"kind": "number", "expected": ["many"]}, "expected should hold numbers"),
        ("question", {"kind": "number", "expected": [10**400]}, "expected should hold numbers"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_words(name: str, given: dict[str, Any], words: str) -> None:
    declared = plugins.describe(FOLDER, name).parameters
    texts = {option: "A text" for option, default in declared.items() if default == "" and option != "told"}
    with pytest.raises(trials.OptionError, match=words):
        trial_types.load(name).check_options(plugins.complete(FOLDER, name, {**texts, **given}))


@pytest.mark.parametrize(
    ("given", "answer", "correct", "response"),
    [
        ({"kind": "text", "expected": ["Orange"]}, " orange ", True, " orange "),
        ({"kind": "number", "expected": ["7"]}, 7.0, True, "7"),
        ({"kind": "number", "expected": ["7"]}, 8, False, "8"),
        ({"kind": "number", "expected": [7.0]}, 7, True, "7"),
        ({"kind": "number", "expected": ["7.0"]}, 7.0, True, "7"),
        ({"kind": "scale", "points": 4, "expected": [4.0]}, "4", True, "4"),
        ({"kind": "number", "expected": ["1234567.25"]}, 1234567.25, True, "1234567.25"),
        ({"kind": "several", "choices": CHOICES, "expected": ["no", "yes"]}, ["yes", "no"], True, "yes | no"),
        ({"kind": "several", "choices": CHOICES, "expected": ["no", "yes"]}, ["no"], False, "no"),
        ({"choices": CHOICES}, "no", None, "no"),
        ({"kind": "text", "required": False}, "", None, None),
    ],
)
def test_a_question_is_right_where_its_answer_is_expected(
    given: dict[str, Any], answer: Any, correct: bool | None, response: str | None
) -> None:
    options = plugins.complete(FOLDER, "question", {"prompt": "?", **given})
    columns = trial_types.load("question").score({"answer": answer}, {}, options)
    assert (columns["correct"], columns["response"]) == (correct, response)


@pytest.mark.parametrize(
    ("value", "is_fine"),
    [
        ([[[0.1, 0.2]], [[1, 0]]], True),
        ([[[0.1, 1.2]]], False),
        ([[[-0.1, 1]]], False),
        ([[[0.1]]], False),
        ([[0.1, 0.2]], False),
        ([[]], False),
        ({"x": 1}, False),
        ([[[True, 0]]], False),
        ([[[math.nan, 0]]], False),
        ([[["0.5", "0.5"]]], False),
    ],
)
def test_a_region_is_a_list_of_points_inside_the_picture(value: Any, is_fine: bool) -> None:
    screen = trials.Screen("Where?", controls=(trials.Control("region", "where", "Where?", panel=0),))
    if is_fine:
        trials.check_controls(screen, {"where": value})
    else:
        with pytest.raises(trials.AnswerError, match="fractions of the picture"):
            trials.check_controls(screen, {"where": value})


def test_an_order_takes_each_value_once() -> None:
    control = trials.Control("order", "best", "Best first", (("a", "A"), ("b", "B")))
    trials.check_controls(trials.Screen("?", controls=(control,)), {"best": ["b", "a"]})
    for bad in (["a"], ["a", "a"], ["a", "c"], [1, 2]):
        with pytest.raises(trials.AnswerError, match="takes each of these once: a, b"):
            trials.check_controls(trials.Screen("?", controls=(control,)), {"best": bad})
