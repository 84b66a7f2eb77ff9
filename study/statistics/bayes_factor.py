"""Bayes factors for t statistics, with the prior named, and how they depend on it.

For a standardised effect: Cauchy prior of scale r (Jeffreys-Zellner-Siow; Rouder, Speckman, Sun, Morey & Iverson 2009).
For an effect in its own unit, with a design-aware estimate, SE and df: normal or half-normal prior (Dienes 2014).
BF10 is the evidence for an effect, its inverse BF01 that for none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from study.statistics.crossed_means import UndefinedError, Values

Direction = Literal["both", "positive", "negative"]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
MEDIUM, WIDE, ULTRAWIDE = np.sqrt(2) / 2, 1.0, np.sqrt(2)


@dataclass(frozen=True)
class BayesFactor:
    """bf10 with its prior in words."""

    bf10: float
    prior: str

    @property
    def bf01(self) -> float:
        return 1 / self.bf10 if self.bf10 > 0 else float("inf")


def jzs(
    t: float, n: int, n_other: int | None = None, *, scale: float = MEDIUM, direction: Direction = "both"
) -> BayesFactor:
    """Of a one-sample or paired t with n units, or a two-sample t with n and n_other.

    BF10 = ∫ f_ν(t; δ√N) Cauchy(δ; 0, r) dδ / f_ν(t; 0), N = n or n n'/(n + n'), f the (noncentral) t density; by the
    equivalent integral over the variance g of δ. A directed prior is the half of the Cauchy on that side.
    Raises ``UndefinedError`` for fewer than two units, a scale that is not positive or a t that is no number.
    """
    if not np.isfinite(t) or not scale > 0:
        raise UndefinedError("A Bayes factor needs a finite t and a prior with a positive scale.")
    size, df = (float(n), n - 1) if n_other is None else (n * n_other / (n + n_other), n + n_other - 2)
    if df < 1:
        raise UndefinedError("A Bayes factor needs at least two units.")
    null = stats.t.logpdf(t, df)

    def given_variance(log_g: Values) -> Values:
        g = np.exp(log_g)
        spread = 1 + size * g * scale**2
        log = -0.5 * np.log(spread) - (df + 1) / 2 * np.log1p(t**2 / (spread * df)) + (df + 1) / 2 * np.log1p(t**2 / df)
        # g has an inverse-χ² density with one degree of freedom; one power of it is dg = g dlog g.
        return np.asarray(np.exp(log - 0.5 * np.log(2 * np.pi) - 0.5 * log_g - 0.5 / g))

    both = _integral(given_variance, np.linspace(-8.0, 60.0, 69))
    name = f"Cauchy prior on the standardised effect, scale {scale:.3g}"
    if direction == "both":
        return BayesFactor(both, name)
    sign = 1.0 if direction == "positive" else -1.0

    def given_effect(delta: Values) -> Values:
        density = stats.nct.pdf(t * sign, df, delta * np.sqrt(size))
        return np.asarray(2 * stats.cauchy.pdf(delta, scale=scale) * density / np.exp(null))

    width = 1 / np.sqrt(size)
    peak = max(t * sign, 0.0) * width
    cuts = sorted({0.0, peak, *(max(0.0, peak + step * width) for step in (-8, -4, -2, 2, 4, 8, 16))})
    return BayesFactor(_integral(given_effect, cuts), f"{name}, {direction} half only")


def normal_prior(
    estimate: float, se: float, df: float, *, sd: float, mean: float = 0.0, direction: Direction = "both"
) -> BayesFactor:
    """Of an estimate in its own unit, prior N(mean, sd²), cut at 0 where directed; likelihood t with ``df``.

    Raises ``UndefinedError`` for a standard error, df or sd that is not positive.
    """
    if not (se > 0 and sd > 0 and df > 0):
        raise UndefinedError("A Bayes factor needs a positive standard error, degrees of freedom and prior width.")
    low, high = {"both": (-np.inf, np.inf), "positive": (0.0, np.inf), "negative": (-np.inf, 0.0)}[direction]
    mass = float(stats.norm.cdf(high, mean, sd) - stats.norm.cdf(low, mean, sd))

    def integrand(effect: Values) -> Values:
        return np.asarray(stats.t.pdf((estimate - effect) / se, df) * stats.norm.pdf(effect, mean, sd))

    centres = (estimate, mean)
    marks = {c + step * width for c in centres for step in (-12, -5, -2, 0, 2, 5, 12) for width in (se, sd)}
    cuts = sorted({min(max(mark, low), high) for mark in marks})
    total = _integral(integrand, cuts)
    shape = "normal" if direction == "both" else f"normal, {direction} half only,"
    prior = f"{shape} prior with mean {mean:g} and standard deviation {sd:g}"
    # In logarithms: the null's density may be too small for a number.
    log_bf = np.log(total / mass) - stats.t.logpdf(estimate / se, df) if total > 0 else -np.inf
    return BayesFactor(float(np.exp(min(log_bf, 700.0))), prior)


def sensitivity(
    estimate: float, se: float, df: float, widths: Sequence[float], *, direction: Direction = "both"
) -> list[BayesFactor]:
    """The Bayes factor for each prior width around 0: the curve that a reader judges the conclusion by."""
    return [normal_prior(estimate, se, df, sd=width, direction=direction) for width in widths]


def _integral(function: Callable[[Values], Values], cuts: Sequence[float] | Values) -> float:
    """By Gauss-Legendre with 40 nodes between neighbouring cuts, which stand where the function bends."""
    edges = np.asarray(cuts, dtype=np.float64)
    half = np.diff(edges)[:, None] / 2
    points = (edges[:-1] + edges[1:])[:, None] / 2 + half * NODES
    return float((function(points.ravel()).reshape(points.shape) * half * WEIGHTS).sum())
