"""Separation: estimates without bound, told by their size, and the weak priors that make them finite."""

import numpy as np

from study.statistics.mixed_models.design import Design
from study.statistics.mixed_models.estimates import Estimates
from study.statistics.mixed_models.laplace import Laplace, Penalty

EXTREME_ETA = 15.0  # beyond it a fitted probability is 3e-7: no data show that
EXTREME_SE = 10.0  # of a coefficient per standard deviation of its column
EXTREME_SD = 10.0  # of random effects, likewise: everybody is always right or always wrong
PRIOR_SD = 2.5  # of a log-odds ratio between a binary predictor's halves, where separation makes a penalty necessary
PRIOR_SD_INTERCEPT = 5.0


def what_is_infinite(design: Design, estimates: Estimates) -> str:
    """Which estimates the data leave without bound, in words; empty where none."""
    psi = estimates.psi
    beta = psi[-design.X.shape[1] :] if design.X.shape[1] else np.empty(0)
    spread = np.where(np.ptp(design.X, axis=0) > 0, design.X.std(axis=0), 1.0) if design.X.size else np.ones(len(beta))
    se = np.sqrt(np.abs(np.diagonal(estimates.covariance)[len(psi) - len(beta) :]))
    if wild := [name for name, value in zip(design.names, se * spread, strict=True) if not value <= EXTREME_SE]:
        return f"the responses leave {', '.join(wild)} without a finite estimate (standard error over {EXTREME_SE:g})"
    triangles = design.triangles(psi[: design.theta_size])
    for factor, triangle in zip(design.factors, triangles, strict=True):
        spread = np.sqrt(np.mean(factor.Z**2, axis=0))
        if not np.sqrt((triangle**2).sum(axis=1) * spread**2).max() <= EXTREME_SD:
            return (
                f"the differences over {factor.name} have no finite estimate (standard deviation over {EXTREME_SD:g})"
            )
    if np.abs(estimates.mode.eta).max() > EXTREME_ETA:
        return f"some fitted log-odds exceed {EXTREME_ETA:g}, which no data of this size can show"
    return ""


def weak_priors(laplace: Laplace) -> Penalty:
    """Weak priors: on θ per unit of its column's spread, on β per two standard deviations of its column."""
    design = laplace.design
    precision = np.zeros(laplace.size)
    spread = np.concatenate([np.sqrt(np.mean(f.Z**2, axis=0))[f.pattern[:, 0]] for f in design.factors])
    precision[laplace.theta] = (spread / PRIOR_SD) ** 2
    deviation = design.X.std(axis=0)
    precision[laplace.beta] = np.where(deviation > 0, (2 * deviation / PRIOR_SD) ** 2, 1 / PRIOR_SD_INTERCEPT**2)
    return Penalty(precision)
