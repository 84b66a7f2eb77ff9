"""Equivalence: two one-sided tests from a design-aware estimate, its standard error and degrees of freedom.

Schuirmann 1987; Lakens 2017. Equivalence is claimed where the 1 - 2α interval lies inside the margin. It says nothing
where the study could not have shown a difference: it is withheld unless the positive control showed an effect.
"""

from dataclasses import dataclass
from enum import StrEnum

from study.statistics.crossed_means import Difference, UndefinedError


class Verdict(StrEnum):
    """What two one-sided tests and the two-sided test say together."""

    EQUIVALENT = "equivalent"  # inside the margin, no difference shown
    TRIVIALLY_DIFFERENT = "different, but by less than the margin"
    DIFFERENT = "different"
    INCONCLUSIVE = "inconclusive"
    WITHHELD = "withheld: the positive control showed no effect"


@dataclass(frozen=True)
class Equivalence:
    """low, high: the 1 - 2α interval; p: the larger of the two one-sided p values."""

    estimate: float
    margin: float
    reason: str
    p: float
    t_lower: float
    t_upper: float
    df: float
    low: float
    high: float
    interval: str
    p_difference: float
    verdict: Verdict


def default_margin(positive_control: float, blind_control: float) -> float:
    """The largest margin without a reason of its own: a third of what the positive control gains over the blind one.

    Raises ``UndefinedError`` where it gains nothing.
    """
    gain = positive_control - blind_control
    if gain <= 0:
        raise UndefinedError("The positive control is no better than the blind control: no margin follows from them.")
    return gain / 3


def equivalence(
    found: Difference,
    margin: float,
    *,
    reason: str,
    has_positive_control_effect: bool | None,
    alpha: float = 0.05,
) -> Equivalence:
    """Test |true difference| < margin. ``found`` and the margin share a unit (fractions or points).

    reason: why the margin is as it is, in words, for the report. has_positive_control_effect: None where the study has
    no positive control: then nothing is withheld, and the report must say so.
    Raises ``UndefinedError`` for a margin or standard error that is not positive, no df, or no reason.
    """
    if not margin > 0:
        raise UndefinedError(f"The margin must be positive, not {margin:g}.")
    if not reason.strip():
        raise UndefinedError("A margin needs its reason in words.")
    if not found.standard_error > 0:
        raise UndefinedError("Equivalence is undefined: the estimate has no standard error (no variation).")
    if not found.df > 0:
        raise UndefinedError("Equivalence is undefined: too few units for a standard error.")
    above, below = found.t_test("greater", -margin), found.t_test("less", margin)
    p, p_difference = max(above.p, below.p), found.t_test().p
    low, high = found.t_interval(1 - 2 * alpha)
    if has_positive_control_effect is False:
        verdict = Verdict.WITHHELD
    elif p < alpha:
        verdict = Verdict.TRIVIALLY_DIFFERENT if p_difference < alpha else Verdict.EQUIVALENT
    else:
        verdict = Verdict.DIFFERENT if p_difference < alpha else Verdict.INCONCLUSIVE
    return Equivalence(
        estimate=found.difference,
        margin=margin,
        reason=reason,
        p=p,
        t_lower=above.statistic,
        t_upper=below.statistic,
        df=found.df,
        low=low,
        high=high,
        interval=f"{100 * (1 - 2 * alpha):g} % t, {found.df:.4g} df",
        p_difference=p_difference,
        verdict=verdict,
    )
