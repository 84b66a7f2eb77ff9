"""Agreement of raters who judge the same items: Krippendorff's alpha and Fleiss' kappa, with intervals.

Alpha is 1 - D_o/D_e over pairs of judgements within items and over all pairs (Krippendorff 2011, Computing
Krippendorff's alpha-reliability), for any number of raters and missing judgements. Its distances are nominal, ordinal
(differences of mid-ranks in the pooled judgements), interval, or ratio ((a - b)/(a + b)). Squared differences make both
D_o and D_e sums of squares, so that a replicate of the bootstrap over items costs a few products.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from study.statistics.bootstrap import checked
from study.statistics.crossed_means import UndefinedError, Values

Measurement = Literal["nominal", "ordinal", "interval", "ratio"]
CHUNK = 4_000_000  # numbers held at once


@dataclass(frozen=True)
class Agreement:
    """A coefficient, with its percentile interval over items where it was asked for."""

    coefficient: str
    estimate: float
    low: float | None
    high: float | None
    interval: str
    raters: int
    items: int
    judgements: int


def krippendorff_alpha(
    ratings: npt.ArrayLike, measurement: Measurement, *, replicates: int = 0, seed: int = 0, level: float = 0.95
) -> Agreement:
    """Alpha of ratings (raters, items), numbers or NaN where there is none; with ``replicates`` an interval over items.

    Raises ``UndefinedError`` where no item has two judgements or all judgements are equal.
    """
    if measurement not in get_args(Measurement):
        raise UndefinedError(
            f"{measurement!r} is no level of measurement; there are: {', '.join(get_args(Measurement))}."
        )
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise UndefinedError("Ratings must be a table of raters by items.")
    present = np.isfinite(table)
    paired = present.sum(axis=0) >= 2
    if not paired.any():
        raise UndefinedError("Agreement is undefined: no item was judged by two raters.")
    table, present = table[:, paired], present[:, paired]
    values, codes = np.unique(table[present], return_inverse=True)
    if len(values) < 2:
        raise UndefinedError("Agreement is undefined: there is no variation, every judgement is the same.")
    if measurement == "ratio" and values[0] < 0:
        raise UndefinedError("A ratio scale has no negative values; take measurement='interval'.")
    item = np.nonzero(present)[1]
    counts = np.bincount(item * len(values) + codes, minlength=table.shape[1] * len(values)).astype(np.float64)
    alphas = _Alphas(counts.reshape(-1, len(values)), values, measurement)
    estimate = alphas.compute(np.ones((1, table.shape[1])))
    low = high = None
    name = ""
    if replicates:
        if table.shape[1] < 2:
            raise UndefinedError("A bootstrap over items needs at least two items with two judgements each.")
        draws = alphas.bootstrap(replicates, seed)
        found = checked(estimate, draws[:, None], "items")
        (low,), (high,) = found.interval(level)
        name = found.name(level)
    return Agreement(
        f"Krippendorff's alpha ({measurement})",
        float(estimate[0]),
        None if low is None else float(low),
        None if high is None else float(high),
        name,
        int(present.any(axis=1).sum()),
        table.shape[1],
        int(present.sum()),
    )


class _Alphas:
    """Alpha for many weightings of the items at once. counts: (items, values)."""

    def __init__(self, counts: Values, values: Values, measurement: Measurement) -> None:
        self.counts, self.values, self.measurement = counts, values, measurement
        self.judged = counts.sum(axis=1)
        self.share = 1.0 / (self.judged - 1.0)
        if measurement == "interval":
            # Only differences count: centred values lose no digits to a large mean.
            self.values = values - values.mean()
            self.within = self._spread(counts, self.judged, self.values) * self.share
        elif measurement == "nominal":
            self.within = (self.judged**2 - (counts**2).sum(axis=1)) * self.share
        elif measurement == "ratio":
            total = values[:, None] + values
            self.distance = ((values[:, None] - values) / np.where(total > 0, total, 1.0)) ** 2
            self.within = np.einsum("uc,uc->u", counts @ self.distance, counts) * self.share

    @staticmethod
    def _spread(counts: Values, judged: Values, values: Values) -> Values:
        """Σ over pairs of (difference)² for each row of counts (rows, values)."""
        return np.asarray(2.0 * (judged * (counts @ values**2) - (counts @ values) ** 2))

    def compute(self, weights: Values) -> Values:
        """Alpha (r,) for item weights (r, items); NaN where a weighting leaves no variation."""
        pooled = weights @ self.counts
        n = pooled.sum(axis=1)
        if self.measurement == "ordinal":
            return self._ordinal(weights, pooled, n)
        observed = weights @ self.within
        if self.measurement == "interval":
            expected = self._spread(pooled, n, self.values)
        elif self.measurement == "nominal":
            expected = n**2 - (pooled**2).sum(axis=1)
        else:
            expected = np.einsum("rc,rc->r", pooled @ self.distance, pooled)
        return self._ratio(observed, expected, n)

    def _ordinal(self, weights: Values, pooled: Values, n: Values) -> Values:
        """As interval, on mid-ranks: these depend on the weighting."""
        ranks = np.cumsum(pooled, axis=1) - pooled / 2 - (n / 2)[:, None]  # (r, values)
        expected = 2.0 * (n * (pooled * ranks**2).sum(axis=1) - (pooled * ranks).sum(axis=1) ** 2)
        scaled = weights * self.share
        squares = ((scaled * self.judged) @ self.counts * ranks**2).sum(axis=1)
        products = (scaled * (ranks @ self.counts.T) ** 2).sum(axis=1)
        return self._ratio(2.0 * (squares - products), expected, n)

    @staticmethod
    def _ratio(observed: Values, expected: Values, n: Values) -> Values:
        is_defined = expected > 1e-12 * n**2
        return np.where(is_defined, 1.0 - (n - 1.0) * observed / np.where(is_defined, expected, 1.0), np.nan)

    def bootstrap(self, replicates: int, seed: int) -> Values:
        rng = np.random.default_rng(seed)
        items = len(self.counts)
        size = max(1, CHUNK // (items + self.counts.shape[1]))
        parts = []
        for start in range(0, replicates, size):
            drawn = rng.integers(0, items, (min(size, replicates - start), items))
            flat = drawn + items * np.arange(len(drawn))[:, None]
            weights = np.bincount(flat.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)
            parts.append(self.compute(weights))
        return np.concatenate(parts)


def fleiss_kappa(counts: npt.ArrayLike, *, replicates: int = 0, seed: int = 0, level: float = 0.95) -> Agreement:
    """Fleiss' kappa of counts (items, categories), how many raters chose each; rows may sum to different m.

    P_i = Σ_k n_ik (n_ik - 1)/(m_i (m_i - 1)) is averaged over items with two judgements or more; by chance it is
    Σ_k π_k² with π_k the mean over items of n_ik/m_i (Fleiss 1971; for unequal counts Gwet 2014, section 3.3).
    Raises ``UndefinedError`` where no item has two judgements or only one category was used.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or (table < 0).any() or not np.isfinite(table).all():
        raise UndefinedError("Counts must be a table of items by categories without negative or missing numbers.")
    table = table[table.sum(axis=1) > 0]
    judged = table.sum(axis=1)
    paired = judged >= 2
    if not paired.any():
        raise UndefinedError("Agreement is undefined: no item was judged by two raters.")
    if (table.sum(axis=0) > 0).sum() < 2:
        raise UndefinedError("Agreement is undefined: there is no variation, every judgement is the same.")
    shares = table / judged[:, None]
    agreed = np.where(paired, (table * (table - 1)).sum(axis=1) / np.where(paired, judged * (judged - 1), 1.0), 0.0)

    def kappa(weights: Values) -> Values:
        observed = (weights @ agreed) / np.maximum(weights @ paired, 1e-300)
        expected = (((weights @ shares) / weights.sum(axis=1, keepdims=True)) ** 2).sum(axis=1)
        is_defined = (weights @ paired > 0) & (expected < 1 - 1e-12)
        return np.where(is_defined, (observed - expected) / np.where(is_defined, 1 - expected, 1.0), np.nan)

    estimate = kappa(np.ones((1, len(table))))
    low = high = None
    name = ""
    if replicates:
        if len(table) < 2:
            raise UndefinedError("A bootstrap over items needs at least two items.")
        rng = np.random.default_rng(seed)
        draws = kappa(rng.multinomial(len(table), np.full(len(table), 1 / len(table)), replicates).astype(np.float64))
        found = checked(estimate, draws[:, None], "items")
        (low,), (high,) = found.interval(level)
        name = found.name(level)
    return Agreement(
        "Fleiss' kappa",
        float(estimate[0]),
        None if low is None else float(low),
        None if high is None else float(high),
        name,
        int(judged.max()),
        len(table),
        int(judged.sum()),
    )
