"""Bayes factors against published examples and slow integrals of noncentral densities."""

import numpy as np
import pytest
from scipy import integrate, stats

from study.statistics.bayes_factor import jzs, normal_prior, sensitivity
from study.statistics.crossed_means import UndefinedError


@pytest.mark.parametrize(
    ("t", "n", "n_other", "scale", "bf10"),
    [
        # Rouder et al. 2009 on Grider & Malmberg's t(79) = 2.03 and 2.24: evidence for the null of 1.56 and 1.02
        (2.03, 80, None, 1.0, 1 / 1.56),
        (2.24, 80, None, 1.0, 1 / 1.02),
        # pingouin's documented bayesfactor_ttest(3.5, 20, 20) and (3.5, 20)
        (3.5, 20, 20, 0.707, 26.743),
        (3.5, 20, None, 0.707, 17.185),
    ],
)
def test_bayes_factors_have_their_published_values(t, n, n_other, scale, bf10):
    assert jzs(t, n, n_other, scale=scale).bf10 == pytest.approx(bf10, rel=5e-3 if scale == 1.0 else 5e-5)


@pytest.mark.parametrize("t", [-3.0, 0.0, 0.7, 5.0])
@pytest.mark.parametrize(("direction", "low", "high"), [("both", -9, 9), ("positive", 0, 9), ("negative", -9, 0)])
def test_bayes_factor_equals_the_integral_over_effects(t, direction, low, high):
    effects = np.linspace(low, high, 40_001)
    prior = stats.cauchy.pdf(effects, scale=0.5) * (1 if direction == "both" else 2)
    likelihood = stats.nct.pdf(t, 24, effects * 5)
    slow = integrate.trapezoid(prior * likelihood, effects) / stats.t.pdf(t, 24)
    assert jzs(t, 25, scale=0.5, direction=direction).bf10 == pytest.approx(slow, rel=2e-3)


def test_halves_of_the_prior_average_to_the_whole():
    whole, up, down = (jzs(2.2, 30, direction=direction).bf10 for direction in ("both", "positive", "negative"))
    assert whole == pytest.approx((up + down) / 2, rel=1e-6)


@pytest.mark.parametrize(("direction", "low", "high"), [("both", -2, 2), ("positive", 0, 2), ("negative", -2, 0)])
def test_normal_prior_equals_a_sum_over_a_grid(direction, low, high):
    effects = np.linspace(low, high, 400_001)
    prior = stats.norm.pdf(effects, 0.02, 0.08)
    prior /= integrate.trapezoid(prior, effects)
    slow = integrate.trapezoid(prior * stats.t.pdf((0.05 - effects) / 0.02, 30), effects) / stats.t.pdf(0.05 / 0.02, 30)
    found = normal_prior(0.05, 0.02, 30, sd=0.08, mean=0.02, direction=direction)
    assert found.bf10 == pytest.approx(slow, rel=1e-4)
    assert found.bf01 == pytest.approx(1 / slow, rel=1e-4)


def test_evidence_for_nothing_grows_as_the_prior_widens_and_the_prior_is_named():
    curve = sensitivity(0.0, 0.02, 60, [0.02, 0.05, 0.1, 0.5])
    assert (np.diff([one.bf01 for one in curve]) > 0).all()
    assert curve[1].prior == "normal prior with mean 0 and standard deviation 0.05"
    assert jzs(1.0, 20, direction="positive").prior.endswith("scale 0.707, positive half only")


def test_a_very_precise_estimate_is_integrated_too():
    assert normal_prior(0.3, 1e-5, 1e4, sd=1.0).bf10 > 1e30
    assert normal_prior(0.0, 1e-5, 1e4, sd=1.0).bf01 == pytest.approx(1e5, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: jzs(float("nan"), 20), "finite t"),
        (lambda: jzs(2.0, 1), "at least two units"),
        (lambda: jzs(2.0, 20, scale=0), "positive scale"),
        (lambda: normal_prior(0.1, 0.0, 20, sd=1), "positive standard error"),
    ],
)
def test_undefined_bayes_factors_are_sentences(call, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        call()
