"""Fitting a mixed model to a frame: ``fit(formula, frame, family=...)``."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import threadpoolctl

from study.statistics.mixed_models.design import Design, Floats, Integers, ModelError
from study.statistics.mixed_models.estimates import (
    Estimates,
    by_likelihood,
    by_restricted_likelihood,
    inverse,
    positive,
)
from study.statistics.mixed_models.formula import design as design_of
from study.statistics.mixed_models.formula import fitted_frame, parse
from study.statistics.mixed_models.gaussian import Gaussian
from study.statistics.mixed_models.laplace import Laplace
from study.statistics.mixed_models.likelihoods import Binary, Likelihood, Ordinal
from study.statistics.mixed_models.model import Family, MixedModel
from study.statistics.mixed_models.optimum import minimize
from study.statistics.mixed_models.separation import PRIOR_SD, PRIOR_SD_INTERCEPT, weak_priors, what_is_infinite
from study.statistics.mixed_models.variance_components import boundary_notes, random_effects


@lru_cache(maxsize=1)
def _threads() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()


def single_threaded() -> Any:
    """A context in which BLAS uses one thread: several are slower on blocks of this size, and workers share cores."""
    return _threads().limit(limits=1, user_api="blas")


def fit(formula: str, frame: pd.DataFrame, *, family: Family = "binary", reml: bool | None = None) -> MixedModel:
    """Fit a mixed model with crossed random effects; binary and ordinal through the Laplace approximation.

    formula: as in lme4, e.g. ``correct ~ condition + (1 + condition | participant) + (1 | item)``; one row a response.
    Binary responses are 0/1 or booleans; ordinal ones are ordered categories or numbers.
    reml: random effects by the restricted likelihood, which integrates the fixed effects out; by default Gaussian
    models do, others do not, as in lme4. With few participants or items maximum likelihood makes standard errors too
    small (a test of an item-level condition over 60 x 8 errs .07 to .08 of the time at .05, restricted .05): take
    reml=True for tests.
    Where separation makes estimates infinite, a weak normal penalty is added and a note says so. Raises ``ModelError``.
    """
    if family not in ("binary", "ordinal", "gaussian"):
        raise ModelError(f"{family!r} is not a family; there are: binary, ordinal, gaussian.")
    # Checked before the design is made, so that the sentence is about the response.
    response = parse(formula, [str(column) for column in frame.columns]).response
    if frame[response].dropna().nunique() < 2:
        raise ModelError(f"All values of {response} are the same: there is nothing to model.")
    with single_threaded():
        design = design_of(formula, frame, keeps_intercept=family != "ordinal")
        if family == "gaussian":
            return fit_gaussian(design, reml=reml is not False)
        if family == "binary":
            y = binary_response(design)
            return fit_laplace(_with_response(design, y), Binary(y), "binary", reml=bool(reml))
        codes, categories = ordinal_response(design)
        ordinal = Ordinal(codes, len(categories))
        return fit_laplace(_with_response(design, codes.astype(float)), ordinal, "ordinal", categories, reml=bool(reml))


def binary_response(design: Design) -> Floats:
    """0.0 and 1.0 (n,). Raises ``ModelError`` for anything else."""
    y = pd.to_numeric(pd.Series(design.y), errors="coerce").to_numpy(float)
    if not np.isin(y, (0.0, 1.0)).all():
        raise ModelError(f"{design.response} must be 0 or 1 in every row for a binary model.")
    return y


def ordinal_response(design: Design) -> tuple[Integers, tuple[str, ...]]:
    """Codes 0..K-1 (n,) and the categories that occur, in order. Raises ``ModelError`` for unordered text."""
    series = fitted_frame(design)[design.response]
    if isinstance(series.dtype, pd.CategoricalDtype) and series.cat.ordered:
        used = series.cat.remove_unused_categories().cat
        return used.codes.to_numpy().astype(np.intp), tuple(str(category) for category in used.categories)
    numbers = pd.to_numeric(series, errors="coerce")
    if numbers.isna().any():
        raise ModelError(f"{design.response} must be numbers or an ordered categorical for an ordinal model.")
    values, codes = np.unique(numbers.to_numpy(float), return_inverse=True)
    return codes.astype(np.intp), tuple(f"{value:g}" for value in values)


def _with_response(design: Design, y: Floats) -> Design:
    return Design(
        y, design.X, design.names, design.factors, design.response, design.formula, design.notes, design.specification
    )


def fit_laplace(
    design: Design,
    likelihood: Likelihood,
    family: Family,
    categories: tuple[str, ...] = (),
    *,
    reml: bool = False,
    start: Floats | None = None,
) -> MixedModel:
    """Fit a binary or ordinal model to a design; ``start`` is ψ of an earlier fit to similar data."""
    is_restricted = reml and design.X.shape[1] > 0
    laplace = Laplace(design, likelihood)
    cold = np.concatenate([design.starting_theta(0.5), likelihood.start(), np.zeros(design.X.shape[1])])
    estimates = _estimated(laplace, cold if start is None else start, is_restricted)
    notes = list(design.notes)
    problem = "the estimates run away to infinity" if estimates is None else what_is_infinite(design, estimates)
    if problem:
        is_restricted = False
        laplace = Laplace(design, likelihood, weak_priors(laplace))
        estimates = _estimated(laplace, cold, is_restricted)
        notes.append(
            f"Separation: {problem}. Estimates are penalised, "
            f"with normal priors of standard deviation {PRIOR_SD:g} for effects and for random-effects deviations and "
            f"{PRIOR_SD_INTERCEPT:g} for the intercept."
        )
    if estimates is None:
        raise ModelError("The model cannot be fitted to these data: its likelihood has no maximum, even penalised.")
    if not estimates.is_converged:
        notes.append(_not_converged(estimates.distance))
    psi, p = estimates.psi, design.X.shape[1]
    fixed = slice(len(psi) - p, len(psi))
    random = random_effects(design, laplace, psi[: design.theta_size], estimates.mode.u, 1.0)
    notes += boundary_notes(design, random, 1.0)
    return MixedModel(
        formula=design.formula,
        family=family,
        design=design,
        beta=psi[fixed],
        covariance=estimates.covariance[fixed, fixed],
        df=design.degrees_of_freedom(max(len(design.y) - len(psi), 0), has_thresholds=family == "ordinal"),
        random=random,
        log_likelihood=estimates.log_likelihood,
        parameters=psi,
        parameters_covariance=estimates.covariance,
        thresholds=psi[design.theta_size : fixed.start],
        categories=categories,
        sigma=1.0,
        is_converged=estimates.is_converged,
        is_penalized=laplace.penalty is not None,
        is_reml=is_restricted,
        distance=estimates.distance,
        notes=tuple(notes),
    )


def _estimated(laplace: Laplace, start: Floats, is_restricted: bool) -> Estimates | None:
    """Nothing where the search leads to no finite likelihood."""
    try:
        if is_restricted:
            restricted = Laplace(laplace.design.restricted(), laplace.likelihood)
            return by_restricted_likelihood(restricted, laplace, start)
        return by_likelihood(laplace, start)
    except (ArithmeticError, np.linalg.LinAlgError):
        return None


def fit_gaussian(design: Design, *, reml: bool = True, start: Floats | None = None) -> MixedModel:
    """Fit a linear mixed model to a design."""
    y = pd.to_numeric(pd.Series(design.y), errors="coerce").to_numpy(float)
    if not np.isfinite(y).all():
        raise ModelError(f"{design.response} must be a finite number in every row for a Gaussian model.")
    for factor in design.factors:
        if factor.size >= len(y):
            raise ModelError(f"{factor.name} has as many random effects ({factor.size}) as there are rows ({len(y)}): "
                             "they cannot be told from the residual.")  # fmt: skip
    design = _with_response(design, y)
    gaussian = Gaussian(design, is_reml=reml)
    optimum = minimize(gaussian.value_and_gradient, design.starting_theta(0.5) if start is None else start)
    theta = positive(design, optimum.x)
    profile = gaussian.profile(theta)
    if profile is None:
        raise ModelError("The model cannot be fitted to these data: its likelihood has no maximum.")
    notes = list(design.notes)
    distance = float(np.sqrt(max(optimum.decrement, 0.0)))
    if not optimum.is_converged:
        notes.append(_not_converged(distance))
    random = random_effects(design, gaussian, theta, profile.u, profile.sigma)
    notes += boundary_notes(design, random, profile.sigma)
    covariance = profile.sigma**2 * profile.unscaled
    return MixedModel(
        formula=design.formula,
        family="gaussian",
        design=design,
        beta=profile.beta,
        covariance=covariance,
        df=design.degrees_of_freedom(len(y) - len(profile.beta)),
        random=random,
        log_likelihood=-profile.objective,
        parameters=np.concatenate([theta, profile.beta]),
        parameters_covariance=_block_diagonal(inverse(optimum.hessian), covariance),
        thresholds=np.empty(0),
        categories=(),
        sigma=profile.sigma,
        is_converged=optimum.is_converged,
        is_penalized=False,
        is_reml=reml,
        distance=distance,
        notes=tuple(notes),
    )


def _not_converged(distance: float) -> str:
    return (
        f"The fit did not converge: by its gradient the optimum is {distance:.2g} standard errors away. "
        "Do not rely on it; simplify the model."
    )


def _block_diagonal(first: Floats, second: Floats) -> Floats:
    size = len(first)
    out = np.zeros((size + len(second), size + len(second)))
    out[:size, :size], out[size:, size:] = first, second
    return out
