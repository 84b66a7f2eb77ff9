"""Random effects of a fitted model: standard deviations, correlations, modes, and what is on the boundary."""

import numpy as np

from study.statistics.mixed_models.design import Design, Floats
from study.statistics.mixed_models.gaussian import Gaussian
from study.statistics.mixed_models.laplace import Laplace
from study.statistics.mixed_models.model import RandomEffects

BOUNDARY = 2e-3  # a random-effects standard deviation below it, per unit of the link or of σ, counts as 0


def random_effects(
    design: Design, fitted: Laplace | Gaussian, theta: Floats, u: Floats, sigma: float
) -> tuple[RandomEffects, ...]:
    """Covariances and conditional modes of every factor."""
    found = []
    for f, (factor, triangle) in enumerate(zip(design.factors, design.triangles(theta), strict=True)):
        covariance = sigma**2 * triangle @ triangle.T
        sd = np.sqrt(np.diagonal(covariance))
        safe = np.where(sd > 0, sd, 1.0)
        modes = fitted.crossing.levels(f, u) @ triangle.T
        correlation = covariance / np.outer(safe, safe)
        found.append(RandomEffects(factor.name, factor.levels, factor.effects, sd, correlation, covariance, modes))
    return tuple(found)


def boundary_notes(design: Design, random: tuple[RandomEffects, ...], sigma: float) -> list[str]:
    """Sentences for random effects whose variance is 0, or which others determine."""
    notes = []
    for factor, effects in zip(design.factors, random, strict=True):
        spread = np.sqrt(np.mean(factor.Z**2, axis=0))
        gone = [name for name, sd in zip(effects.effects, effects.sd * spread, strict=True) if sd < BOUNDARY * sigma]
        for name in gone:
            what = "intercept" if name in ("Intercept", "1") else name
            notes.append(
                f"The standard deviation of {what} over {factor.name} is on the boundary (0): "
                "the data show no more differences there than chance makes."
            )
        rank = np.linalg.eigvalsh(effects.correlation).min() if not gone and len(effects.sd) > 1 else 1.0
        if rank < 1e-4:
            notes.append(
                f"The correlation of the random effects of {factor.name} is on the boundary (1 or -1): "
                "the data do not support so many of them; leave the correlation or a slope out."
            )
    return notes
