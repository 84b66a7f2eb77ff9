"""Answers that define nothing: each analysis of a difference says why in a sentence, and gives no number for a test."""

from dataclasses import replace

import pytest

from study.analysis import (
    AnalysisError,
    accuracy_by_condition,
    accuracy_model,
    by_network_outcome,
    equivalence,
    preference,
    rating_by_condition,
    rating_model,
)
from tests.study.made_answers import CONTROLLED, made

SHARES = {"map": 0.7, "blind": 0.3, "photo": 0.9}
PAIR = {"first": "map", "second": "photo", "margin": 1.0, "reason": "small"}
CAN_SAY = "cannot be said: "
ANALYSES = {
    "accuracy": ("correct", accuracy_by_condition.analyse),
    "accuracy model": ("correct", accuracy_model.analyse),
    "ratings": ("rating", rating_by_condition.analyse),
    "rating model": ("rating", rating_model.analyse),
    "equivalence": ("rating", lambda answers: equivalence.analyse(answers, value="rating", **PAIR)),
}


def answered(value, **settings):
    return made(SHARES, roles=CONTROLLED, value=value, **{"participants": 6, "items": 4, **settings})


def with_rows(answers, kept):
    return replace(answers, responses=answers.responses[kept(answers.responses)])


def alike(answers, value):
    return replace(answers, responses=answers.responses.assign(**{value: True if value == "correct" else 4.0}))


MODELS = ("accuracy model", "rating model")
DEGENERATE = {
    "one participant and one item": (
        lambda value: answered(value, participants=1, items=1, within=True),
        lambda _: "there are only one participant and one item",
    ),
    "one participant under each condition": (
        lambda value: answered(value, participants=1),
        lambda name: "rests on too few units" if name in MODELS else "has a single participant or a single item",
    ),
    "all answers alike": (
        lambda value: alike(answered(value), value),
        lambda name: (
            "are the same: there is nothing to model"
            if name in MODELS
            else "no variation"
            if name == "equivalence"
            else "the values do not vary within either condition"
        ),
    ),
    "an empty condition": (
        lambda value: with_rows(answered(value), lambda rows: rows["condition"] != "map"),
        lambda _: "one of the two conditions has no responses",
    ),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", ANALYSES)
def test_a_difference_that_the_answers_do_not_define_is_said_to_be_so(name, case):
    value, analyse = ANALYSES[name]
    make, why = DEGENERATE[case]
    found = analyse(make(value))
    assert CAN_SAY in found.sentence
    assert why(name) in found.sentence
    assert not [test for test in found.tests if test.p is not None and test.name.startswith("map − blind")]


def test_one_item_leaves_the_participants_and_the_test_names_them():
    found = accuracy_by_condition.analyse(answered("correct", items=1))
    assert found.tests[0].unit == "participants"


def test_cells_that_are_empty_leave_the_others_to_be_compared():
    some = with_rows(answered("correct"), lambda rows: (rows["condition"] != "map") | (rows["item"] < "item 2"))
    found = accuracy_by_condition.analyse(some)
    assert CAN_SAY not in found.sentence
    assert found.tests[0].p is not None


def test_items_that_do_not_differ_are_on_the_boundary_and_separation_is_penalised():
    apart = made({"map": 1.0, "blind": 0.3}, roles=CONTROLLED, participants=6, items=4)
    notes = accuracy_model.analyse(apart).notes
    assert any("Separation: " in note and "Estimates are penalised" in note for note in notes)
    assert any(
        "is on the boundary (0): the data show no more differences there than chance makes" in note for note in notes
    )


def test_whether_the_network_was_right_is_undefined_where_all_answers_are_alike():
    answers = alike(answered("correct"), "correct")
    answers = replace(answers, items=answers.items.assign(network_is_right=[True, False] * 2))
    assert "cannot be said: the values do not vary" in by_network_outcome.analyse(answers).sentence


def test_one_participants_preferences_have_no_test():
    rows = answered("correct", participants=1, within=True).responses
    rows = rows.assign(winner="map", loser="blind", tie=False, task="prefer")
    found = preference.analyse(replace(answered("correct"), responses=rows))
    assert "cannot be said" in found.sentence


def test_pairs_that_cannot_be_tested_are_not_called_unclear():
    alone = made({"a": 0.7, "b": 0.3, "c": 0.5}, participants=1, items=4)
    found = accuracy_by_condition.analyse(alone)
    assert (
        "whether conditions differ cannot be said: one of the two conditions has a single participant" in found.sentence
    )
    assert (
        "whether conditions differ cannot be said. Only one participant answered under “a”, “b” and “c”" in found.answer
    )
    assert "is clear" not in found.sentence + found.answer


@pytest.mark.parametrize(
    ("size", "said"), [({"participants": 1}, "only one participant"), ({"items": 1}, "only one item")]
)
def test_what_one_participant_or_one_item_does_not_tell_is_said(size, said):
    found = accuracy_by_condition.analyse(answered("correct", within=True, **size))
    assert said in found.sentence
    assert said in found.answer


def test_a_positive_control_whose_effect_is_undefined_is_not_said_to_have_none():
    rows = answered("correct").responses
    rows["correct"] = rows["correct"].where(rows["condition"] == "map", rows["condition"] == "photo")
    answers = replace(answered("correct"), responses=rows)
    tested = equivalence.analyse(answers, first="map", second="photo", margin=10.0, reason="small")
    assert "whether the positive control does better than the blind control cannot be said" in tested.sentence


def test_an_outcome_of_the_network_that_is_neither_true_nor_false_is_refused():
    answers = answered("correct")
    answers = replace(answers, items=answers.items.assign(network_is_right=["yes", "no"] * 2))
    with pytest.raises(AnalysisError, match="should say true or false"):
        by_network_outcome.analyse(answers)
