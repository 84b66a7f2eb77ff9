"""Do arms lose participants differently? Then those who stay are no longer alike (differential drop-out)."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from study.statistics.crossed_means import Tested


def differential_dropout(finished: Sequence[int], lost: Sequence[int]) -> Tested | None:
    """Fisher's exact test over arms (Freeman & Halton 1951); None where nobody or everybody was lost, or in one arm.

    Above 5,000 participants Pearson's chi-squared test, which then agrees.
    """
    table = np.array([finished, lost], dtype=np.int64)
    table = table[:, table.sum(0) > 0]
    if table.shape[1] < 2 or (table.sum(1) == 0).any():
        return None
    if table.sum() > 5000 or table.shape[1] > 2:
        result = stats.chi2_contingency(table, correction=False)
        return Tested(float(result.statistic), float(result.dof), float(result.pvalue), "participants")
    odds, p = stats.fisher_exact(table)
    return Tested(float(odds), float("nan"), float(p), "participants")


def worst_case(
    first: Sequence[float], lost_first: int, second: Sequence[float], lost_second: int, low: float, high: float
) -> tuple[float, float]:
    """The least and the most that first − second can be, whatever the lost participants' means in [low, high] were.

    first, second: the means of those who are there. Horowitz & Manski 2000.
    """

    def mean(there: Sequence[float], lost: int, value: float) -> float:
        return (sum(there) + lost * value) / (len(there) + lost)

    return (
        mean(first, lost_first, low) - mean(second, lost_second, high),
        mean(first, lost_first, high) - mean(second, lost_second, low),
    )
