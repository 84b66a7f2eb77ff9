"""Pooling against metafor's published analysis of the BCG vaccine trials, statsmodels and simulation."""

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from study.statistics.crossed_means import UndefinedError
from study.statistics.pooling import Pooled, pool

# Colditz et al. 1994, as in metafor's dat.bcg: vaccinated with and without tuberculosis, controls with and without.
BCG = np.array(
    [
        [4, 119, 11, 128],
        [6, 300, 29, 274],
        [3, 228, 11, 209],
        [62, 13536, 248, 12619],
        [33, 5036, 47, 5761],
        [180, 1361, 372, 1079],
        [8, 2537, 10, 619],
        [505, 87886, 499, 87892],
        [29, 7470, 45, 7232],
        [17, 1699, 65, 1600],
        [186, 50448, 141, 27197],
        [5, 2493, 3, 2338],
        [27, 16886, 29, 17825],
    ],
    dtype=float,
)


def bcg(**options) -> Pooled:
    a, b, c, d = BCG.T
    return pool(np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)), **options)


def test_restricted_likelihood_has_metafors_published_values():
    found = bcg(has_knapp_hartung=False)
    assert (found.estimate, found.se) == pytest.approx((-0.7145, 0.1798), abs=5e-5)
    assert (found.low, found.high) == pytest.approx((-1.0669, -0.3622), abs=5e-5)
    assert found.tau_squared == pytest.approx(0.3132, abs=5e-5)
    assert 100 * found.i_squared == pytest.approx(92.22, abs=5e-3)
    assert (found.q, found.q_df) == (pytest.approx(152.2330, abs=5e-5), 12)
    assert (np.exp(found.predicted_low), np.exp(found.predicted_high)) == pytest.approx((0.1546, 1.5490), abs=5e-5)


def test_dersimonian_laird_has_metafors_published_values_and_equals_statsmodels():
    found = bcg(method="dersimonian_laird", has_knapp_hartung=False)
    assert (found.estimate, found.se, found.tau_squared) == pytest.approx((-0.7141, 0.1787, 0.3088), abs=5e-5)
    a, b, c, d = BCG.T
    y, v = np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    peer = combine_effects(y, v, method_re="dl")
    assert (found.estimate, found.tau_squared) == pytest.approx((peer.mean_effect_re, peer.tau2))


def test_knapp_hartung_keeps_its_level_where_wald_does_not():
    rng = np.random.default_rng(1)
    covered = {True: 0, False: 0}
    predicted = 0
    for _ in range(400):
        se = rng.uniform(0.1, 0.4, 5)
        y = rng.normal(0.3, np.sqrt(0.2**2 + se**2))
        for knapp in covered:
            found = pool(y, se, has_knapp_hartung=knapp)
            covered[knapp] += found.low <= 0.3 <= found.high
            predicted += knapp and found.predicted_low <= rng.normal(0.3, 0.2) <= found.predicted_high
    assert covered[True] / 400 > 0.93
    assert covered[False] / 400 < covered[True] / 400
    assert predicted / 400 > 0.90


def test_studies_that_agree_have_no_heterogeneity_and_narrow_prediction():
    found = pool([0.30, 0.31, 0.29], [0.1, 0.1, 0.1])
    assert found.tau_squared == 0
    assert found.i_squared == 0
    assert found.estimate == pytest.approx(0.30)
    np.testing.assert_allclose(found.weights, 1 / 3)
    assert found.interval == "95 % t, Knapp-Hartung, 2 df"
    assert found.prediction == "95 % prediction, t, 1 df"


def test_restricted_likelihood_is_not_left_at_a_lower_of_two_maxima():
    rng = np.random.default_rng(2)
    for _ in range(100):
        k = int(rng.integers(2, 6))
        v = rng.uniform(0.001, 2, k)
        y = rng.normal(0, 1, k)

        def likelihood(t: float, y: np.ndarray = y, v: np.ndarray = v) -> float:
            w = 1 / (v + t)
            return 0.5 * (np.log(w).sum() - np.log(w.sum()) - w @ (y - w @ y / w.sum()) ** 2)

        best = max(likelihood(t) for t in np.linspace(0, 12, 2001))
        assert likelihood(pool(y, np.sqrt(v)).tau_squared) >= best - 1e-6


@pytest.mark.parametrize(
    ("estimates", "errors", "sentence"),
    [([0.1], [0.1], "at least two studies"), ([0.1, 0.2], [0.1, 0.0], "positive standard error")],
)
def test_what_cannot_be_pooled_is_a_sentence(estimates, errors, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        pool(estimates, errors)


def test_an_unknown_method_is_refused():
    with pytest.raises(UndefinedError, match="no estimator"):
        pool([0.1, 0.2], [0.1, 0.1], method="guess")
