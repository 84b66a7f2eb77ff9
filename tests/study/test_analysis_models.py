"""Mixed models by condition: opposite numbers read opposite, the unit is the design's, and what fails says why."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from study.analysis import AnalysisError, _modelled, accuracy_model, rating_model
from study.statistics.mixed_models import fit
from tests.study.made_answers import CONTROLLED, made

EFFECT = {"class_model": 0.7, "blind": 0.25}
REVERSED = {"class_model": 0.25, "blind": 0.7}


@pytest.fixture(scope="module")
def effect():
    return accuracy_model.analyse(made(EFFECT, roles=CONTROLLED))


def test_an_effect_and_its_opposite_read_opposite(effect):
    assert effect.sentence.startswith("People were right more often with “class model”")
    opposite = accuracy_model.analyse(made(REVERSED, roles=CONTROLLED))
    assert opposite.sentence.startswith("People were right less often with “class model”")
    assert opposite.answer.startswith("People were right less often")


def test_it_gives_the_log_odds_of_the_model_and_their_test(effect):
    answers = made(EFFECT, roles=CONTROLLED)
    rows = answers.responses.assign(correct=answers.responses["correct"].astype(float))
    model = fit(
        "correct ~ condition + (1 | participant) + (1 + condition | item)",
        rows.assign(condition=rows["condition"].astype("category")),
        reml=True,
    )
    expected = model.coefficients().set_index("term").loc["condition[T.class_model]"]
    found = next(e for e in effect.estimates if e.term == "class_model − blind: log-odds")
    assert found.estimate == pytest.approx(expected["estimate"], abs=1e-4)
    assert found.low == pytest.approx(expected["low"], abs=1e-3)
    assert effect.tests[0].p == pytest.approx(expected["p"], rel=1e-3)


def test_the_marginal_effect_is_near_the_difference_of_observed_shares(effect):
    answers = made(EFFECT, roles=CONTROLLED)
    shares = answers.responses.astype({"correct": float}).groupby("condition")["correct"].mean()
    found = next(e for e in effect.estimates if e.term == "class_model − blind")
    assert found.estimate == pytest.approx(shares["class_model"] - shares["blind"], abs=0.01)
    assert found.low < found.estimate < found.high


def test_a_condition_between_participants_has_the_degrees_of_freedom_of_its_smaller_unit():
    few_people = accuracy_model.analyse(made(EFFECT, roles=CONTROLLED, participants=5, items=30))
    assert (few_people.tests[0].df, few_people.tests[0].unit) == (8, "participants")
    few_items = accuracy_model.analyse(made(EFFECT, roles=CONTROLLED, participants=40, items=6))
    assert (few_items.tests[0].df, few_items.tests[0].unit) == (5, "items")


@pytest.mark.parametrize(("analysis", "value"), [(accuracy_model, "correct"), (rating_model, "rating")])
def test_the_degrees_of_freedom_are_the_same_for_right_answers_and_for_ratings(analysis, value):
    found = analysis.analyse(made(EFFECT, roles=CONTROLLED, value=value, participants=5, items=12, spread=1.0))
    assert (found.tests[0].df, found.tests[0].unit) == (8, "participants")


@pytest.mark.parametrize(("analysis", "value"), [(accuracy_model, "correct"), (rating_model, "rating")])
def test_a_single_participant_under_each_condition_gets_a_sentence(analysis, value):
    found = analysis.analyse(made(EFFECT, roles=CONTROLLED, value=value, participants=1))
    assert "cannot be said: class_model − blind rests on too few units for a test" in found.sentence
    assert not found.tests[0].p


def test_a_condition_within_participants_gets_a_slope_over_them():
    found = accuracy_model.analyse(made(EFFECT, roles=CONTROLLED, within=True, participants=10, items=30))
    assert (found.tests[0].df, found.tests[0].unit) == (9, "participants")


def test_no_difference_reads_as_unclear_and_is_no_evidence_without_a_positive_control():
    found = accuracy_model.analyse(made({"class_model": 0.3, "blind": 0.3}, roles=CONTROLLED))
    assert found.sentence.startswith("There is no clear difference between “class model”")
    assert "without a positive control nobody knows" in found.sentence


def test_separation_is_said_with_the_names_of_the_conditions():
    found = accuracy_model.analyse(made({"class_model": 1.0, "blind": 0.3}, roles=CONTROLLED))
    assert any("“class model” and “blind”: Separation" in note for note in found.notes)


def test_one_participant_and_no_variation_get_a_sentence():
    alone = accuracy_model.analyse(made(EFFECT, roles=CONTROLLED, participants=1))
    assert "cannot be said" in alone.sentence
    same = accuracy_model.analyse(made({"class_model": 1.0, "blind": 1.0}, roles=CONTROLLED))
    assert "cannot be said: all values of correct are the same" in same.sentence
    with pytest.raises(AnalysisError, match="two conditions; there is one"):
        accuracy_model.analyse(made({"class_model": 0.5}))


def test_figures_of_models_are_svg_without_style(effect):
    ET.fromstring(effect.figure)
    assert "style=" not in effect.figure
    assert "simulated participants" in accuracy_model.analyse(made(EFFECT, origin="simulated")).figure


def test_ratings_and_their_opposite_read_opposite():
    higher = rating_model.analyse(made(EFFECT, roles=CONTROLLED, value="rating"))
    assert higher.sentence.startswith("People gave higher ratings with “class model”")
    lower = rating_model.analyse(made(REVERSED, roles=CONTROLLED, value="rating"))
    assert lower.sentence.startswith("People gave lower ratings with “class model”")
    terms = {e.term: e.estimate for e in higher.estimates}
    assert terms["class_model − blind: log-odds of a higher rating"] > 1
    assert 0 < terms["class_model − blind"] < 6


def test_equal_ratings_read_as_unclear_and_one_rating_for_all_as_undefined():
    found = rating_model.analyse(made({"class_model": 0.5, "blind": 0.5}, roles=CONTROLLED, value="rating"))
    assert found.sentence.startswith("There is no clear difference")
    same = made({"class_model": 0.5, "blind": 0.5}, roles=CONTROLLED, value="rating")
    same.responses["rating"] = 4.0
    assert "cannot be said" in rating_model.analyse(same).sentence


def test_a_scale_with_many_values_gets_a_linear_model():
    answers = made(EFFECT, roles=CONTROLLED, value="rating", participants=10)
    rng = np.random.default_rng(0)
    answers.responses["rating"] = answers.responses["rating"] * 14 + rng.integers(0, 9, len(answers.responses))
    assert "linear mixed model" in rating_model.analyse(answers).method


def test_the_interval_of_a_difference_of_shares_stays_within_a_hundred_points():
    found = accuracy_model.analyse(
        made({"class_model": 1.0, "blind": 0.02}, roles=CONTROLLED, participants=12, items=8)
    )
    gap = next(one for one in found.estimates if one.term == "class_model − blind")
    assert 0 < gap.low < gap.estimate < gap.high < 1


def test_log_odds_and_points_that_do_not_agree_are_told_with_both_tests(effect, monkeypatch):
    assert not any("do not agree" in note for note in effect.notes)
    fitted = _modelled._fitted

    def unclear(*given):
        one = fitted(*given)
        contrast = replace(one.contrast, is_contradicted=True)
        return replace(one, contrast=contrast, margin=replace(one.margin, p=0.4))

    monkeypatch.setattr(_modelled, "_fitted", unclear)
    found = accuracy_model.analyse(made({"class_model": 0.7, "blind": 0.3}, roles=CONTROLLED))
    assert found.notes[0].startswith(
        "“class model” and “blind”: the log-odds that are tested (p < .001, before any correction) and the percentage "
        "points (p = .400) do not agree. The log-odds are those of a typical participant and a typical item"
    )
    assert found.sentence.startswith("There is no clear difference between “class model”")
    assert "the p value is of another scale, and the means go the other way" in found.sentence
    assert found.answer.startswith("There is no clear difference between “class model”")


def test_a_condition_that_makes_easy_items_easier_and_hard_ones_impossible_is_no_benefit():
    """The log-odds of a typical item rise, and fewer answers are right: nobody was right more often."""
    answers = made({"map": 0.5, "blind": 0.5}, roles=CONTROLLED, participants=40, items=40, within=True)
    is_hard = answers.responses["item"].str.split().str[1].astype(int) % 4 == 0
    share = np.where(answers.responses["condition"] == "map", np.where(is_hard, 0.1, 0.97), 0.76)
    answers.responses["correct"] = np.random.default_rng(1).random(len(share)) < share
    found = accuracy_model.analyse(answers)
    assert found.tests[0].p < 0.05
    assert found.answer.startswith("There is no clear difference between “map” (75 of 100 answers)")
    assert "p = .026; the p value is of another scale, and the means go the other way" in found.sentence


def test_what_the_models_say_alike_of_several_comparisons_is_said_once():
    found = accuracy_model.analyse(made({"a": 0.7, "b": 0.4, "c": 0.2}, spread=0.0))
    told = [note.partition(": ")[2] for note in found.notes]
    assert len(told) == len(set(told))
    assert any("; “" in note.partition(": The ")[0] for note in found.notes)
