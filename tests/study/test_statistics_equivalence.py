"""Equivalence against statsmodels, by its error rate, and by what it withholds."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from study.statistics.crossed_means import Difference, UndefinedError, crossed_difference
from study.statistics.equivalence import Verdict, default_margin, equivalence

REASON = "a third of the positive control's gain"


def judged(estimate: float, se: float, df: float = 40, margin: float = 0.05, control: bool | None = True):
    found = Difference(estimate, se, df, "participants", is_paired=False)
    return equivalence(found, margin, reason=REASON, has_positive_control_effect=control)


def test_two_one_sided_tests_equal_those_of_statsmodels():
    x = np.random.default_rng(1).normal(0.01, 0.2, 50)
    p, lower, upper = DescrStatsW(x).ttost_mean(-0.1, 0.1)
    found = judged(float(x.mean()), float(x.std(ddof=1) / np.sqrt(50)), 49, 0.1)
    assert found.p == pytest.approx(p)
    assert (found.t_lower, found.t_upper) == pytest.approx((lower[0], upper[0]))
    low, high = DescrStatsW(x).tconfint_mean(alpha=0.10)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.interval == "90 % t, 49 df"


@pytest.mark.parametrize(
    ("estimate", "se", "control", "verdict"),
    [
        (0.00, 0.01, True, Verdict.EQUIVALENT),
        (0.03, 0.01, True, Verdict.TRIVIALLY_DIFFERENT),
        (0.10, 0.01, True, Verdict.DIFFERENT),
        (-0.10, 0.01, True, Verdict.DIFFERENT),
        (0.00, 0.10, True, Verdict.INCONCLUSIVE),
        (0.00, 0.01, False, Verdict.WITHHELD),
        (0.00, 0.01, None, Verdict.EQUIVALENT),
    ],
)
def test_verdict_follows_the_interval_the_margin_and_the_positive_control(estimate, se, control, verdict):
    found = judged(estimate, se, control=control)
    assert found.verdict == verdict
    if verdict in (Verdict.EQUIVALENT, Verdict.TRIVIALLY_DIFFERENT):
        assert -0.05 < found.low < found.high < 0.05


def test_a_difference_as_large_as_the_margin_is_called_equivalent_in_one_study_of_twenty_at_most():
    rng = np.random.default_rng(2)
    claimed = by_trial = 0
    p, i = np.repeat(np.arange(40), 16), np.tile(np.arange(16), 40)
    for _ in range(400):
        first = (p + i) % 2 == 0
        slope = rng.normal(0.2, 0.4, 40)
        y = rng.normal(0, 0.5, 40)[p] + rng.normal(0, 0.3, 16)[i] + slope[p] * first + rng.normal(0, 0.3, 640)
        found = crossed_difference(y, first, p, i)
        claimed += equivalence(found, 0.2, reason=REASON, has_positive_control_effect=True).verdict in (
            Verdict.EQUIVALENT,
            Verdict.TRIVIALLY_DIFFERENT,
        )
        naive = np.sqrt(y[first].var() / 320 + y[~first].var() / 320)
        by_trial += judged(found.difference, naive, 638, 0.2).p < 0.05
    assert claimed / 400 <= 0.07
    assert by_trial / 400 > claimed / 400


def test_default_margin_is_a_third_of_the_gain_and_needs_one():
    assert default_margin(0.8, 0.5) == pytest.approx(0.1)
    with pytest.raises(UndefinedError, match="no better than the blind control"):
        default_margin(0.5, 0.5)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"margin": 0.0}, "margin must be positive"),
        ({"se": 0.0}, "no variation"),
        ({"df": 0}, "too few units"),
        ({"reason": " "}, "reason in words"),
    ],
)
def test_undefined_equivalence_is_a_sentence(changed, sentence):
    given = {"se": 0.1, "df": 10, "margin": 0.1, "reason": REASON} | changed
    found = Difference(0.0, given["se"], given["df"], "participants", is_paired=False)
    with pytest.raises(UndefinedError, match=sentence):
        equivalence(found, given["margin"], reason=given["reason"], has_positive_control_effect=True)
