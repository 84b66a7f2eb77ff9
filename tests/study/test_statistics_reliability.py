"""Reliability against Shrout & Fleiss's table, simulation and definition."""

import numpy as np
import pandas as pd
import pytest

from study.statistics.crossed_means import UndefinedError
from study.statistics.reliability import intraclass_correlation, self_consistency, split_half, variance_share

# Shrout & Fleiss 1979, table 2: six targets, four judges; coefficients from table 4.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


@pytest.mark.parametrize(
    ("kind", "published"),
    [
        ("ICC(1,1)", 0.17),
        ("ICC(2,1)", 0.29),
        ("ICC(3,1)", 0.71),
        ("ICC(1,k)", 0.44),
        ("ICC(2,k)", 0.62),
        ("ICC(3,k)", 0.91),
    ],
)
def test_intraclass_correlations_have_their_published_values(kind, published):
    assert intraclass_correlation(SHROUT_FLEISS, kind).estimate == pytest.approx(published, abs=0.005)


@pytest.mark.parametrize("kind", ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"])
def test_intervals_of_intraclass_correlations_cover_the_truth(kind):
    rng = np.random.default_rng(1)
    bias = 0.0 if kind != "ICC(2,1)" else 0.8
    truth = 1.0 / (1.0 + bias**2 + 1.0)
    covered = 0
    for _ in range(400):
        table = rng.normal(0, 1, (20, 1)) + rng.normal(0, bias, (1, 12)) + rng.normal(0, 1, (20, 12))
        found = intraclass_correlation(table, kind)
        covered += found.low <= truth <= found.high
    assert 0.925 < covered / 400 < 0.975


def test_variance_share_of_complete_ratings_is_the_absolute_intraclass_correlation():
    table = pd.DataFrame(
        [(f"p{j}", f"i{i}", SHROUT_FLEISS[i, j]) for i in range(6) for j in range(4)],
        columns=["participant", "item", "rating"],
    )
    expected = intraclass_correlation(SHROUT_FLEISS, "ICC(2,1)").estimate
    assert variance_share(table).estimate == pytest.approx(expected, abs=1e-4)
    thinned = variance_share(table.drop(index=[3, 10]))
    assert abs(thinned.estimate - expected) < 0.15
    assert (thinned.raters, thinned.items) == (4, 6)


def test_split_half_estimates_the_reliability_of_the_mean_of_all_raters():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(40):
        table = rng.normal(0, 1, (60, 1)) + rng.normal(0, 2, (60, 16))
        found.append(split_half(table, splits=20, seed=3).estimate)
    assert np.mean(found) == pytest.approx(1 / (1 + 4 / 16), abs=0.02)


def test_split_half_copes_with_missing_ratings_and_has_an_interval_over_items():
    rng = np.random.default_rng(4)
    table = rng.normal(0, 1, (80, 1)) + rng.normal(0, 1, (80, 10))
    table[rng.random(table.shape) < 0.3] = np.nan
    found = split_half(table, splits=30, replicates=200)
    assert found.low < found.estimate < found.high < 1
    assert found.interval == "95 % bootstrap over items, 200 replicates"


def test_self_consistency_counts_same_answers_and_corrects_for_chance():
    rng = np.random.default_rng(5)
    first = rng.integers(0, 2, 2000)
    same, agreement = self_consistency(first, rng.integers(0, 2, 2000), "nominal")
    assert same == pytest.approx(0.5, abs=0.04)
    assert agreement.estimate == pytest.approx(0, abs=0.06)
    assert self_consistency(first, first, "nominal")[0] == 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: intraclass_correlation([[1, 2]]), "at least two items"),
        (lambda: intraclass_correlation([[1, np.nan], [1, 2]]), "Ratings are missing"),
        (lambda: intraclass_correlation([[1, 1], [1, 1]]), "no variation"),
        (lambda: intraclass_correlation([[1, 2], [2, 1]], "ICC(4,1)"), "no intraclass correlation"),
        (lambda: split_half([[1, 2], [2, 3]]), "at least three items"),
        (lambda: split_half(np.ones((5, 6))), "same mean"),
        (lambda: self_consistency([1], [np.nan], "nominal"), "No trial was answered twice"),
        (lambda: self_consistency([1, 2], [1], "nominal"), "as many second answers"),
    ],
)
def test_undefined_reliability_is_a_sentence(call, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        call()


def test_perfect_raters_are_perfectly_reliable():
    table = np.tile(np.arange(5.0)[:, None], (1, 4))
    for kind in ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)"):
        found = intraclass_correlation(table, kind)
        assert (found.estimate, found.low, found.high) == (1, 1, 1)


def test_one_rating_per_person_and_item_is_too_little_for_a_model():
    with pytest.raises(UndefinedError):
        variance_share(pd.DataFrame({"participant": ["a", "b"], "item": ["x", "x"], "rating": [1, 2]}))


def test_a_split_half_and_its_limits_stay_between_minus_one_and_one():
    # Each item's two judgements are one high and one low: the halves' means go against each other.
    table = np.array([[k, 10.0 - k] for k in range(8)])
    found = split_half(table, splits=10, replicates=200)
    assert found.estimate == pytest.approx(-1.0)
    assert -1 <= found.low <= found.high <= 1
    rng = np.random.default_rng(5)
    noise = split_half(rng.normal(size=(8, 6)), splits=20, replicates=400)
    assert -1 <= noise.low < noise.estimate < noise.high <= 1  # by 2r/(1 + r) the lower limit would be -10.0
