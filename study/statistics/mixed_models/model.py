"""A fitted mixed model: its coefficients, random effects, contrasts and what must be said about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from study.statistics.mixed_models.design import Design, Floats, ModelError

Family = Literal["binary", "ordinal", "gaussian"]
Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True)
class RandomEffects:
    """One grouping factor's fitted effects: sd (q,), correlation (q, q), modes (L, q) on the scale of the link."""

    factor: str
    levels: tuple[str, ...]
    effects: tuple[str, ...]
    sd: Floats
    correlation: Floats
    covariance: Floats
    modes: Floats


@dataclass(frozen=True)
class Contrast:
    """A linear combination of fixed effects with its t test; the interval is two-sided, of the level named."""

    name: str
    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float
    interval: str


@dataclass(frozen=True)
class MixedModel:
    """A fitted model. Everything is on the scale of the link (log-odds, or the response's units where Gaussian).

    beta, df: (p,); covariance: (p, p). thresholds: (K - 1,) of an ordinal model, P(Y <= k) = σ(τ_k - η).
    parameters: ψ = (θ, thresholds, β), with covariance; the log-likelihood is the Laplace approximation, or REML.
    distance: how far the gradient says the optimum is, in standard errors. notes: sentences for the reader.
    """

    formula: str
    family: Family
    design: Design
    beta: Floats
    covariance: Floats
    df: Floats
    random: tuple[RandomEffects, ...]
    log_likelihood: float
    parameters: Floats
    parameters_covariance: Floats
    thresholds: Floats
    categories: tuple[str, ...]
    sigma: float
    is_converged: bool
    is_penalized: bool
    is_reml: bool
    distance: float
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names

    @property
    def se(self) -> Floats:
        return np.asarray(np.sqrt(np.diagonal(self.covariance)))

    def contrast(
        self,
        weights: Mapping[str, float],
        *,
        name: str = "",
        level: float = 0.95,
        alternative: Alternative = "two-sided",
    ) -> Contrast:
        """Σ weight x coefficient, tested by t with the smallest df of the coefficients in it.

        Raises ``ModelError`` for a coefficient that the model does not have.
        """
        if unknown := [term for term in weights if term not in self.names]:
            raise ModelError(f"The model has no coefficient {unknown[0]!r}; it has: {', '.join(self.names)}.")
        vector = np.array([float(weights.get(term, 0.0)) for term in self.names])
        if not vector.any():
            raise ModelError("A contrast needs at least one weight that is not 0.")
        label = name or " ".join(f"{weight:+g} {term}" for term, weight in weights.items() if weight)
        df = float(self.df[vector != 0].min())
        return t_test(
            label, float(vector @ self.beta), float(np.sqrt(vector @ self.covariance @ vector)), df, level, alternative
        )

    def coefficients(self, level: float = 0.95) -> pd.DataFrame:
        """One row a fixed effect: term, estimate, se, df, t, p, low, high."""
        rows = [self.contrast({term: 1.0}, name=term, level=level) for term in self.names]
        columns = ["name", "estimate", "se", "df", "t", "p", "low", "high"]
        table = pd.DataFrame([{column: getattr(row, column) for column in columns} for row in rows], columns=columns)
        return table.rename(columns={"name": "term"})

    def unmodelled_slopes(self) -> list[tuple[str, str]]:
        """(effect, factor) pairs where an effect varies within a factor's levels and has no random slope over them.

        The test of such an effect takes everybody, or every item, to be affected alike.
        """
        pairs = []
        for factor in self.design.factors:
            alone = Design(self.design.y, self.design.X, self.names, (factor,), "", "")
            df = alone.degrees_of_freedom(np.inf)
            pairs += [(name, factor.name) for name, value in zip(self.names, df, strict=True) if np.isinf(value)]
        return pairs


def t_test(
    name: str, estimate: float, se: float, df: float, level: float = 0.95, alternative: Alternative = "two-sided"
) -> Contrast:
    """Wald t test of one estimate against 0 with its two-sided interval."""
    if df < 1:
        raise ModelError(f"{name} rests on too few units for a test ({df:g} degrees of freedom).")
    t = estimate / se if se > 0 else float("nan")
    tail = {"two-sided": 2 * stats.t.sf(abs(t), df), "greater": stats.t.sf(t, df), "less": stats.t.cdf(t, df)}
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    interval = f"{100 * level:g} % t, {df:.4g} df"
    return Contrast(name, estimate, se, df, t, float(tail[alternative]), estimate - half, estimate + half, interval)
