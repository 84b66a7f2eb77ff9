"""Rank correlations over methods: scipy's value, honest uncertainty, and 'too few'."""

import numpy as np
import pytest
from scipy import stats

from study.statistics.crossed_means import UndefinedError
from study.statistics.rank_correlation import over_items, over_methods


def test_correlation_over_methods_is_spearmans_of_their_means():
    rng = np.random.default_rng(1)
    automatic, human = rng.normal(size=(9, 20)), rng.normal(size=(9, 30)) + np.arange(9)[:, None]
    found = over_methods(automatic, human, replicates=200)
    expected = stats.spearmanr(automatic.mean(axis=1), human.mean(axis=1)).statistic
    assert found.estimate == pytest.approx(expected)
    assert found.low <= found.estimate <= found.high
    assert found.interval == "95 % bootstrap over methods, 200 replicates"
    assert found.methods == 9


def test_a_perfect_order_of_six_methods_has_the_exact_p_of_its_permutations():
    found = over_methods(np.arange(6), np.arange(6) ** 2, replicates=100)
    assert found.estimate == 1
    assert found.p == pytest.approx(2 / 720)


def test_unrelated_scores_are_rarely_called_related():
    rng = np.random.default_rng(2)
    p = [over_methods(rng.normal(size=7), rng.normal(size=7), replicates=20).p for _ in range(30)]
    assert np.mean(np.array(p) < 0.05) <= 0.2


def test_correlations_over_items_are_those_within_each_method():
    rng = np.random.default_rng(3)
    automatic, human = rng.normal(size=(3, 15)), rng.normal(size=(3, 15))
    human[1, 4] = np.nan
    human[2] = 1.0
    each, mean = over_items(automatic, human)
    assert each[0] == pytest.approx(stats.spearmanr(automatic[0], human[0]).statistic)
    kept = np.arange(15) != 4
    assert each[1] == pytest.approx(stats.spearmanr(automatic[1, kept], human[1, kept]).statistic)
    assert np.isnan(each[2])
    assert mean == pytest.approx(np.nanmean(each))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: over_methods(np.arange(5), np.arange(5)), "5 methods are too few"),
        (lambda: over_methods(np.arange(6), np.arange(7)), "same methods"),
        (lambda: over_methods(np.ones(6), np.arange(6)), "all methods score the same"),
        (lambda: over_methods([1, 2, 3, 4, 5, np.nan], np.arange(6)), "no score"),
        (lambda: over_items(np.ones((2, 5)), np.ones((2, 5))), "undefined for every method"),
        (lambda: over_items(np.ones(5), np.ones(5)), "tables of methods by items"),
    ],
)
def test_undefined_correlations_are_sentences(call, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        call()
