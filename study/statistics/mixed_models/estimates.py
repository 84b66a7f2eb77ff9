"""From data to estimates: every parameter with its covariance, by the likelihood or the restricted one."""

from dataclasses import dataclass

import numpy as np

from study.statistics.mixed_models.design import Design, Floats
from study.statistics.mixed_models.laplace import Laplace, Mode
from study.statistics.mixed_models.optimum import minimize

STEP = 1e-2  # in standard errors, for differences of gradients


@dataclass(frozen=True)
class Estimates:
    """psi: (θ, thresholds, β) with covariance; mode: the random effects there; log_likelihood without penalty.

    distance: to the optimum, by its gradient, in standard errors.
    """

    psi: Floats
    covariance: Floats
    mode: Mode
    log_likelihood: float
    is_converged: bool
    distance: float


def by_likelihood(laplace: Laplace, start: Floats) -> Estimates:
    """All parameters at the maximum. Raises ``ArithmeticError`` or ``LinAlgError`` where the search fails."""
    optimum = minimize(laplace.value_and_gradient, start)
    psi = positive(laplace.design, optimum.x)
    flips = np.where(optimum.x != 0, np.sign(psi) * np.sign(optimum.x), 1.0)
    covariance = inverse(optimum.hessian) * np.outer(flips, flips)
    penalty = laplace.penalty.value(psi) if laplace.penalty is not None else 0.0
    mode = _mode(laplace, psi)
    distance = float(np.sqrt(max(optimum.decrement, 0.0)))
    return Estimates(psi, covariance, mode, penalty - optimum.value, optimum.is_converged, distance)


def by_restricted_likelihood(restricted: Laplace, laplace: Laplace, start: Floats) -> Estimates:
    """θ at the maximum of the restricted likelihood, thresholds and β at that of the likelihood given θ.

    The restricted likelihood's own β, a joint mode with the random effects, is biased towards 0. Thresholds and β get
    the covariance that they have given θ, and what they move when θ does: H⁻¹ + J V Jᵀ with J = -H⁻¹ ∂²F/∂(τ, β)∂θ.
    """
    first = minimize(restricted.value_and_gradient, start[: restricted.size])
    outer = positive(restricted.design, first.x)
    flips = np.where(first.x != 0, np.sign(outer) * np.sign(first.x), 1.0)
    split = restricted.theta.stop
    theta, V = outer[:split], (inverse(first.hessian) * np.outer(flips, flips))[:split, :split]
    beta = _mode(restricted, outer).u[restricted.crossing.parts[-1]]

    def given(rest: Floats) -> tuple[float, Floats]:
        value, gradient = laplace.value_and_gradient(np.concatenate([theta, rest]))
        return value, gradient[split:]

    second = minimize(given, np.concatenate([outer[split:], beta]))
    psi = np.concatenate([theta, second.x])
    mixed = np.empty((len(second.x), split))
    for place, size in enumerate(STEP * np.sqrt(np.abs(np.diagonal(V)).clip(1e-8, 1e2))):
        shift = np.zeros(len(psi))
        shift[place] = size
        up, down = laplace.value_and_gradient(psi + shift)[1], laplace.value_and_gradient(psi - shift)[1]
        mixed[:, place] = (up - down)[split:] / (2 * size)
    by_theta = inverse(second.hessian)
    J = -by_theta @ mixed
    covariance = np.block([[V, V @ J.T], [J @ V, by_theta + J @ V @ J.T]])
    log_likelihood = 0.5 * len(beta) * float(np.log(2 * np.pi)) - first.value
    is_converged = first.is_converged and second.is_converged
    distance = float(np.sqrt(max(first.decrement, second.decrement, 0.0)))
    return Estimates(psi, covariance, _mode(laplace, psi), log_likelihood, is_converged, distance)


def _mode(laplace: Laplace, psi: Floats) -> Mode:
    mode = laplace.mode(psi)
    if mode is None:
        raise ArithmeticError("the likelihood is not finite next to its maximum")
    return mode


def positive(design: Design, psi: Floats) -> Floats:
    """ψ with non-negative diagonals of Λ: a column of Λ may change its sign without changing the model."""
    psi = psi.copy()
    start = 0
    for factor in design.factors:
        for column in range(len(factor.effects)):
            own = start + np.flatnonzero(factor.pattern[:, 1] == column)
            if len(own) and psi[own[0]] < 0:
                psi[own] *= -1.0
        start += len(factor.pattern)
    return psi


def inverse(hessian: Floats) -> Floats:
    """NaN where there is none."""
    try:
        return np.asarray(np.linalg.inv(hessian))
    except np.linalg.LinAlgError:
        return np.full_like(hessian, np.nan)
