"""Densities of one response given its linear predictor, with the derivatives that the Laplace approximation needs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from study.statistics.mixed_models.design import Floats, Integers


@dataclass(frozen=True)
class Derivatives:
    """log p(y | η): its sum, first derivative (n,), minus the second (n,), and what ``third`` needs again."""

    total: float
    first: Floats
    weight: Floats
    kept: tuple[Floats, ...]


class Likelihood(Protocol):
    """A response family with parameters of its own (thresholds), all through a logit link."""

    size: int  # number of parameters of its own

    def start(self) -> Floats: ...

    def derivatives(self, eta: Floats, own: Floats) -> Derivatives | None:
        """None where ``own`` lies outside its space."""
        ...

    def third(self, kept: Derivatives) -> Floats:
        """d weight / dη (n,)."""
        ...

    def own_gradient(self, kept: Derivatives, own: Floats, leverage: Floats, back: Floats) -> Floats:
        """d objective / d own; leverage (n,) and back = ZΛv (n,) as in ``laplace``."""
        ...


class Binary:
    """Bernoulli with logit link: P(y = 1) = σ(η)."""

    size = 0

    def __init__(self, y: Floats) -> None:
        self.y = y

    def start(self) -> Floats:
        return np.empty(0)

    def derivatives(self, eta: Floats, own: Floats) -> Derivatives:
        small = np.exp(-np.abs(eta))
        p = np.where(eta >= 0, 1.0, small)
        small += 1.0
        p /= small
        total = float(self.y @ eta - np.maximum(eta, 0.0).sum() - np.log(small).sum())
        return Derivatives(total, self.y - p, p * (1.0 - p), (p,))

    def third(self, kept: Derivatives) -> Floats:
        return np.asarray(kept.weight * (1.0 - 2.0 * kept.kept[0]))

    def own_gradient(self, kept: Derivatives, own: Floats, leverage: Floats, back: Floats) -> Floats:
        return np.empty(0)


class Ordinal:
    """Cumulative logit: P(y <= k) = σ(τ_k - η), k = 0..K-2 (McCullagh 1980), thresholds τ free but increasing.

    With a = τ_y - η and b = τ_{y-1} - η, σ(a) - σ(b) = σ(a) σ(-b) (1 - e^{-(a-b)}): η enters two logistic terms only.
    """

    def __init__(self, y: Integers, categories: int) -> None:
        self.y = y
        self.size = categories - 1
        self.counts = np.bincount(y, minlength=categories).astype(float)

    def start(self) -> Floats:
        share = np.cumsum(self.counts)[:-1] / self.counts.sum()
        return np.asarray(np.log(share / (1.0 - share)))

    def derivatives(self, eta: Floats, own: Floats) -> Derivatives | None:
        gap = np.diff(own)
        if (gap <= 0).any():
            return None
        edges = np.concatenate([[-np.inf], own, [np.inf]])
        upper, lower = _log_logistic(edges[1:][self.y] - eta), _log_logistic(eta - edges[:-1][self.y])
        between = float(self.counts[1:-1] @ np.log(-np.expm1(-gap)))
        pa, pb = np.exp(upper), -np.expm1(lower)
        wa, wb = pa * (1.0 - pa), pb * (1.0 - pb)
        return Derivatives(float(upper.sum() + lower.sum()) + between, pa + pb - 1.0, wa + wb, (pa, pb, wa, wb))

    def third(self, kept: Derivatives) -> Floats:
        pa, pb, wa, wb = kept.kept
        return np.asarray(wa * (2.0 * pa - 1.0) + wb * (2.0 * pb - 1.0))

    def own_gradient(self, kept: Derivatives, own: Floats, leverage: Floats, back: Floats) -> Floats:
        pa, pb, wa, wb = kept.kept
        # Rows whose upper edge is the threshold, rows whose lower edge it is, and the gaps between thresholds.
        above = pa - 1.0 + 0.5 * wa * (leverage * (1.0 - 2.0 * pa) + back)
        below = pb + 0.5 * wb * (leverage * (1.0 - 2.0 * pb) + back)
        categories = self.size + 1
        gap = np.diff(own)
        # 1 / (e^gap - 1), in a form that a wide gap does not overflow.
        barrier = np.concatenate([[0.0], self.counts[1:-1] * np.exp(-gap) / -np.expm1(-gap), [0.0]])
        by_edge = np.bincount(self.y, above, categories)[:-1] + np.bincount(self.y, below, categories)[1:]
        return np.asarray(by_edge - barrier[:-1] + barrier[1:])


def _log_logistic(x: Floats) -> Floats:
    """log σ(x), also at ±∞."""
    return np.asarray(np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x))))
