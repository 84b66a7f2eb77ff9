"""The interval of a mean over images that is honest for what was measured: shares, leads, few values, many."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

FEWEST = 3  # values, below which an interval would say nothing
FEW = 6  # values, below which resampling them would claim too much: Student's t is asked instead
RESAMPLES = 2000
TAIL = 0.025


class Kind(NamedTuple):
    """What a number can be: no less than ``low``, no more than ``high``; of a lead -1, 0 or 1."""

    low: float = -np.inf
    high: float = np.inf
    is_lead: bool = False


ANY = Kind()
SHARE = Kind(0, 1)  # a probability, or whether something is so
ALIKE = Kind(-1, 1)  # a correlation, cosine or SSIM
FIT = Kind(high=1)  # R²
LEAD = Kind(-1, 1, is_lead=True)  # in how many images more the one is right than the other


class Interval(NamedTuple):
    """A mean with its 95 % limits and their name; limits None and name "" where none can be given."""

    mean: float | None
    low: float | None = None
    high: float | None = None
    name: str = ""


def mean_interval(values: Sequence[float], *, seed: int, over: str = "images", kind: Kind = ANY) -> Interval:
    """The mean of finite values with 95 % limits; none of fewer than three values, or where all are the same.

    Shares of values 0 and 1 by the binomial law (Clopper & Pearson 1934); a lead by the sign test; 3 to 5 values by
    Student's t, cut off where no such number can be; more by the percentile bootstrap (Efron 1979).
    """
    array = np.asarray(values, dtype=float)
    if not len(array):
        return Interval(None)
    mean = float(array.mean())
    if len(array) < FEWEST:
        return Interval(mean)
    if kind.is_lead:
        won, lost = int((array > 0).sum()), int((array < 0).sum())
        if not won + lost:
            return Interval(mean)
        share = (won + lost) / len(array)
        low, high = (share * (2 * end - 1) for end in _binomial(won, won + lost))
        return Interval(mean, low, high, f"95 % sign test over {over}")
    if kind is SHARE and np.isin(array, (0, 1)).all():
        return Interval(mean, *_binomial(int(array.sum()), len(array)), f"95 % exact binomial over {over}")
    if np.ptp(array) == 0:
        return Interval(mean)
    if len(array) < FEW:
        half = float(stats.t.isf(TAIL, len(array) - 1) * stats.sem(array))
        return Interval(mean, max(mean - half, kind.low), min(mean + half, kind.high), f"95 % t over {over}")
    rng = np.random.default_rng(seed)
    means = array[rng.integers(0, len(array), (RESAMPLES, len(array)))].mean(axis=1)
    low, high = np.quantile(means, [TAIL, 1 - TAIL])
    return Interval(mean, float(low), float(high), f"95 % bootstrap over {over}")


def _binomial(hits: int, count: int) -> tuple[float, float]:
    low = float(stats.beta.ppf(TAIL, hits, count - hits + 1)) if hits else 0.0
    high = float(stats.beta.isf(TAIL, hits + 1, count - hits)) if hits < count else 1.0
    return low, high
