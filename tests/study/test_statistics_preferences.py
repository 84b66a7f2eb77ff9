"""Preferences against psychotools, against models fitted otherwise, and on comparisons that do not suffice."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize

from study.statistics.crossed_means import UndefinedError
from study.statistics.preferences import PreferenceModel, fit_preferences

REFERENCE = Path(__file__).parents[2] / "fixtures" / "reference"


@pytest.fixture(scope="module")
def comparisons() -> pd.DataFrame:
    frame = pd.read_csv(REFERENCE / "preferences_ties.csv")
    names = np.array(list("abcde"))
    return frame.assign(first=names[frame.i], second=names[frame.j])


def fitted(frame: pd.DataFrame, **options) -> PreferenceModel:
    return fit_preferences(frame["first"], frame["second"], frame["y"], **options)


def drawn(worths: list[float], rng: np.random.Generator, *, n: int, tie: float = 0.0, position: float = 0.0):
    a = rng.integers(0, len(worths), n)
    b = (a + rng.integers(1, len(worths), n)) % len(worths)
    eta = (np.array(worths)[a] - np.array(worths)[b] + position) / 2
    weights = np.stack([np.exp(eta), np.exp(-eta), np.full(n, tie)], axis=1)
    choice = (rng.random(n)[:, None] * weights.sum(axis=1)[:, None] > np.cumsum(weights, axis=1)).sum(axis=1)
    names = np.array(list("abcdefgh"))
    return pd.DataFrame({"first": names[a], "second": names[b], "y": np.array([1, -1, 0])[choice]})


def test_davidson_model_agrees_with_psychotools_to_four_decimals(comparisons):
    expected = json.loads((REFERENCE / "preferences.json").read_text())
    model = fitted(comparisons)
    np.testing.assert_allclose(model.worths, expected["worths"], atol=5e-5)
    assert model.log_tie == pytest.approx(expected["log_tie"], abs=5e-5)
    assert model.log_likelihood == pytest.approx(expected["logLik"], abs=5e-5)


def test_standard_errors_are_those_of_a_numerical_hessian(comparisons):
    names = list("abcde")
    i, j = (comparisons[side].map(names.index).to_numpy() for side in ("first", "second"))
    y = comparisons.y.to_numpy()

    def minus_log_likelihood(x: np.ndarray) -> float:
        worth = np.concatenate([[0.0], x[:4]])
        half = np.exp((worth[i] - worth[j] + x[5]) / 2)
        total = half + 1 / half + np.exp(x[4])
        return -np.log(np.where(y == 1, half, np.where(y == -1, 1 / half, np.exp(x[4]))) / total).sum()

    model = fitted(comparisons, has_position=True)
    best = optimize.minimize(minus_log_likelihood, np.zeros(6), method="BFGS", options={"gtol": 1e-4})
    np.testing.assert_allclose(model.parameters, best.x, atol=1e-4)
    H = np.empty((6, 6))
    steps = 1e-3 * np.eye(6)
    for k in range(6):
        for h in range(6):
            at = [
                minus_log_likelihood(model.parameters + s * steps[k] + r * steps[h]) * s * r
                for s in (1, -1)
                for r in (1, -1)
            ]
            H[k, h] = sum(at) / 4e-6
    np.testing.assert_allclose(model.covariance, np.linalg.inv(H), rtol=1e-3, atol=1e-6)


def test_without_ties_it_is_the_logistic_regression_of_bradley_and_terry():
    frame = drawn([0.0, 0.5, 1.0, -0.7], np.random.default_rng(1), n=600)
    X = np.zeros((len(frame), 4))
    for column, sign in (("first", 1.0), ("second", -1.0)):
        X[np.arange(len(frame)), frame[column].map("abcd".index)] += sign
    expected = sm.Logit((frame.y == 1).astype(float), X[:, 1:]).fit(disp=False)
    model = fitted(frame)
    assert model.log_tie is None
    np.testing.assert_allclose(model.worths[1:], expected.params, atol=1e-6)
    np.testing.assert_allclose(model.se, expected.bse, rtol=1e-5)


def test_clustered_standard_errors_are_the_sandwich_of_statsmodels():
    frame = drawn([0.0, 0.5, 1.0, -0.7], np.random.default_rng(2), n=600)
    participants = np.arange(600) // 20
    X = np.zeros((len(frame), 4))
    for column, sign in (("first", 1.0), ("second", -1.0)):
        X[np.arange(len(frame)), frame[column].map("abcd".index)] += sign
    outcome = (frame.y == 1).astype(float)
    expected = sm.GLM(outcome, X[:, 1:], family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": participants, "use_correction": False}
    )
    model = fitted(frame, participants=participants)
    np.testing.assert_allclose(model.se, expected.bse * np.sqrt(30 / 29), rtol=1e-4)
    assert (model.df, model.unit) == (29, "participants")


def test_two_way_clustering_is_never_narrower_than_either_side():
    rng = np.random.default_rng(3)
    frame = drawn([0.0, 0.4, 0.8], rng, n=600)
    participants, items = np.arange(600) // 20, np.arange(600) % 15
    by_participant, by_item = fitted(frame, participants=participants), fitted(frame, participants=items)
    both = fitted(frame, participants=participants, items=items)
    assert (both.se >= np.maximum(by_participant.se, by_item.se) - 1e-12).all()
    assert (both.df, both.unit) == (14, "participants and items")


def test_people_with_tastes_of_their_own_make_clustered_tests_honest():
    rng = np.random.default_rng(4)
    naive = clustered = 0
    for _ in range(200):
        taste = rng.normal(0, 1.5, 20)
        person = np.repeat(np.arange(20), 15)
        y = np.where(rng.random(300) < 1 / (1 + np.exp(-taste[person])), 1, -1)
        frame = pd.DataFrame({"first": "a", "second": "b", "y": y})
        naive += fitted(frame).preference("a", "b").p < 0.05
        clustered += fitted(frame, participants=person).preference("a", "b").p < 0.05
    assert naive / 200 > 0.25
    assert clustered / 200 < 0.10


def test_position_bias_is_found_and_taken_out():
    frame = drawn([0.0, 1.0], np.random.default_rng(5), n=4000, tie=0.5, position=0.6)
    model = fitted(frame, has_position=True)
    assert model.position == pytest.approx(0.6, abs=0.15)
    assert model.worths[1] == pytest.approx(1.0, abs=0.15)
    t, p = model.position_test()
    assert t > 5
    assert p < 1e-6
    with pytest.raises(UndefinedError, match="has no position bias"):
        fitted(frame).position_test()


def test_a_preference_has_its_probability_with_an_interval_in_both_directions(comparisons):
    model = fitted(comparisons)
    best = model.preferences()[0]
    assert (best.first, best.second) == ("d", "c")
    back = model.preference("c", "d")
    assert back.probability == pytest.approx(1 - best.probability)
    assert (back.low, back.high) == pytest.approx((1 - best.high, 1 - best.low))
    assert 0.5 < best.low < best.probability < best.high < 1
    assert back.p == pytest.approx(best.p)


def test_objects_that_were_never_compared_are_named():
    with pytest.raises(UndefinedError, match=r"never compared: a, b \| c, d"):
        fit_preferences(["a", "b", "c", "d"], ["b", "a", "d", "c"], [1, 1, 1, 1])


def test_an_object_that_never_lost_gets_a_finite_penalised_worth_and_a_sentence():
    model = fit_preferences(["a", "b", "a", "c", "b", "c"], ["b", "a", "c", "a", "c", "b"], [1, -1, 1, -1, 1, 1])
    assert model.is_penalized
    assert model.notes[0].startswith("a never lost against the others")
    assert 0 < model.preference("a", "b").log_odds < 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], [], []), "no comparisons"),
        ((["a"], ["a"], [1]), "compared with itself"),
        ((["a"], ["b"], [2]), "Outcomes must be"),
        ((["a", "b"], ["b"], [1]), "needs a first object"),
    ],
)
def test_comparisons_that_are_none_are_refused(arguments, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        fit_preferences(*arguments)


def test_one_participant_is_nothing_to_generalise_from():
    with pytest.raises(UndefinedError, match="one participant"):
        fit_preferences(["a", "b"], ["b", "a"], [1, 1], participants=["p", "p"])


def test_an_unknown_object_is_refused(comparisons):
    with pytest.raises(UndefinedError, match="goose was in no comparison"):
        fitted(comparisons).preference("a", "goose")
