"""The linear mixed model: REML or ML with β and σ profiled out, and the exact gradient in θ.

With y* = y less its least-squares fit, H = ΛᵀZᵀZΛ + I, V = I + ZΛΛᵀZᵀ and r² the penalised residual sum of squares,

    F(θ) = (log|H| + log|XᵀV⁻¹X| + (n - p)(1 + log(2π r²/(n - p))))/2        (REML; ML drops the second term and p)

(Bates et al. 2015, equations 34 and 41). Gradients use ΛᵀZᵀV⁻¹X = H⁻¹ΛᵀZᵀX and the envelope theorem for r².
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from study.statistics.mixed_models.crossing import Crossing, Factorization, Products
from study.statistics.mixed_models.design import Design, Floats, ModelError


@dataclass(frozen=True)
class Profile:
    """Everything that follows from one θ."""

    objective: float
    beta: Floats
    unscaled: Floats  # (XᵀV⁻¹X)⁻¹
    sigma: float
    u: Floats
    factorization: Factorization
    solved: Floats  # H⁻¹ΛᵀZᵀX (q, p)
    penalized: float  # r²


class Gaussian:
    """F and dF/dθ of one design."""

    def __init__(self, design: Design, *, is_reml: bool) -> None:
        self.design, self.is_reml = design, is_reml
        self.crossing = Crossing(design.factors)
        rows = len(design.y)
        if rows <= design.X.shape[1] + 1:
            raise ModelError(f"{rows} rows are too few for {design.X.shape[1]} fixed effects and a residual.")
        self.products = Products(self.crossing, np.ones(rows))
        self.ols: Floats = np.asarray(scipy.linalg.lstsq(design.X, design.y)[0])
        self.y = design.y - design.X @ self.ols
        self.total = float(self.y @ self.y)
        spread = float(((design.y - design.y.mean()) ** 2).sum())
        if self.total <= 1e-20 * max(spread, float(design.y @ design.y) * 1e-6, 1e-300):
            raise ModelError(f"{design.response} does not vary beyond the fixed effects: there is nothing to model.")
        self.XX = design.X.T @ design.X
        self.Xy = design.X.T @ self.y
        self.free = rows - design.X.shape[1] if is_reml else rows

    def profile(self, theta: Floats) -> Profile | None:
        design, crossing = self.design, self.crossing
        triangles = design.triangles(theta)
        try:
            factorization = Factorization(self.products, triangles)
        except np.linalg.LinAlgError:
            return None
        sums = [crossing.scaled_sums(column, triangles) for column in (self.y, *design.X.T)]
        solved = [factorization.solve(column) for column in sums]
        SX, CX = np.stack(sums[1:], axis=1), np.stack(solved[1:], axis=1)
        XVX = self.XX - SX.T @ CX
        try:
            root = scipy.linalg.cholesky(XVX, lower=True)
        except np.linalg.LinAlgError:
            return None
        unscaled = scipy.linalg.cho_solve((root, True), np.eye(len(XVX)))
        delta = unscaled @ (self.Xy - SX.T @ solved[0])
        penalized = self.total - float(sums[0] @ solved[0]) - float(delta @ (self.Xy - SX.T @ solved[0]))
        if penalized <= 0:
            return None
        objective = factorization.log_determinant + self.free * (1 + np.log(2 * np.pi * penalized / self.free))
        if self.is_reml:
            objective += 2 * float(np.log(np.diagonal(root)).sum())
        sigma = float(np.sqrt(penalized / self.free))
        u = solved[0] - CX @ delta
        return Profile(0.5 * objective, self.ols + delta, unscaled, sigma, u, factorization, CX, penalized)

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """F and dF/dθ; F is infinite where it cannot be computed."""
        profile = self.profile(theta)
        if profile is None:
            return np.inf, np.zeros(len(theta))
        design, crossing, triangles = self.design, self.crossing, profile.factorization.triangles
        _, traces = profile.factorization.leverages(np.ones(len(design.y)))
        residual = design.y - design.X @ profile.beta - crossing.scaled_rows(profile.u, triangles)
        parts = []
        for f, (factor, matrix) in enumerate(zip(design.factors, traces, strict=True)):
            by_mode = crossing.sums(f, residual).T @ crossing.levels(f, profile.u)
            matrix = matrix - by_mode * (self.free / profile.penalized)
            if self.is_reml:
                matrix = matrix - self._fixed_part(f, profile)
            parts.append(matrix[factor.pattern[:, 0], factor.pattern[:, 1]])
        return profile.objective, np.concatenate(parts)

    def _fixed_part(self, f: int, profile: Profile) -> Floats:
        """Half of -d log|XᵀV⁻¹X| by the entries of Λ of factor f (q, q)."""
        design, crossing, triangles = self.design, self.crossing, profile.factorization.triangles
        q = len(design.factors[f].effects)
        total = np.zeros((q, q))
        right = profile.solved @ profile.unscaled
        for column in range(design.X.shape[1]):
            whitened = design.X[:, column] - crossing.scaled_rows(profile.solved[:, column], triangles)
            total += crossing.sums(f, whitened).T @ crossing.levels(f, np.ascontiguousarray(right[:, column]))
        return total
