"""Inference by simulating from a fitted model and fitting again: likelihood-ratio tests and percentile intervals.

Slower than t and without its assumption about degrees of freedom (Halekoh & Højsgaard 2014). Works for random
effects on the boundary too, where χ² is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from study.statistics.mixed_models.design import Design, Floats, ModelError
from study.statistics.mixed_models.fitting import fit_gaussian, fit_laplace, single_threaded
from study.statistics.mixed_models.likelihoods import Binary, Ordinal
from study.statistics.mixed_models.model import MixedModel


@dataclass(frozen=True)
class LikelihoodRatio:
    """2 (log L - log L₀) with its χ² p and its bootstrap p = (1 + replicates at least as large)/(1 + replicates)."""

    terms: tuple[str, ...]
    statistic: float
    df: int
    p_chi_square: float
    p_bootstrap: float | None
    replicates: int
    failed: int


def simulate(model: MixedModel, rng: np.random.Generator, beta: Floats | None = None) -> Floats:
    """New responses (n,) for the model's rows: new random effects, new noise. Ordinal ones are codes 0..K-1."""
    eta = model.design.X @ (model.beta if beta is None else beta)
    for factor, effects in zip(model.design.factors, model.random, strict=True):
        drawn = rng.multivariate_normal(
            np.zeros(len(effects.sd)), effects.covariance, len(factor.levels), method="eigh"
        )
        eta = eta + (drawn[factor.codes] * factor.Z).sum(axis=1)
    if model.family == "gaussian":
        return np.asarray(eta + rng.normal(0.0, model.sigma, len(eta)))
    if model.family == "binary":
        return (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(float)
    latent = eta + rng.logistic(size=len(eta))
    return np.asarray((latent[:, None] > model.thresholds).sum(axis=1), dtype=np.float64)


def refit(model: MixedModel, y: Floats, *, without: Sequence[str] = ()) -> MixedModel:
    """The model on other responses for the same rows, fixed effects in ``without`` left out.

    Linear models are fitted by maximum likelihood, so that likelihoods of different fixed effects compare.
    """
    if unknown := [term for term in without if term not in model.names]:
        raise ModelError(f"The model has no coefficient {unknown[0]!r}; it has: {', '.join(model.names)}.")
    kept = [i for i, name in enumerate(model.names) if name not in without]
    names = tuple(model.names[i] for i in kept)
    design: Design = replace(model.design, y=y, X=np.ascontiguousarray(model.design.X[:, kept]), names=names, notes=())
    split = len(model.parameters) - len(model.beta)
    start = np.concatenate([model.parameters[:split], model.beta[kept]])
    # A boundary is a stationary point of the likelihood: starting there would stay there.
    start[: design.theta_size] = np.where(
        design.starting_theta(1.0) > 0, np.maximum(start[: design.theta_size], design.starting_theta(0.1)), 0.0
    )
    with single_threaded():
        if model.family == "gaussian":
            return fit_gaussian(design, reml=False, start=start[: design.theta_size])
        if len(np.unique(y)) < 2:
            raise ModelError("Every response is the same: there is nothing to model.")
        if model.family == "binary":
            return fit_laplace(design, Binary(y), "binary", start=start)
        present, codes = np.unique(y, return_inverse=True)
        is_full = len(present) == len(model.categories)
        likelihood = Ordinal(codes.astype(np.intp), len(present))
        return fit_laplace(design, likelihood, "ordinal", model.categories, start=start if is_full else None)


def likelihood_ratio(
    model: MixedModel, terms: Sequence[str], *, replicates: int = 0, seed: int = 0, y: Floats | None = None
) -> LikelihoodRatio:
    """Test that the fixed effects ``terms`` are all 0; with ``replicates`` > 0 also by parametric bootstrap.

    Replicates whose fit fails are left out and counted. Raises ``ModelError`` for unknown or no terms.
    """
    if not terms:
        raise ModelError("A likelihood-ratio test needs at least one term.")
    if len(set(terms)) == len(model.names) and model.family != "ordinal":
        raise ModelError("A likelihood-ratio test must leave at least one fixed effect in the model.")
    observed = model.design.y if y is None else y
    null = refit(model, observed, without=terms)
    full = refit(model, observed)
    statistic = max(2 * (full.log_likelihood - null.log_likelihood), 0.0)
    rng = np.random.default_rng(seed)
    reached, failed = 0, 0
    for _ in range(replicates):
        try:
            drawn = simulate(null, rng)
            ratio = 2 * (refit(model, drawn).log_likelihood - refit(model, drawn, without=terms).log_likelihood)
        except ModelError:
            failed += 1
            continue
        reached += ratio >= statistic
    done = replicates - failed
    return LikelihoodRatio(
        terms=tuple(terms),
        statistic=statistic,
        df=len(set(terms)),
        p_chi_square=float(stats.chi2.sf(statistic, len(set(terms)))),
        p_bootstrap=(1 + reached) / (1 + done) if done else None,
        replicates=done,
        failed=failed,
    )


def bootstrap_intervals(model: MixedModel, *, replicates: int, seed: int, level: float = 0.95) -> pd.DataFrame:
    """Percentile intervals of every fixed effect and random-effects deviation: term, estimate, low, high, interval.

    Raises ``ModelError`` where fewer than half of the fits succeed.
    """
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(replicates):
        try:
            again = refit(model, simulate(model, rng))
        except ModelError:
            continue
        draws.append(np.concatenate([again.beta, *(effects.sd for effects in again.random)]))
    if 2 * len(draws) < replicates or not draws:
        raise ModelError(f"Only {len(draws)} of {replicates} bootstrap fits succeeded: too few for an interval.")
    low, high = np.quantile(np.stack(draws), [(1 - level) / 2, (1 + level) / 2], axis=0)
    deviations = [f"sd({effect} | {r.factor})" for r in model.random for effect in r.effects]
    estimates = np.concatenate([model.beta, *(effects.sd for effects in model.random)])
    return pd.DataFrame(
        {
            "term": [*model.names, *deviations],
            "estimate": estimates,
            "low": low,
            "high": high,
            "interval": f"{100 * level:g} % parametric bootstrap, {len(draws)} replicates",
        }
    )
