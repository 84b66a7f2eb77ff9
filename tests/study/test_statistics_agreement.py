"""Agreement against the krippendorff package, published tables and plain loops."""

import itertools

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import fleiss_kappa as equal_counts_kappa

from study.statistics.agreement import fleiss_kappa, krippendorff_alpha
from study.statistics.crossed_means import UndefinedError

# Krippendorff 2011, example C: four observers, twelve units, missing judgements; alphas .743, .815, .849, .797.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
        [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    ]
)
# Fleiss' kappa of 14 raters over 10 subjects, 0.210.
FOURTEEN_RATERS = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


@pytest.mark.parametrize(
    ("measurement", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_has_its_published_values(measurement, published):
    found = krippendorff_alpha(PUBLISHED, measurement)
    assert found.estimate == pytest.approx(published, abs=5e-4)
    assert (found.raters, found.items, found.judgements) == (4, 11, 40)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), measurement=st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_alpha_equals_the_krippendorff_package(seed, measurement):
    rng = np.random.default_rng(seed)
    raters, items, categories = rng.integers(2, 8), rng.integers(3, 30), rng.integers(2, 9)
    table = rng.integers(0, categories, (raters, items)).astype(float)
    table[rng.random(table.shape) < rng.random() * 0.6] = np.nan
    pairable = table[:, np.isfinite(table).sum(axis=0) >= 2]
    if len(np.unique(pairable[np.isfinite(pairable)])) < 2:
        with pytest.raises(UndefinedError):
            krippendorff_alpha(table, measurement)
        return
    expected = krippendorff.alpha(reliability_data=pairable, level_of_measurement=measurement)
    assert krippendorff_alpha(table, measurement).estimate == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("measurement", ["nominal", "ordinal", "interval", "ratio"])
def test_bootstrap_replicates_are_the_alphas_of_tables_of_drawn_items(measurement):
    table = np.random.default_rng(5).integers(1, 6, (6, 40)).astype(float)
    table[:, :30] = table[0, :30] + np.random.default_rng(6).integers(-1, 2, (6, 30))
    table = table.clip(1, 7)
    table[0, 3] = np.nan
    found = krippendorff_alpha(table, measurement, replicates=400, seed=7)
    rng = np.random.default_rng(8)
    slow = [
        krippendorff.alpha(reliability_data=table[:, rng.integers(0, 40, 40)], level_of_measurement=measurement)
        for _ in range(400)
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(slow, [0.025, 0.975])), abs=0.04)
    assert found.low < found.estimate < found.high
    assert found.interval == "95 % bootstrap over items, 400 replicates"
    assert found == krippendorff_alpha(table, measurement, replicates=400, seed=7)


def test_alpha_is_one_for_agreement_about_zero_for_chance_and_below_for_opposition():
    rng = np.random.default_rng(9)
    same = np.tile(rng.integers(1, 5, 30), (3, 1))
    assert krippendorff_alpha(same, "nominal").estimate == 1
    assert abs(krippendorff_alpha(rng.integers(1, 5, (3, 3000)), "nominal").estimate) < 0.03
    assert krippendorff_alpha([[0, 1] * 10, [1, 0] * 10], "nominal").estimate < -0.9


def test_fleiss_kappa_has_its_published_value_and_equals_statsmodels_for_equal_counts():
    assert fleiss_kappa(FOURTEEN_RATERS).estimate == pytest.approx(0.210, abs=5e-4)
    assert fleiss_kappa(FOURTEEN_RATERS).estimate == pytest.approx(equal_counts_kappa(FOURTEEN_RATERS), abs=1e-12)


def test_fleiss_kappa_with_unequal_counts_equals_plain_loops():
    rng = np.random.default_rng(10)
    counts = np.stack([rng.multinomial(m, [0.5, 0.3, 0.2]) for m in rng.integers(1, 9, 25)])
    agreements, shares = [], []
    for row in counts:
        votes = [k for k, n in enumerate(row) for _ in range(n)]
        shares.append(row / len(votes))
        if len(votes) > 1:
            pairs = list(itertools.permutations(range(len(votes)), 2))
            agreements.append(np.mean([votes[a] == votes[b] for a, b in pairs]))
    by_chance = (np.mean(shares, axis=0) ** 2).sum()
    expected = (np.mean(agreements) - by_chance) / (1 - by_chance)
    found = fleiss_kappa(counts, replicates=300)
    assert found.estimate == pytest.approx(expected, abs=1e-12)
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: krippendorff_alpha([[1, 1], [1, 1]], "nominal"), "no variation"),
        (lambda: krippendorff_alpha([[1, np.nan], [np.nan, 2]], "nominal"), "no item was judged by two"),
        (lambda: krippendorff_alpha([[1, 2], [-1, 2]], "ratio"), "no negative values"),
        (lambda: krippendorff_alpha([[1, 2], [1, 2]], "cardinal"), "no level of measurement"),
        (lambda: krippendorff_alpha([1, 2], "nominal"), "table of raters by items"),
        (lambda: krippendorff_alpha([[1], [2]], "nominal", replicates=10), "at least two items"),
        (lambda: fleiss_kappa([[3, 0], [3, 0]]), "no variation"),
        (lambda: fleiss_kappa([[1, 0], [0, 1]]), "no item was judged by two"),
        (lambda: fleiss_kappa([[-1, 2]]), "without negative"),
    ],
)
def test_undefined_agreement_is_a_sentence(call, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        call()
