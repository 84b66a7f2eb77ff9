"""Signal detection against integrals, simulation and identities of the theory."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import integrate, stats

from study.statistics.bootstrap import two_way_bootstrap
from study.statistics.crossed_means import UndefinedError
from study.statistics.detection import (
    fit_ratings,
    forced_choice,
    forced_choice_dprime,
    proportion_correct,
    roc,
    yes_no,
)


def test_two_alternatives_have_root_two_times_z():
    assert proportion_correct(1.0, 2) == pytest.approx(0.76025, abs=1e-5)
    assert forced_choice_dprime(0.76025, 2) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("m", [3, 4, 10])
@pytest.mark.parametrize("dprime", [-0.5, 0.0, 1.2, 3.0])
def test_more_alternatives_equal_the_integral_and_a_simulation(m, dprime):
    expected, _ = integrate.quad(lambda x: stats.norm.pdf(x - dprime) * stats.norm.cdf(x) ** (m - 1), -10, 14)
    assert proportion_correct(dprime, m) == pytest.approx(expected, abs=1e-7)
    assert forced_choice_dprime(expected, m) == pytest.approx(dprime, abs=1e-5)
    noise = np.random.default_rng(m).normal(size=(200_000, m))
    noise[:, 0] += dprime
    assert (noise.argmax(axis=1) == 0).mean() == pytest.approx(expected, abs=0.005)


def test_forced_choice_standard_error_is_the_spread_of_repeated_studies():
    rng = np.random.default_rng(1)
    found = [forced_choice(rng.binomial(300, proportion_correct(1.5, 4)), 300, 4) for _ in range(2000)]
    dprimes = np.array([one.dprime for one in found])
    assert dprimes.mean() == pytest.approx(1.5, abs=0.02)
    assert np.mean([one.se for one in found]) == pytest.approx(dprimes.std(), rel=0.05)


def test_perfect_and_empty_scores_stay_finite_after_the_correction():
    assert 1 < forced_choice(20, 20, 2).dprime < 4
    assert -4 < forced_choice(0, 20, 2).dprime < -1
    with pytest.raises(UndefinedError, match="infinite"):
        forced_choice_dprime(1.0, 2)
    with pytest.raises(UndefinedError, match="at least two alternatives"):
        forced_choice(3, 4, 1)
    with pytest.raises(UndefinedError, match="5 correct of 4"):
        forced_choice(5, 4, 2)


def test_yes_no_is_a_probit_regression_of_the_corrected_counts():
    found = yes_no(42, 60, 11, 50)
    counts = np.array([[42.5, 18.5], [11.5, 39.5]])
    probit = sm.families.links.Probit()
    fit = sm.GLM(counts, np.array([[1, 0.5], [1, -0.5]]), family=sm.families.Binomial(probit)).fit()
    assert found.dprime == pytest.approx(fit.params[1], abs=1e-6)
    assert found.dprime_se == pytest.approx(fit.bse[1], rel=1e-4)
    assert found.criterion == pytest.approx(-fit.params[0], abs=1e-6)
    assert found.criterion_se == pytest.approx(fit.bse[0], rel=1e-4)
    assert found.log_beta == pytest.approx(found.dprime * found.criterion)


def test_yes_no_corrects_rates_of_one_and_zero_and_refuses_the_impossible():
    found = yes_no(10, 10, 0, 10)
    assert (found.hit_rate, found.false_alarm_rate) == (10.5 / 11, 0.5 / 11)
    assert found.criterion == pytest.approx(0)
    with pytest.raises(UndefinedError, match="without a signal"):
        yes_no(1, 1, 0, 0)
    with pytest.raises(UndefinedError, match="not possible"):
        yes_no(2, 1, 0, 1)


def test_area_under_the_curve_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(2)
    signal = rng.random(300) < 0.4
    confidence = np.round(rng.normal(signal * 1.0, 1), 1)
    pairs = confidence[signal][:, None] - confidence[~signal]
    found = roc(confidence, signal)
    assert found.area == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)
    assert (found.hit_rate[0], found.false_alarm_rate[0]) == (0, 0)
    assert (found.hit_rate[-1], found.false_alarm_rate[-1]) == (1, 1)
    assert roc(np.ones(4), [1, 0, 1, 0]).area == 0.5
    with pytest.raises(UndefinedError, match="without a signal"):
        roc([1, 2], [1, 1])


def test_weights_repeat_trials_so_that_the_curve_can_be_bootstrapped():
    rng = np.random.default_rng(3)
    participants, items = np.repeat(np.arange(15), 20), np.tile(np.arange(20), 15)
    signal = items % 2 == 0
    scores = rng.normal(signal * 1.0, 1)
    weights = rng.integers(0, 3, 300)
    repeated = roc(np.repeat(scores, weights), np.repeat(signal, weights))
    assert roc(scores, signal, weights).area == pytest.approx(repeated.area)
    found = two_way_bootstrap(lambda w: roc(scores, signal, w).area, participants, items, replicates=100)
    low, high = found.interval()
    assert low[0] < found.estimate[0] < high[0]


def test_rating_model_finds_two_distributions_of_unequal_variance():
    rng = np.random.default_rng(4)
    criteria = np.array([-0.5, 0.2, 0.8, 1.5])
    noise = np.bincount(np.searchsorted(criteria, rng.normal(0, 1, 40_000)), minlength=5)
    signal = np.bincount(np.searchsorted(criteria, rng.normal(1.2, 1.4, 40_000)), minlength=5)
    found = fit_ratings(noise, signal)
    assert (found.mean, found.sd) == pytest.approx((1.2, 1.4), abs=0.04)
    np.testing.assert_allclose(found.criteria, criteria, atol=0.03)
    assert found.area == pytest.approx(stats.norm.cdf(1.2 / np.sqrt(1 + 1.4**2)), abs=0.005)
    equal = fit_ratings(noise, signal, is_equal_variance=True)
    assert equal.sd == 1
    assert equal.log_likelihood < found.log_likelihood


def test_rating_model_of_two_ratings_is_dprime():
    found = fit_ratings([70, 30], [20, 80], is_equal_variance=True)
    assert found.mean == pytest.approx(stats.norm.ppf(0.8) - stats.norm.ppf(0.3), abs=1e-4)


@pytest.mark.parametrize(
    ("noise", "signal", "sentence"),
    [
        ([1, 2, 3], [0, 0, 0], "without a signal"),
        ([5, 0, 5], [4, 0, 6], "Only 2 ratings"),
        ([5, 5, 0, 0], [0, 0, 5, 5], "do not overlap"),
    ],
)
def test_ratings_that_determine_no_curve_are_a_sentence(noise, signal, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        fit_ratings(noise, signal)
