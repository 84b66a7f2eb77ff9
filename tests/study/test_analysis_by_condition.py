"""Accuracy and ratings by condition: the numbers are right, and opposite numbers read opposite sentences."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attribution import plugins
from study.analysis import AnalysisError, Answers, accuracy_by_condition, rating_by_condition
from tests.study.made_answers import CONTROLLED, made

EFFECT = {"class_model": 0.7, "blind": 0.25}


def accuracy(probabilities, roles=CONTROLLED, **settings):
    options = {
        k: settings.pop(k) for k in list(settings) if k in {"interval", "rounding", "decimals", "control", "task"}
    }
    return accuracy_by_condition.analyse(made(probabilities, roles=roles, **settings), **options)


@pytest.mark.parametrize("name", plugins.names("study.analysis"))
def test_every_analysis_says_what_it_is_and_whence(name):
    plugin = plugins.describe("study.analysis", name)
    assert plugin.title.endswith("?")
    assert re.search(r"\b(19|20)\d\d\b", plugin.source)


def test_an_effect_reads_as_one():
    found = accuracy(EFFECT)
    assert found.sentence.startswith("People were right more often with “class model” (")
    assert "percentage points more" in found.sentence
    assert "p < .001" in found.sentence
    assert found.answer.startswith("People were right more often with “class model” (")


def test_the_opposite_effect_reads_opposite():
    found = accuracy({"class_model": 0.25, "blind": 0.7})
    assert found.sentence.startswith("People were right less often with “class model” (")
    assert "percentage points less" in found.sentence
    assert found.answer.startswith("People were right less often with “class model”")


def test_no_difference_reads_as_unclear_and_without_a_positive_control_claims_nothing():
    found = accuracy({"class_model": 0.3, "blind": 0.3})
    assert found.sentence.startswith("There is no clear difference between “class model”")
    assert "without a positive control nobody knows" in found.sentence
    assert "unlikely" not in found.sentence
    assert found.answer.startswith("There is no clear difference")


def test_an_unclear_difference_has_the_sign_of_its_interval():
    found = accuracy({"class_model": 0.3, "blind": 0.4}, participants=6, items=6)
    difference = next(one for one in found.estimates if one.term)
    assert found.tests[0].p > 0.05
    assert difference.estimate < 0
    shown = f"−{-100 * difference.estimate:.1f} percentage points"
    assert f": {shown}, 95 % two-way t interval of the difference [−" in found.sentence


def test_where_the_positive_control_shows_nothing_there_is_no_claim_of_no_benefit():
    found = accuracy({"class_model": 0.3, "blind": 0.3, "photo": 0.3})
    assert "This is no evidence that “class model” brings nothing: the positive control “photo”" in found.sentence
    assert "unlikely" not in found.sentence
    several = accuracy({"class_model": 0.3, "unit": 0.3, "blind": 0.3, "photo": 0.2})
    assert "no evidence that “class model” and “unit” bring nothing: the positive control" in several.sentence


def test_where_the_positive_control_shows_less_than_the_control_there_is_no_claim_either():
    found = accuracy({"class_model": 0.5, "blind": 0.5, "photo": 0.1})
    assert "This is no evidence that “class model” brings nothing" in found.sentence


def test_where_the_positive_control_works_a_benefit_is_bounded():
    found = accuracy({"class_model": 0.3, "blind": 0.3, "photo": 0.95})
    assert "the task can show a benefit; for “class model” one of more than" in found.sentence
    high = next(e.high for e in found.estimates if e.term == "class_model − blind")
    assert f"{high * 100:.1f} percentage points is unlikely" in found.sentence


def test_complete_separation_reads_as_what_it_is_and_its_opposite_opposite():
    found = accuracy({"class_model": 1.0, "blind": 0.0})
    assert "“class model” (100.0%) and “blind” (0.0%) differ without an exception" in found.sentence
    assert found.answer == (
        "“class model” (100 of 100 answers) and “blind” (0 of 100 answers) differ without an exception, so that no "
        "test can be computed."
    )
    assert "“class model” (0.0%) and “blind” (100.0%)" in accuracy({"class_model": 0.0, "blind": 1.0}).sentence
    same = accuracy({"class_model": 1.0, "blind": 1.0})
    assert "differ without" not in same.sentence + same.answer
    pairs = accuracy({"a": 1.0, "b": 1.0, "c": 0.0}, roles={})
    assert pairs.answer.endswith("all answers under one condition are alike, so that no test can be computed.")


def test_a_positive_control_that_is_always_right_beside_a_control_never_right_shows_a_benefit():
    answers = made({"class_model": 0.1, "blind": 0.0, "photo": 1.0}, roles=CONTROLLED, participants=4, items=6)
    assert "so the task can show a benefit" in accuracy_by_condition.analyse(answers).sentence


def test_a_condition_with_one_participant_is_said_to_say_nothing_about_others():
    found = accuracy({"class_model": 0.5, "blind": 0.5}, participants=1)
    said = "Only one participant answered under “class model” and “blind”, which says nothing about other people."
    assert found.answer.endswith(said)
    assert found.sentence.endswith(said)
    assert "Only one" not in accuracy({"class_model": 0.5, "blind": 0.5}, participants=2).answer


def test_a_bound_of_all_answers_is_no_bound():
    found = accuracy({"class_model": 0.6, "blind": 0.0, "photo": 1.0}, participants=2, items=2, spread=0.0)
    assert "how large one “class model” may bring these answers leave open." in found.sentence
    assert "100.0 percentage points is unlikely" not in found.sentence


def test_an_interval_that_leaves_out_zero_beside_an_unclear_p_is_explained():
    answers = made({"a": 0.5, "b": 0.3, "c": 0.3, "d": 0.3, "blind": 0.3}, roles=CONTROLLED, seed=1, participants=12)
    found = accuracy_by_condition.analyse(answers)
    alone = [test for test in found.tests if " − " in test.name and test.p < 0.05 <= test.p_adjusted]
    assert len(alone) == found.sentence.count("(Holm, 4 comparisons; the interval is of this comparison alone)") == 1


def test_an_undefined_comparison_says_why():
    found = accuracy({"class_model": 0.5, "blind": 0.5}, participants=1)
    assert "cannot be said" in found.sentence
    assert "single participant" in found.sentence
    assert re.search(
        r"Whether “class model” .* differs from “blind” .* cannot be said, because one of the two conditions",
        found.answer,
    )
    test = next(t for t in found.tests if t.name == "class_model − blind")
    assert (test.p, test.unit) == (None, "undefined")


def test_a_condition_without_answers_says_so_and_the_others_stand():
    answers = made({"class_model": 0.7, "edges": 0.5, "blind": 0.25}, roles=CONTROLLED)
    answers = Answers(
        answers.responses[answers.responses["condition"] != "edges"],
        answers.participants,
        answers.items,
        answers.document,
    )
    found = accuracy_by_condition.analyse(answers)
    assert "People were right more often with “class model”" in found.sentence
    assert "“edges” and “blind” differ cannot be said: one of the two conditions has no responses" in found.sentence
    edges = next(e for e in found.estimates if e.condition == "edges")
    assert (edges.estimate, edges.shown, edges.responses) == (None, "–", 0)


def test_everybody_right_has_no_interval_and_a_reason():
    found = accuracy({"class_model": 1.0}, roles={})
    assert "to be tested against the 25.0% that guessing gives, because all 288 values are the same" in found.sentence
    assert found.estimates[0].low is None
    assert "no variation" in found.answer


def test_the_two_nulls_are_named_apart():
    found = accuracy(EFFECT)
    names = [test.name for test in found.tests]
    assert "class_model: the mean is 0.25" in names
    assert "class_model: nobody can (everybody guesses at 0.25)" in names
    units = {test.name: test.unit for test in found.tests}
    assert units["class_model: the mean is 0.25"] == "participants and items"
    assert units["class_model: nobody can (everybody guesses at 0.25)"] == "responses"
    assert any("Averaged over people and items" in note for note in found.notes)
    assert any("everybody guessed" in note for note in found.notes)


@pytest.mark.parametrize(
    ("probability", "said", "plain"),
    [
        (0.8, "above the 25.0% that guessing gives", "more than the 25 of 100"),
        (0.05, "below the 25.0% that guessing gives", "fewer than the 25 of 100"),
        (0.24, "not clearly different from the 25.0% that guessing gives", "not clearly different"),
    ],
)
def test_one_condition_is_held_against_chance(probability, said, plain):
    found = accuracy({"class_model": probability}, roles={})
    assert said in found.sentence
    assert plain in found.answer


def test_the_estimates_are_the_shares_of_right_answers():
    answers = made(EFFECT, roles=CONTROLLED)
    shares = answers.responses.groupby("condition")["correct"].apply(lambda v: v.astype(float).mean())
    found = accuracy_by_condition.analyse(answers)
    by_condition = {e.condition: e for e in found.estimates if e.condition}
    assert by_condition["class_model"].estimate == pytest.approx(shares["class_model"])
    assert by_condition["class_model"].shown == f"{100 * shares['class_model']:.1f}"
    assert by_condition["class_model"].interval == "95 % two-way t"
    difference = next(e for e in found.estimates if e.term == "class_model − blind")
    assert difference.estimate == pytest.approx(shares["class_model"] - shares["blind"])
    assert difference.low < difference.estimate < difference.high


def test_treatments_are_one_family_and_the_positive_control_is_not_in_it():
    found = accuracy({"a": 0.55, "b": 0.5, "c": 0.6, "blind": 0.3, "photo": 0.9})
    family = [t for t in found.tests if t.name in {"a − blind", "b − blind", "c − blind"}]
    smallest = min(family, key=lambda t: t.p)
    assert smallest.p_adjusted == pytest.approx(3 * smallest.p)
    gate = next(t for t in found.tests if t.name == "photo − blind")
    assert gate.p_adjusted == pytest.approx(gate.p)


def test_without_a_control_all_pairs_are_compared():
    found = accuracy({"a": 0.8, "b": 0.75, "c": 0.2}, roles={})
    assert [e.term for e in found.estimates if e.term] == ["a − b", "a − c", "b − c"]
    assert found.sentence.startswith("The highest mean is with “a”")
    assert "2 of the 3 differences between two of them are clear" in found.sentence
    everything = accuracy({"a": 0.9, "b": 0.5, "c": 0.1}, roles={})
    assert everything.answer.endswith("; all 3 differences between two of them are clear.")
    assert found.answer.endswith("2 of the 3 differences between two of them are clear.")


def test_a_contrast_within_participants_takes_their_pairing_into_account():
    answers = made({"class_model": 0.5, "blind": 0.4}, roles=CONTROLLED, within=True, participants=30)
    rows = answers.responses
    # What is common to a participant's answers cancels in a paired difference, and only there.
    is_gifted = rows["participant"].isin(sorted(rows["participant"].unique())[:15])
    rows["correct"] = np.where(is_gifted, True, rows["correct"])
    own = rows.assign(participant=rows["participant"] + rows["condition"])
    paired = accuracy_by_condition.analyse(answers)
    unpaired = accuracy_by_condition.analyse(Answers(own, answers.participants, answers.items, answers.document))
    half = [next(e.half_width for e in found.estimates if e.term) for found in (paired, unpaired)]
    assert half[0] < 0.7 * half[1]


def test_interval_rounding_and_decimals_follow_the_parameters():
    found = accuracy({"a": 0.7, "b": 0.6}, roles={}, interval="sd_over_participants", decimals=2, rounding="truncate")
    estimate = found.estimates[0]
    mean, half = estimate.shown.split(" ± ")
    assert estimate.interval == "SD over participants"
    assert mean == f"{np.floor(round(estimate.estimate * 10000, 8)) / 100:.2f}"
    assert half == f"{np.floor(round(estimate.half_width * 10000, 8)) / 100:.2f}"


def test_means_of_participants_means_that_do_not_match_the_differences_are_told_apart():
    answers = made(EFFECT, roles=CONTROLLED, participants=12, items=8)
    told = "where there are more answers from some than from others, the two do not match."
    even = accuracy_by_condition.analyse(answers, interval="t_95_over_participants")
    assert not any(note.endswith(told) for note in even.notes)
    rows = answers.responses[(answers.responses["item"] == "item 0") | (answers.responses["participant"] > "p004")]
    uneven = accuracy_by_condition.analyse(replace(answers, responses=rows), interval="t_95_over_participants")
    assert uneven.notes[-1].endswith(told)
    of_answers = accuracy_by_condition.analyse(replace(answers, responses=rows))
    assert not any(note.endswith(told) for note in of_answers.notes)


def test_a_named_control_takes_the_place_of_the_blind_one():
    found = accuracy({"a": 0.7, "b": 0.6, "blind": 0.2}, control="b")
    assert {e.term for e in found.estimates if e.term} == {"a − b", "blind − b"}


def test_an_unknown_control_is_refused_with_those_there_are():
    with pytest.raises(AnalysisError, match="there are: class_model, blind"):
        accuracy(EFFECT, control="nothing")


def test_answers_without_a_key_are_refused():
    with pytest.raises(AnalysisError, match="no accuracy"):
        accuracy_by_condition.analyse(made({"a": 0.5}, value="rating"))


def test_two_tasks_with_a_key_have_to_be_told_apart():
    answers = made(EFFECT)
    more = answers.responses.assign(task="again")
    both = Answers(pd.concat([answers.responses, more]), answers.participants, answers.items, answers.document)
    with pytest.raises(AnalysisError, match="Several tasks have a correct: again, which"):
        accuracy_by_condition.analyse(both)
    assert accuracy_by_condition.analyse(both, task="again").estimates[0].responses == 288


def test_practice_and_catch_trials_do_not_count():
    answers = made(EFFECT, roles=CONTROLLED)
    extra = answers.responses.assign(phase="catch", correct=True)
    both = Answers(pd.concat([answers.responses, extra]), answers.participants, answers.items, answers.document)
    assert accuracy_by_condition.analyse(both).estimates == accuracy_by_condition.analyse(answers).estimates


def test_ratings_read_as_higher_lower_and_unclear():
    roles = CONTROLLED
    higher = rating_by_condition.analyse(made({"class_model": 0.8, "blind": 0.3}, roles=roles, value="rating"))
    lower = rating_by_condition.analyse(made({"class_model": 0.3, "blind": 0.8}, roles=roles, value="rating"))
    alike = rating_by_condition.analyse(made({"class_model": 0.5, "blind": 0.5}, roles=roles, value="rating"))
    assert higher.sentence.startswith("People gave higher ratings with “class model”")
    assert lower.sentence.startswith("People gave lower ratings with “class model”")
    assert alike.sentence.startswith("There is no clear difference")
    assert "points more" in higher.sentence
    assert "on the scale from 1 to 7" in higher.answer


def test_ratings_on_two_scales_have_no_common_mean():
    answers = made({"a": 0.5, "b": 0.5}, value="rating")
    answers.responses.loc[answers.responses["condition"] == "b", "scale_high"] = 5.0
    with pytest.raises(AnalysisError, match="several scales"):
        rating_by_condition.analyse(answers)


def test_a_rating_without_conditions_is_one_mean():
    answers = made({"a": 0.5}, value="rating")
    one = Answers(answers.responses.assign(condition=None), answers.participants, answers.items, {})
    found = rating_by_condition.analyse(one)
    assert found.estimates[0].condition is None
    assert found.sentence.startswith("The mean rating is")


@pytest.mark.parametrize("participants", [3, 30, 300])
def test_the_figure_is_well_formed_and_has_no_style(participants):
    found = accuracy({**EFFECT, "a long <name> & more of it, which goes on and on until it needs a second line": 0.5},
                     participants=participants)  # fmt: skip
    root = ET.fromstring(found.figure)
    assert root.tag.endswith("svg")
    assert "style=" not in found.figure
    assert "chance: what guessing gives" in found.figure
    for element in root.iter():
        for attribute in ("cx", "x1", "x2", "x"):
            value = element.get(attribute, "0%")
            assert not value.endswith("%") or -1 <= float(value[:-1]) <= 100


def test_simulated_participants_are_named_in_the_figure():
    simulated = accuracy_by_condition.analyse(made(EFFECT, origin="simulated"))
    persons = accuracy_by_condition.analyse(made(EFFECT))
    assert "simulated participants" in simulated.figure
    assert "simulated" not in persons.figure


def test_the_same_answers_in_another_order_give_the_same_finding():
    answers = made(EFFECT, roles=CONTROLLED)
    shuffled = answers.responses.sample(frac=1, random_state=1)
    again = accuracy_by_condition.analyse(Answers(shuffled, answers.participants, answers.items, answers.document))
    first = accuracy_by_condition.analyse(answers)
    assert again.sentence == first.sentence
    for one, other in zip(first.estimates, again.estimates, strict=True):
        assert one.low == pytest.approx(other.low)


@pytest.mark.parametrize(("probability", "words"), [(0.85, "above the 50.0%"), (0.5, "not clearly different from")])
def test_one_comparison_of_two_conditions_is_held_against_guessing_and_they_are_not_compared(probability, words):
    answers = made({"both": probability}, chance=0.5)
    compared = [{"name": name} for name in ("gradient", "deconvnet")]
    document = {**answers.document, "conditions": [*compared, {"name": "both", "compare": ["gradient", "deconvnet"]}]}
    found = accuracy_by_condition.analyse(replace(answers, document=document))
    assert [one.condition for one in found.estimates] == ["both"]
    assert words in found.sentence
    assert "gradient" not in found.sentence
    assert "highest" not in found.answer
