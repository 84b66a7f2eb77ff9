"""Do automatic metrics order methods as people do? Rank correlations, with the methods as the sample."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from study.statistics.bootstrap import one_way_bootstrap
from study.statistics.crossed_means import UndefinedError, Values

PERMUTATIONS = 9_999  # 7! = 5,040 is less: then all are taken
FEWEST_METHODS = 6  # under six, even a perfect order has a two-sided p above .01 and no bootstrap is meaningful


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's correlation of two scores over methods; p exact for few methods, by permutation of methods else."""

    estimate: float
    low: float
    high: float
    interval: str
    p: float
    methods: int


def over_methods(
    automatic: npt.ArrayLike, human: npt.ArrayLike, *, replicates: int = 2000, seed: int = 0, level: float = 0.95
) -> RankCorrelation:
    """Of scores (methods,) or (methods, items), averaged over items; interval by bootstrap over methods.

    Raises ``UndefinedError`` with fewer than six methods or where all score the same.
    """
    a, h = (_by_method(values) for values in (automatic, human))
    if len(a) != len(h):
        raise UndefinedError("Both scores need the same methods.")
    if len(a) < FEWEST_METHODS:
        raise UndefinedError(
            f"{len(a)} method{' is' if len(a) == 1 else 's are'} too few for a correlation over methods; "
            f"{FEWEST_METHODS} are needed."
        )
    if np.ptp(a) == 0 or np.ptp(h) == 0:
        raise UndefinedError("The correlation is undefined: all methods score the same.")

    def spearman(weights: Values) -> float:
        drawn = np.repeat(np.arange(len(a)), weights.astype(int))
        x, y = stats.rankdata(a[drawn]), stats.rankdata(h[drawn])
        x, y = x - x.mean(), y - y.mean()
        below = np.sqrt((x @ x) * (y @ y))
        return float(x @ y / below) if below > 0 else float("nan")

    found = one_way_bootstrap(spearman, len(a), of="methods", replicates=replicates, seed=seed)
    (low,), (high,) = found.interval(level)
    estimate = float(found.estimate[0])
    return RankCorrelation(estimate, float(low), float(high), found.name(level), _p(a, h, seed), len(a))


def over_items(automatic: npt.ArrayLike, human: npt.ArrayLike) -> tuple[Values, float]:
    """Within each method, Spearman's correlation over items (methods,), NaN where it is undefined, and their mean.

    automatic, human: (methods, items). Raises ``UndefinedError`` where no method has one.
    """
    a, h = np.asarray(automatic, dtype=np.float64), np.asarray(human, dtype=np.float64)
    if a.shape != h.shape or a.ndim != 2:
        raise UndefinedError("Both scores must be tables of methods by items of one shape.")
    found = np.full(len(a), np.nan)
    for method, (x, y) in enumerate(zip(a, h, strict=True)):
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() > 2 and np.ptp(x[both]) > 0 and np.ptp(y[both]) > 0:
            found[method] = stats.spearmanr(x[both], y[both]).statistic
    if not np.isfinite(found).any():
        raise UndefinedError("The correlation over items is undefined for every method: too few items or no variation.")
    return found, float(np.nanmean(found))


def _by_method(values: npt.ArrayLike) -> Values:
    table = np.asarray(values, dtype=np.float64)
    means = table if table.ndim == 1 else np.nanmean(table, axis=1)
    if not np.isfinite(means).all():
        raise UndefinedError("A method has no score.")
    return np.asarray(means)


def _p(a: Values, h: Values, seed: int) -> float:
    """Two-sided, by permuting the methods: all orders of up to seven, else ``PERMUTATIONS`` random ones."""

    ranks = stats.rankdata(h) - (len(h) + 1) / 2

    def statistic(x: Values, axis: int = -1) -> Values:
        """Proportional to Spearman's correlation: permuting keeps what it would be divided by."""
        return np.asarray(np.moveaxis(x, axis, -1) @ ranks)

    test = stats.permutation_test(
        (stats.rankdata(a),),
        statistic,
        permutation_type="pairings",
        n_resamples=PERMUTATIONS,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)
