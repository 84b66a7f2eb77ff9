"""Random-effects pooling of several studies' effects: how large on average, how different, and what to expect next.

y_i ~ N(μ + u_i, v_i), u_i ~ N(0, τ²). τ² by restricted maximum likelihood (Viechtbauer 2005) or DerSimonian & Laird
1986; the interval of μ by t with Hartung-Knapp-Sidik-Jonkman's variance (never narrower than Wald's) or Wald's z. The
prediction interval says where the true effect of a new study is expected (Higgins, Thompson & Spiegelhalter 2009).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import optimize, stats

from study.statistics.crossed_means import UndefinedError, Values

Method = Literal["reml", "dersimonian_laird"]


@dataclass(frozen=True)
class Pooled:
    """weights: (k,) of the studies, adding to 1. I²: the share of the variance between estimates that is τ²."""

    estimate: float
    se: float
    low: float
    high: float
    interval: str
    predicted_low: float
    predicted_high: float
    prediction: str
    tau_squared: float
    i_squared: float
    q: float
    q_df: int
    q_p: float
    p: float
    weights: Values
    studies: int
    method: Method


def pool(
    estimates: Sequence[float],
    standard_errors: Sequence[float],
    *,
    method: Method = "reml",
    has_knapp_hartung: bool = True,
    level: float = 0.95,
) -> Pooled:
    """Pool k studies' estimates in one unit. With Knapp-Hartung by t with k - 1 df, else by z.

    The prediction interval has k - 2 df (k - 1 with two studies), or z without Knapp-Hartung, as metafor's.
    Raises ``UndefinedError`` with fewer than two studies or a standard error that is not positive.
    """
    if method not in get_args(Method):
        raise UndefinedError(f"{method!r} is no estimator of τ²; there are: {', '.join(get_args(Method))}.")
    y, v = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64) ** 2
    k = len(y)
    if k < 2 or len(v) != k:
        raise UndefinedError("Pooling needs at least two studies, each with an estimate and a standard error.")
    if not (np.isfinite(y).all() and np.isfinite(v).all() and (v > 0).all()):
        raise UndefinedError("Every study needs a finite estimate and a positive standard error.")
    fixed = 1 / v
    q = float(fixed @ (y - fixed @ y / fixed.sum()) ** 2)
    tau_squared = _reml(y, v) if method == "reml" else _dersimonian_laird(q, fixed, k)
    weights = 1 / (v + tau_squared)
    estimate = float(weights @ y / weights.sum())
    wald = float(1 / weights.sum())
    typical = (k - 1) * fixed.sum() / (fixed.sum() ** 2 - fixed @ fixed)
    if has_knapp_hartung:
        spread = float(weights @ (y - estimate) ** 2 / (k - 1))
        variance, name = wald * max(1.0, spread), f"{100 * level:g} % t, Knapp-Hartung, {k - 1} df"
        quantile = float(stats.t.ppf((1 + level) / 2, k - 1))
        p = float(2 * stats.t.sf(abs(estimate) / np.sqrt(variance), k - 1))
        df = max(k - 2, 1)
        ahead, prediction = float(stats.t.ppf((1 + level) / 2, df)), f"{100 * level:g} % prediction, t, {df} df"
    else:
        variance, name = wald, f"{100 * level:g} % z"
        quantile = ahead = float(stats.norm.ppf((1 + level) / 2))
        p = float(2 * stats.norm.sf(abs(estimate) / np.sqrt(variance)))
        prediction = f"{100 * level:g} % prediction, z"
    se = float(np.sqrt(variance))
    reach = ahead * float(np.sqrt(variance + tau_squared))
    return Pooled(
        estimate=estimate,
        se=se,
        low=estimate - quantile * se,
        high=estimate + quantile * se,
        interval=name,
        predicted_low=estimate - reach,
        predicted_high=estimate + reach,
        prediction=prediction,
        tau_squared=tau_squared,
        i_squared=float(tau_squared / (tau_squared + typical)),
        q=q,
        q_df=k - 1,
        q_p=float(stats.chi2.sf(q, k - 1)),
        p=p,
        weights=weights / weights.sum(),
        studies=k,
        method=method,
    )


def _dersimonian_laird(q: float, fixed: Values, k: int) -> float:
    return max(0.0, float((q - (k - 1)) / (fixed.sum() - fixed @ fixed / fixed.sum())))


def _reml(y: Values, v: Values) -> float:
    """The maximum of the restricted likelihood in τ² >= 0, searched from several sides: it may have two."""

    def objective(tau_squared: float) -> float:
        w = 1 / (v + tau_squared)
        mean = w @ y / w.sum()
        return float(-np.log(w).sum() + np.log(w.sum()) + w @ (y - mean) ** 2)

    top = 10 * float(y.var(ddof=1) + v.max())
    grid = np.concatenate([[0.0], np.geomspace(top * 1e-8, top, 60)])
    best = int(np.argmin([objective(value) for value in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(objective, bounds=(low, high), method="bounded", options={"xatol": 1e-12 * top})
    return float(found.x) if objective(float(found.x)) < objective(0.0) else 0.0
