"""What the numbers do not define is said in a sentence, by the engines and by the analyses that use them."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from study.analysis import (
    AnalysisError,
    accuracy_model,
    by_network_outcome,
    equivalence,
    faithfulness_against_sense,
    free_naming,
    preference,
    rank_correlation,
    rating_model,
    regions_against_maps,
    reliability,
    signal_detection,
)
from study.statistics import detection, e_values, human_maps, pooling, preferences, rounding, sequential, utility
from study.statistics import equivalence as equivalences
from study.statistics import rank_correlation as rank_correlations
from study.statistics.crossed_means import Difference, UndefinedError, crossed_difference
from study.statistics.intervals import mean_interval
from study.statistics.mixed_models import ModelError, fit, fitting
from study.statistics.mixed_models.gaussian import Gaussian
from tests.study.made_answers import CONTROLLED, made

SIX = np.arange(6.0)
ENGINES = [
    (lambda: detection.forced_choice_dprime(1.0, 2), "d' is infinite for a proportion correct of 1"),
    (lambda: detection.forced_choice_dprime(1e-300, 3), "is beyond"),
    (lambda: detection.forced_choice(5, 4, 2), "5 correct of 4 responses is not possible"),
    (lambda: detection.yes_no(3, 2, 0, 2), "3 hits of 2 and 0 false alarms of 2 are not possible"),
    (
        lambda: preferences.fit_preferences(["a"], ["b"], [1], objects=["b", "c"]),
        "a is compared and not among the objects",
    ),
    (lambda: human_maps.nss(np.ones((3, 3)), np.eye(3)), "A map is flat: it points nowhere."),
    (lambda: e_values.e_process([0.5, 2.0], 0.5), "Every participant's mean must lie between 0 and 1"),
    (lambda: rank_correlations.over_methods(SIX, SIX[:5]), "Both scores need the same methods"),
    (lambda: rank_correlations.over_methods(np.append(SIX, np.nan), np.append(SIX, 1)), "A method has no score"),
    (lambda: sequential.boundaries([0.5, 0.25]), "information fractions that are positive and increase"),
    (lambda: utility.utility([], [], [], []), "Utility needs responses"),
    (lambda: utility.utility([0.5], [1], [True], ["a"]), "about correct (1) and wrong (0) responses"),
    (lambda: pooling.pool([1, 2], [1, 1], method="guess"), "is no estimator of τ²; there are: "),
    (lambda: rounding.rounded(1.5, 0, "up"), "“up” is no rounding rule; there are: half_even"),
    (
        lambda: equivalences.equivalence(
            Difference(0.1, 0.0, 9, "items", is_paired=False), 0.1, reason="small", has_positive_control_effect=True
        ),
        "Equivalence is undefined: the estimate has no standard error (no variation)",
    ),
]


@pytest.mark.parametrize(("ask", "said"), ENGINES)
def test_an_engine_says_what_is_undefined(ask, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        ask()


def test_a_difference_without_any_variation_has_no_test():
    found = crossed_difference([1.0, 1, 0, 0] * 2, [True, True, False, False] * 2, list("abcdabcd"), list("wwwwxxxx"))
    with pytest.raises(UndefinedError, match="do not vary within either condition"):
        found.t_test()


def test_a_wilson_interval_of_ratings_is_refused_in_words():
    found = mean_interval([3.0, 5.0], ["a", "b"], ["x", "y"], kind="wilson_95")
    assert found.low is None
    assert found.problem == "a Wilson interval is for proportions, and these are not"


def test_a_unit_with_a_single_member_cannot_have_a_random_effect():
    answers = made({"one": 0.5, "two": 0.5}, items=1).responses.assign(y=lambda rows: rows["correct"].astype(int))
    with pytest.raises(ModelError, match="There is only one item"):
        fit("y ~ condition + (1 | participant) + (1 | item)", answers)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ nothing + (1 | participant)", "No row has a value for all of y, participant, nothing."),
        ("y ~ condition + * item + (1 | participant)", "does not fit the data: "),
    ],
)
def test_a_formula_that_the_data_cannot_serve_is_refused(formula, said):
    rows = made({"one": 0.5, "two": 0.5}, participants=3, items=3).responses
    with pytest.raises(ModelError, match=re.escape(said)):
        fit(formula, rows.assign(y=rows["correct"].astype(int), nothing=np.nan))


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("binary", "The model cannot be fitted to these data: its likelihood has no maximum, even penalised."),
        ("gaussian", "The model cannot be fitted to these data: its likelihood has no maximum."),
    ],
)
def test_a_likelihood_without_a_maximum_is_said(monkeypatch, family, said):
    rows = made({"one": 0.5, "two": 0.5}, participants=4, items=4).responses
    rows = rows.assign(y=rows["correct"].astype(int))
    monkeypatch.setattr(fitting, "_estimated", lambda *_: None)
    monkeypatch.setattr(Gaussian, "profile", lambda *_: None)
    monkeypatch.setattr(fitting, "minimize", lambda _, start: SimpleNamespace(x=start))
    with pytest.raises(ModelError, match=re.escape(said)):
        fit("y ~ condition + (1 | participant) + (1 | item)", rows, family=family)


ANALYSES = [
    (
        lambda a: by_network_outcome.analyse(a),
        "Neither the items nor the answers say whether the network was right (no column “",
    ),
    (lambda a: equivalence.analyse(a, first="one", second="three"), "There is no condition “three”; there are: one, "),
    (lambda a: equivalence.analyse(a, value="rating"), "No answer of the main phase has a rating; value = “correct”"),
    (lambda a: faithfulness_against_sense.analyse(a, value="rating"), "has an item, a condition and a rating"),
    (lambda a: faithfulness_against_sense.analyse(a), "The items have no measurements of the conditions’ pictures"),
    (lambda a: faithfulness_against_sense.analyse(a, metric="size"), "no measurement “size” of any condition"),
    (lambda a: signal_detection.analyse(a, control="three"), "There is no condition “three” to be the control; there"),
    (lambda a: rating_model.analyse(a), "No answer of the main phase holds a rating."),
    (lambda a: accuracy_model.analyse(a, task="sense"), "No answers of the task “sense” have a key to be right or"),
    (lambda a: preference.analyse(a, ties="maybe"), "ties = “maybe” should be “half” or “none”."),
    (lambda a: equivalence.analyse(a, value="confidence"), "Equivalence is tested of correct or rating"),
    (lambda a: equivalence.analyse(a, first="one", second="one"), "A condition is equivalent to itself"),
    (lambda a: equivalence.analyse(a, first="one", second="two", margin=-1.0), "a positive number of points"),
    (lambda a: faithfulness_against_sense.analyse(a, value="time"), "Human scores are correct or rating"),
    (lambda a: free_naming.analyse(a, task="which", similarity=0.0), "similarity is above 0 and at most 1"),
    (lambda a: rank_correlation.analyse(a, covariate="size"), "The answers have no column “size”"),
    (lambda a: rank_correlation.analyse(a, value="size", covariate="correct"), "The answers have no column “size”"),
    (lambda a: regions_against_maps.analyse(a, metric="guess"), "“guess” is no metric of regions; there are: "),
    (lambda a: reliability.analyse(a, value="time"), "Reliability is of rating or correct"),
    (lambda a: signal_detection.analyse(a, kind="loud"), "there are yes_no and forced_choice"),
]


@pytest.mark.parametrize(("ask", "said"), ANALYSES)
def test_an_analysis_refuses_in_a_sentence_that_says_what_would_be_right(ask, said):
    answers = made({"one": 0.5, "two": 0.6, "blind": 0.25, "photo": 0.9}, roles=CONTROLLED, participants=4, items=4)
    answers = replace(answers, responses=answers.responses.assign(response="goose", answer_key="goose"))
    with pytest.raises(AnalysisError, match=re.escape(said)):
        ask(answers)
