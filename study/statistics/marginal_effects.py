"""What a mixed model says on the scale people read: mean probability or rating per condition, and differences.

The mean over people and items is E[σ(xβ + s T)] with T ~ N(0, 1) and s² = Σ_f z_fᵀΣ_f z_f, not σ(xβ): with random
effects the median person's probability is farther from a half than the mean. The integral is by Gauss-Hermite
quadrature, standard errors by the delta method over β, thresholds and θ together (∂E/∂s = s E[σ''] by Stein's lemma).
Rows are the data's own, with the variable set to each of its values in turn (average marginal effects, Williams 2012).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from study.statistics.mixed_models.design import Floats, ModelError
from study.statistics.mixed_models.formula import columns_for, fitted_frame
from study.statistics.mixed_models.model import MixedModel

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class MarginalMean:
    """The mean response over people and items at one setting; a proportion is a fraction."""

    at: Mapping[str, object]
    estimate: float
    se: float
    df: float
    low: float
    high: float
    interval: str
    gradient: Floats


@dataclass(frozen=True)
class MarginalDifference:
    """first - second, in the response's units; a difference of proportions times 100 is percentage points."""

    first: Mapping[str, object]
    second: Mapping[str, object]
    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float
    interval: str


def marginal_means(
    model: MixedModel, variable: str, values: Sequence[object] | None = None, *, level: float = 0.95
) -> list[MarginalMean]:
    """The mean probability (binary), mean score (ordinal, categories as numbers) or mean (Gaussian) at each value.

    values: by default those that occur. Intervals of probabilities are made on the log-odds scale, so that they stay
    between 0 and 1. Raises ``ModelError`` for a column that the model's data do not have or a new category.
    """
    frame = fitted_frame(model.design)
    if variable not in frame.columns:
        raise ModelError(f"The model's data have no column {variable!r}.")
    if values is None:
        values = sorted(frame[variable].unique())
    means = []
    for value in values:
        if frame[variable].dtype.kind not in "iuf" and value not in set(frame[variable]):
            raise ModelError(f"{variable} has no value {value!r} in the model's data.")
        counterfactual = frame.assign(**{variable: pd.Series([value] * len(frame), index=frame.index)})
        if isinstance(frame[variable].dtype, pd.CategoricalDtype):
            counterfactual[variable] = counterfactual[variable].astype(frame[variable].dtype)
        means.append(_mean(model, {variable: value}, counterfactual, level))
    return means


def marginal_differences(
    model: MixedModel, variable: str, values: Sequence[object] | None = None, *, level: float = 0.95
) -> list[MarginalDifference]:
    """All pairwise differences (later value minus earlier) of the marginal means, by the delta method."""
    means = marginal_means(model, variable, values, level=level)
    return [difference(model, second, first, level=level) for first, second in combinations(means, 2)]


def difference(
    model: MixedModel, first: MarginalMean, second: MarginalMean, *, level: float = 0.95
) -> MarginalDifference:
    """first - second with its t test; df is that of the fixed effects in which the two differ.

    The interval of a difference of probabilities is made on the scale of artanh, so that it stays between -1 and 1.
    """
    gradient = first.gradient - second.gradient
    estimate = first.estimate - second.estimate
    se = _standard_error(model, gradient)
    df = _df(model, gradient)
    t = estimate / se if se > 0 else float("nan")
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    p = float(2 * stats.t.sf(abs(t), df))
    low, high, scale = estimate - half, estimate + half, ""
    if model.family == "binary":
        centre, half = np.arctanh(estimate), half / (1 - estimate**2)
        low, high, scale = float(np.tanh(centre - half)), float(np.tanh(centre + half)), " on the scale of Fisher’s z"
    interval = f"{100 * level:g} % t{scale}, delta method, {df:.4g} df"
    return MarginalDifference(first.at, second.at, estimate, se, df, t, p, low, high, interval)


def _mean(model: MixedModel, at: Mapping[str, object], frame: pd.DataFrame, level: float) -> MarginalMean:
    X, random = columns_for(model.design, frame)
    table, counts = np.unique(np.concatenate([X, *random], axis=1), axis=0, return_counts=True)
    share = counts / counts.sum()
    widths = np.cumsum([X.shape[1], *(z.shape[1] for z in random)])[:-1]
    x, *zs = np.split(table, widths, axis=1)
    if model.family == "gaussian":
        estimate = float(share @ (x @ model.beta))
        gradient = np.concatenate([np.zeros(model.design.theta_size), share @ x])
    else:
        estimate, gradient = _logistic_mean(model, x, zs, share)
    se = _standard_error(model, gradient)
    df = _df(model, gradient)
    quantile = float(stats.t.ppf((1 + level) / 2, df))
    if model.family != "binary":
        low, high, scale = estimate - quantile * se, estimate + quantile * se, ""
    else:
        centre, half = np.log(estimate / (1 - estimate)), quantile * se / (estimate * (1 - estimate))
        low, high, scale = float(expit(centre - half)), float(expit(centre + half)), " on the log-odds scale"
    interval = f"{100 * level:g} % t{scale}, delta method, {df:.4g} df"
    return MarginalMean(at, estimate, se, df, low, high, interval, gradient)


def _logistic_mean(model: MixedModel, x: Floats, zs: list[Floats], share: Floats) -> tuple[float, Floats]:
    """The mean score over rows x (m, p), zs (m, q) with weights share (m,), and its gradient in ψ."""
    design = model.design
    triangles = design.triangles(model.parameters[: design.theta_size])
    scaled = [z @ triangle for z, triangle in zip(zs, triangles, strict=True)]
    spread = np.sqrt(np.sum([(part**2).sum(axis=1) for part in scaled], axis=0))
    cuts = model.thresholds if model.family == "ordinal" else np.zeros(1)
    scores = category_scores(model)
    eta = x @ model.beta
    estimate = float(scores[0])
    by_eta, by_bend, by_cut = np.zeros(len(x)), np.zeros(len(x)), []
    for cut, gain in zip(cuts, np.diff(scores), strict=True):
        p = expit((eta - cut)[:, None] + spread[:, None] * NODES)
        slope = p * (1 - p)
        estimate += gain * float(share @ (p @ WEIGHTS))
        first, second = slope @ WEIGHTS, (slope * (1 - 2 * p)) @ WEIGHTS
        by_eta += gain * first
        by_bend += gain * second
        by_cut.append(-gain * float(share @ first))
    by_theta = []
    for factor, z, part in zip(design.factors, zs, scaled, strict=True):
        matrix = (z * (share * by_bend)[:, None]).T @ part
        by_theta.append(matrix[factor.pattern[:, 0], factor.pattern[:, 1]])
    own = np.array(by_cut) if model.family == "ordinal" else np.empty(0)
    return estimate, np.concatenate([*by_theta, own, (share * by_eta) @ x])


def category_scores(model: MixedModel) -> Floats:
    """The numbers that an ordinal model's categories stand for; 0 and 1 of a binary one.

    Raises ``ModelError`` where categories are not numbers: their mean has no meaning.
    """
    if model.family == "binary":
        return np.array([0.0, 1.0])
    try:
        return np.array([float(category) for category in model.categories])
    except ValueError as error:
        raise ModelError(f"The categories {', '.join(model.categories)} are not numbers: they have no mean.") from error


def _standard_error(model: MixedModel, gradient: Floats) -> float:
    return float(np.sqrt(max(float(gradient @ model.parameters_covariance @ gradient), 0.0)))


def _df(model: MixedModel, gradient: Floats) -> float:
    """The smallest df of the fixed effects that the quantity depends on; of all, where on thresholds alone."""
    own = np.absolute(gradient[-len(model.beta) :]) > 1e-12
    return float(model.df[own if own.any() else slice(None)].min())
