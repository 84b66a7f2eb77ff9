"""How repeatable judgements are: intraclass correlations, split halves with Spearman-Brown, self-consistency."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from study.statistics.agreement import Agreement, Measurement, krippendorff_alpha
from study.statistics.bootstrap import one_way_bootstrap
from study.statistics.crossed_means import UndefinedError, Values
from study.statistics.mixed_models import ModelError, fit

Kind = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]


@dataclass(frozen=True)
class Reliability:
    """A coefficient with its named interval; None where that is undefined."""

    coefficient: str
    estimate: float
    low: float | None
    high: float | None
    interval: str
    raters: int
    items: int
    notes: tuple[str, ...] = ()


def intraclass_correlation(ratings: npt.ArrayLike, kind: Kind = "ICC(2,1)", *, level: float = 0.95) -> Reliability:
    """Of a complete table (items, raters) (Shrout & Fleiss 1979; intervals of McGraw & Wong 1996).

    1: each item has raters of its own; 2: raters are a sample and their means count (absolute agreement); 3: only these
    raters, whose means do not count (consistency). 1 or k: of one rating, or of the mean of all k.
    Raises ``UndefinedError`` with missing ratings (see ``variance_share``), one item or rater, or no variation.
    """
    if kind not in get_args(Kind):
        raise UndefinedError(f"{kind!r} is no intraclass correlation; there are: {', '.join(get_args(Kind))}.")
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise UndefinedError("An intraclass correlation needs at least two items and two raters.")
    if not np.isfinite(table).all():
        raise UndefinedError("Ratings are missing; take the share of variance from a mixed model instead.")
    n, k = table.shape
    if np.ptp(table) == 0:
        raise UndefinedError("Reliability is undefined: there is no variation, every rating is the same.")
    mean = table.mean()
    rows = k * ((table.mean(axis=1) - mean) ** 2).sum() / (n - 1)
    columns = n * ((table.mean(axis=0) - mean) ** 2).sum() / (k - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + mean
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    within = ((table - table.mean(axis=1, keepdims=True)) ** 2).sum() / (n * (k - 1))
    tail = (1 - level) / 2
    if kind.startswith("ICC(1"):
        single = _ratio(rows - within, rows + (k - 1) * within)
        low, high = _from_f(rows, within, n - 1, n * (k - 1), k, tail)
    elif kind.startswith("ICC(3"):
        single = _ratio(rows - error, rows + (k - 1) * error)
        low, high = _from_f(rows, error, n - 1, (n - 1) * (k - 1), k, tail)
    else:
        single = _ratio(rows - error, rows + (k - 1) * error + k * (columns - error) / n)
        low, high = _absolute(rows, columns, error, single, n, k, tail)
    if kind.endswith("k)"):
        single, low, high = (k * value / (1 + (k - 1) * value) for value in (single, low, high))
    return Reliability(kind, single, low, high, f"{100 * level:g} % F", k, n)


def _ratio(above: float, below: float) -> float:
    if below <= 0:
        raise UndefinedError("Reliability is undefined: there is no variation between ratings.")
    return float(above / below)


def _from_f(rows: float, rest: float, df1: int, df2: int, k: int, tail: float) -> tuple[float, float]:
    """Limits of (F - 1)/(F + k - 1) from those of F."""
    if rest <= 0:
        return 1.0, 1.0
    F = rows / rest
    low, high = F / stats.f.ppf(1 - tail, df1, df2), F * stats.f.ppf(1 - tail, df2, df1)
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))


def _absolute(
    rows: float, columns: float, error: float, single: float, n: int, k: int, tail: float
) -> tuple[float, float]:
    """Limits of ICC(2,1) with Satterthwaite's degrees of freedom."""
    if error <= 0 and columns <= 0:
        return 1.0, 1.0
    a, b = k * single / (n * (1 - single)), 1 + k * single * (n - 1) / (n * (1 - single))
    df = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)) or np.finfo(float).tiny
    )
    upper, lower = stats.f.ppf(1 - tail, n - 1, df), stats.f.ppf(1 - tail, df, n - 1)
    spread = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * spread + n * rows)
    high = n * (lower * rows - error) / (spread + n * lower * rows)
    return float(low), float(high)


def variance_share(ratings: pd.DataFrame) -> Reliability:
    """The share of an item in the variance of one rating, from a mixed model: ICC(2,1) where ratings are missing.

    ratings: columns participant, item, rating. σ²_item/(σ²_item + σ²_participant + σ²), by REML.
    Raises ``UndefinedError`` where the model cannot be fitted.
    """
    try:
        model = fit("rating ~ 1 + (1 | participant) + (1 | item)", ratings, family="gaussian")
    except ModelError as error:
        raise UndefinedError(str(error)) from error
    variance = {effects.factor: float(effects.covariance[0, 0]) for effects in model.random}
    share = variance["item"] / (variance["item"] + variance["participant"] + model.sigma**2)
    levels = {effects.factor: len(effects.levels) for effects in model.random}
    return Reliability(
        "ICC(2,1), mixed model", share, None, None, "", levels["participant"], levels["item"], model.notes
    )


def split_half(
    ratings: npt.ArrayLike, *, splits: int = 200, replicates: int = 0, seed: int = 0, level: float = 0.95
) -> Reliability:
    """The correlation of items' means between random halves of the raters, stepped up to all of them.

    ratings: (items, raters), NaN where missing. Each split gives every item two halves of equal size (one judgement is
    left out where their number is odd); the mean correlation r over ``splits`` becomes 2r/(1 + |r|), the ceiling for
    anything that predicts items' means: Spearman 1910 and Brown 1910, whose 2r/(1 + r) has no bound below 0, mirrored
    there (as in R's rapidsplithalf). Interval: bootstrap over items.
    Raises ``UndefinedError`` with fewer than three items with two judgements each, or no variation.
    """
    table = np.asarray(ratings, dtype=np.float64)
    table = table[np.isfinite(table).sum(axis=1) >= 2]
    if table.ndim != 2 or len(table) < 3:
        raise UndefinedError("A split half needs at least three items with two judgements each.")
    halves = _halves(table, splits, np.random.default_rng(seed))

    def corrected(weights: Values) -> float:
        r = float(_correlations(*halves, weights).mean())
        return 2 * r / (1 + abs(r))

    estimate = corrected(np.ones(len(table)))
    if not np.isfinite(estimate):
        raise UndefinedError("Reliability is undefined: in some half all items have the same mean.")
    raters = int(np.isfinite(table).any(axis=0).sum())
    if not replicates:
        return Reliability("split half, Spearman-Brown", estimate, None, None, "", raters, len(table))
    found = one_way_bootstrap(corrected, len(table), of="items", replicates=replicates, seed=seed + 1)
    (low,), (high,) = found.interval(level)
    return Reliability(
        "split half, Spearman-Brown", estimate, float(low), float(high), found.name(level), raters, len(table)
    )


def _halves(table: Values, splits: int, rng: np.random.Generator) -> tuple[Values, Values]:
    """For every split the items' means in both halves (splits, items), (splits, items)."""
    present = np.isfinite(table)
    size = present.sum(axis=1) // 2
    filled = np.where(present, table, 0.0)
    found = []
    for _ in range(splits):
        # Ranks of random keys among an item's own judgements: the first m are one half, the next m the other.
        keys = np.where(present, rng.random(table.shape), np.inf)
        rank = np.argsort(np.argsort(keys, axis=1), axis=1)
        first, second = rank < size[:, None], (rank >= size[:, None]) & (rank < 2 * size[:, None])
        found.append(((filled * first).sum(axis=1) / size, (filled * second).sum(axis=1) / size))
    one, other = zip(*found, strict=True)
    return np.stack(one), np.stack(other)


def _correlations(x: Values, y: Values, weights: Values) -> Values:
    """Weighted Pearson correlations of the rows of x and y (splits, items); NaN without variation."""
    total = weights.sum()
    dx, dy = x - (x @ weights / total)[:, None], y - (y @ weights / total)[:, None]
    below = np.sqrt((dx**2 @ weights) * (dy**2 @ weights))
    is_defined = below > 1e-12 * total
    return np.where(is_defined, (dx * dy) @ weights / np.where(is_defined, below, 1.0), np.nan)


def self_consistency(
    first: npt.ArrayLike, second: npt.ArrayLike, measurement: Measurement, *, replicates: int = 0, seed: int = 0
) -> tuple[float, Agreement]:
    """Of trials shown twice: the share answered the same, and alpha of the two occasions.

    first, second: the two answers (n,) as numbers. Raises ``UndefinedError`` without any or without variation.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != two.shape or one.ndim != 1:
        raise UndefinedError("Self-consistency needs as many second answers as first ones.")
    both = np.isfinite(one) & np.isfinite(two)
    if not both.any():
        raise UndefinedError("No trial was answered twice.")
    table = np.stack([one[both], two[both]])
    return float((table[0] == table[1]).mean()), krippendorff_alpha(
        table, measurement, replicates=replicates, seed=seed
    )
