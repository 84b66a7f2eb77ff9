"""Do answers go with a covariate? Spearman's rank correlation of responses of crossed participants and items.

Spearman 1904; interval by resampling participants and items (Owen 2007), the ranks being those of the whole sample.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from study.statistics.bootstrap import checked
from study.statistics.crossed_means import Labels, Tested, UndefinedError, Values


@dataclass(frozen=True)
class Correlation:
    """rho with its interval; ``within`` tests the mean of the participants' own correlations against 0."""

    rho: float
    low: float | None
    high: float | None
    interval: str
    within: Tested | None
    problem: str = ""  # why there is no interval


def spearman(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    participants: Labels,
    items: Labels,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> Correlation:
    """Over all responses (n,). Raises ``UndefinedError`` where either variable does not vary or there are under 3."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(a) < 3:
        raise UndefinedError(f"a rank correlation needs at least three answers; there are {len(a)}")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        raise UndefinedError("one of the two does not vary, so they cannot go together")
    ranks = stats.rankdata(a) - (len(a) + 1) / 2, stats.rankdata(b) - (len(b) + 1) / 2
    people, things = pd.factorize(np.asarray(participants))[0], pd.factorize(np.asarray(items))[0]
    moments = _moments(*ranks, people, things)
    rho = float(_correlation(moments.sum((1, 2)))[()])
    sizes = moments.shape[1:]
    units = "participants and items" if min(sizes) > 1 else "participants" if sizes[0] > 1 else "items"
    name = f"{100 * level:g} % {'two-way bootstrap' if min(sizes) > 1 else f'bootstrap over {units}'}"
    within = _within(a, b, people)
    if max(sizes) < 2:
        words = "there are only one participant and one item"
        return Correlation(rho, None, None, name, within, words)
    rng = np.random.default_rng(seed)
    by_person, by_thing = (rng.multinomial(size, np.full(size, 1 / size), size=replicates) for size in sizes)
    drawn = np.stack([((by_person @ table) * by_thing).sum(1) for table in moments])
    try:
        found = checked(np.array([rho]), _correlation(drawn)[:, None], units)
    except UndefinedError as error:
        return Correlation(rho, None, None, name, within, str(error).rstrip("."))
    (low,), (high,) = found.interval(level)
    return Correlation(rho, float(low), float(high), name, within)


def _moments(a: Values, b: Values, people: npt.NDArray[np.intp], things: npt.NDArray[np.intp]) -> Values:
    """Sums of 1, a, b, a², b², ab for each participant and item: (6, P, I)."""
    tables = np.zeros((6, people.max() + 1, things.max() + 1))
    for table, values in zip(tables, (np.ones_like(a), a, b, a * a, b * b, a * b), strict=True):
        np.add.at(table, (people, things), values)
    return tables


def _correlation(moments: Values) -> Values:
    n, a, b, aa, bb, ab = moments
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((ab - a * b / n) / np.sqrt((aa - a * a / n) * (bb - b * b / n)))


def _within(a: Values, b: Values, people: npt.NDArray[np.intp]) -> Tested | None:
    """t over participants of their own correlations, as Fisher's z; None for fewer than two participants with one."""
    found = []
    for rows in np.split(np.argsort(people, kind="stable"), np.cumsum(np.bincount(people))[:-1]):
        if len(rows) > 3 and np.ptp(a[rows]) > 0 and np.ptp(b[rows]) > 0:
            rho = float(stats.spearmanr(a[rows], b[rows]).statistic)
            found.append(np.arctanh(np.clip(rho, -0.999999, 0.999999)))
    if len(found) < 2 or np.ptp(found) == 0:
        return None
    test = stats.ttest_1samp(found, 0.0)
    return Tested(float(test.statistic), len(found) - 1.0, float(test.pvalue), "participants")
