"""Looking at data before all are there: group-sequential boundaries that keep the error rate.

Lan & DeMets 1983: the error α is spent along information fraction t by α(t) = 2 - 2Φ(z_{α/2}/√t) (as O'Brien & Fleming)
or α log(1 + (e - 1)t) (as Pocock); each boundary spends what is due, by recursive integration over the paths that
have not crossed before (Armitage, McPherson & Rowe 1969). Information is 1/SE² of the estimate. Statistics with few
degrees of freedom are compared by their nominal p.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from scipy import optimize
from scipy.special import ndtr, ndtri

from study.statistics.crossed_means import UndefinedError, Values

Spending = Literal["obrien_fleming", "pocock"]
TAIL = 9.0  # standard deviations beyond which paths are as good as impossible


@dataclass(frozen=True)
class Look:
    """One look: reject where z >= boundary (|z| where two-sided), that is where p <= nominal_p."""

    fraction: float
    boundary: float
    nominal_p: float
    spent: float


@dataclass(frozen=True)
class Paths:
    """The density of the score B(t) at nodes, on paths that have crossed no boundary so far."""

    nodes: Values
    mass: Values  # density times quadrature weight
    fraction: float


def spent(fraction: float, alpha: float, spending: Spending) -> float:
    """The one-sided error that may be spent until information fraction t in [0, 1]."""
    if spending not in get_args(Spending):
        raise UndefinedError(f"{spending!r} is no spending function; there are: {', '.join(get_args(Spending))}.")
    t = min(max(fraction, 0.0), 1.0)
    if t == 0.0:
        return 0.0
    if spending == "obrien_fleming":
        return float(2 * ndtr(ndtri(alpha / 2) / np.sqrt(t)))
    return float(alpha * np.log1p((np.e - 1) * t))


def boundaries(
    fractions: Sequence[float], *, alpha: float = 0.05, sides: int = 2, spending: Spending = "obrien_fleming"
) -> list[Look]:
    """The looks at increasing information fractions; the last spends all of α only where it is 1 or more.

    With two sides each spends α/2. Raises ``UndefinedError`` for fractions that do not increase or are not positive.
    """
    if not fractions or fractions[0] <= 0 or any(b <= a for a, b in pairwise(fractions)):
        raise UndefinedError(
            "Looks need information fractions that are positive and increase, such as .25, .5, .75, 1."
        )
    if not 0 < alpha < 1 or sides not in (1, 2):
        raise UndefinedError("alpha must lie between 0 and 1, and sides must be 1 or 2.")
    one_sided = alpha / sides
    looks: list[Look] = []
    paths: Paths | None = None
    before = 0.0
    for fraction in fractions:
        total = spent(fraction, one_sided, spending)
        boundary = _boundary(paths, fraction, total - before, sides)
        looks.append(Look(fraction, boundary, sides * float(ndtr(-boundary)), total * sides))
        paths = _continued(paths, fraction, boundary, sides, 0.0)
        before = total
    return looks


def crossing_probabilities(looks: Sequence[Look], *, sides: int = 2, drift: float = 0.0) -> list[float]:
    """The probability of first crossing the upper boundary at each look.

    drift: the expected z at full information, effect/SE: with it, the power; at 0, the error of one side.
    """
    paths: Paths | None = None
    found = []
    for look in looks:
        found.append(_upcrossing(paths, look.fraction, look.boundary, drift))
        paths = _continued(paths, look.fraction, look.boundary, sides, drift)
    return found


def information_fraction(se: float, planned_se: float) -> float:
    """Information so far, 1/SE², as a share of what was planned."""
    if not se > 0 or not planned_se > 0:
        raise UndefinedError("Information is undefined: a standard error is 0 or missing.")
    return float((planned_se / se) ** 2)


def _upcrossing(paths: Paths | None, fraction: float, boundary: float, drift: float) -> float:
    edge = boundary * np.sqrt(fraction)
    if paths is None:
        return float(ndtr(-(edge - drift * fraction) / np.sqrt(fraction)))
    step = fraction - paths.fraction
    return float(paths.mass @ ndtr(-(edge - paths.nodes - drift * step) / np.sqrt(step)))


def _boundary(paths: Paths | None, fraction: float, due: float, sides: int) -> float:
    """The z whose crossing for the first time has probability ``due``."""
    if due <= 1e-17:
        return float("inf")

    def excess(z: float) -> float:
        return _upcrossing(paths, fraction, z, 0.0) - due

    low = 0.0 if sides == 2 else -TAIL
    if excess(low) < 0:
        return low
    if excess(TAIL) > 0:
        return TAIL
    return optimize.brentq(excess, low, TAIL, xtol=1e-10)


def _continued(paths: Paths | None, fraction: float, boundary: float, sides: int, drift: float) -> Paths:
    """The paths that go on after a look."""
    root = np.sqrt(fraction)
    high = min(boundary, TAIL) * root + (max(drift * fraction, 0.0) if np.isinf(boundary) else 0.0)
    low = -high if sides == 2 else -TAIL * root + min(drift * fraction, 0.0)
    step = fraction if paths is None else fraction - paths.fraction
    # The density varies over one standard deviation of an increment: ten nodes for each.
    count = int(min(4000, max(200, np.ceil(10 * (high - low) / np.sqrt(step)))))
    nodes, weights = np.polynomial.legendre.leggauss(count) if count <= 400 else _composite(count)
    nodes, weights = (high + low) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights
    if paths is None:
        density = np.exp(-((nodes - drift * step) ** 2) / (2 * step)) / np.sqrt(2 * np.pi * step)
    else:
        away = nodes[:, None] - paths.nodes - drift * step
        density = np.exp(-(away**2) / (2 * step)) @ paths.mass / np.sqrt(2 * np.pi * step)
    return Paths(nodes, density * weights, fraction)


def _composite(count: int) -> tuple[Values, Values]:
    """Gauss-Legendre of 20 nodes on equal pieces of [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    pieces = -(-count // 20)
    centres = (2 * np.arange(pieces) + 1) / pieces - 1
    return (centres[:, None] + nodes / pieces).ravel(), np.tile(weights / pieces, pieces)
