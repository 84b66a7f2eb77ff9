"""What a mixed model is fitted to: response, fixed-effects columns and grouping factors with their random effects."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


class ModelError(ValueError):
    """The data or the formula do not allow this model; the message says why and what would."""


@dataclass(frozen=True)
class Factor:
    """One grouping factor and the random effects that vary over its levels.

    codes: (n,) level of each row. Z: (n, q) random-effects columns. pattern: (k, 2) the free entries (row, column) of
    the lower-triangular q x q factor Λ of the covariance ΛΛᵀ; terms joined by ``||`` leave entries out, which are 0.
    """

    name: str
    levels: tuple[str, ...]
    codes: Integers
    Z: Floats
    effects: tuple[str, ...]
    pattern: Integers
    is_flat: bool = False  # fixed effects among the random ones: Λ = I and no prior, as a restricted likelihood has it

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and effects of each: (L, q)."""
        return len(self.levels), len(self.effects)

    @property
    def size(self) -> int:
        return len(self.levels) * len(self.effects)

    def triangle(self, theta: Floats) -> Floats:
        """Λ (q, q) from its free entries (k,)."""
        q = len(self.effects)
        if self.is_flat:
            return np.eye(q)
        triangle = np.zeros((q, q))
        triangle[self.pattern[:, 0], self.pattern[:, 1]] = theta
        return triangle


@dataclass(frozen=True)
class Design:
    """Rows sorted by the first factor, which is the one with the most random effects (it is eliminated first).

    y: (n,); X: (n, p); specification: what makes the same columns from other data.
    """

    y: Floats
    X: Floats
    names: tuple[str, ...]
    factors: tuple[Factor, ...]
    response: str
    formula: str
    notes: tuple[str, ...] = ()
    specification: Any = field(default=None, repr=False, compare=False)

    @property
    def theta_size(self) -> int:
        return sum(len(factor.pattern) for factor in self.factors)

    def triangles(self, theta: Floats) -> list[Floats]:
        """The factors' Λ, from all free entries (theta_size,)."""
        ends = np.cumsum([len(factor.pattern) for factor in self.factors])[:-1]
        return [factor.triangle(part) for factor, part in zip(self.factors, np.split(theta, ends), strict=True)]

    def restricted(self) -> "Design":
        """The same data with the fixed effects as a last factor, of one level, that has no prior."""
        flat = Factor(
            name="fixed effects",
            levels=("all",),
            codes=np.zeros(len(self.y), dtype=np.intp),
            Z=self.X,
            effects=self.names,
            pattern=np.empty((0, 2), dtype=np.intp),
            is_flat=True,
        )
        return replace(self, X=self.X[:, :0], names=(), factors=(*self.factors, flat))

    def starting_theta(self, scale: float) -> Floats:
        """Uncorrelated random effects with standard deviation ``scale`` per unit of their column's spread."""
        parts = []
        for factor in self.factors:
            spread = np.sqrt(np.mean(factor.Z**2, axis=0)).clip(1e-8)
            on_diagonal = factor.pattern[:, 0] == factor.pattern[:, 1]
            parts.append(np.where(on_diagonal, scale / spread[factor.pattern[:, 0]], 0.0))
        return np.concatenate(parts)

    def degrees_of_freedom(self, residual: float, *, has_thresholds: bool = False) -> Floats:
        """Degrees of freedom (p,) of each fixed effect: those of the unit over which it varies, by containment.

        A column that within every level of a factor is a multiple of one of that factor's random-effects columns is
        known only as well as that factor has levels: L minus the number of such columns (a between-participant
        condition: P - 2; a within-participant condition with a random slope: P - 1; an item-level condition: I - 2).
        The smallest over factors counts; without any it is ``residual``. Thresholds stand for an intercept.
        """
        df = np.full(len(self.names), residual, dtype=float)
        for factor in self.factors:
            for effect in range(len(factor.effects)):
                is_intercept = int(has_thresholds and bool((factor.Z[:, effect] == 1).all()))
                contained = _multiples_within(factor, factor.Z[:, effect], self.X)
                df[contained] = np.minimum(df[contained], len(factor.levels) - int(contained.sum()) - is_intercept)
        return df


def _multiples_within(factor: Factor, z: Floats, X: Floats) -> NDArray[np.bool_]:
    """Which columns of X (n, p) are, within each level, a multiple of z (n,)."""
    size = len(factor.levels)
    zz = np.bincount(factor.codes, z * z, size)
    safe = np.where(zz > 0, zz, 1.0)
    contained = np.zeros(X.shape[1], dtype=bool)
    for column in range(X.shape[1]):
        x = X[:, column]
        slope = np.bincount(factor.codes, z * x, size) / safe
        contained[column] = np.abs(x - slope[factor.codes] * z).max() <= 1e-9 * max(1.0, np.abs(x).max())
    return contained


def order_factors(factors: Sequence[Factor]) -> tuple[list[Factor], Integers]:
    """Factors with the most random effects first, and the row order (n,) that makes access to them sequential."""
    ordered = sorted(factors, key=lambda factor: -factor.size)
    rows = np.lexsort(tuple(factor.codes for factor in reversed(ordered)))
    moved = [
        Factor(f.name, f.levels, np.ascontiguousarray(f.codes[rows]), f.Z[rows], f.effects, f.pattern) for f in ordered
    ]
    return moved, rows
