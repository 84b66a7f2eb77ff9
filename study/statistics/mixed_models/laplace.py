"""The Laplace approximation of a mixed model's log-likelihood, with its exact gradient.

With η = Xβ + ZΛu, u ~ N(0, I) and H = ΛᵀZᵀWZΛ + I at the mode û of log p(y | η) - u'u/2, the objective is

    F(θ, τ, β) = -log p(y | η̂) + û'û/2 + log|H|/2

(Bates et al. 2015 for the algebra; Kristensen et al. 2016 for differentiating through the mode). The gradient needs the
leverages h = diag(ZΛH⁻¹ΛᵀZᵀ), the third derivatives W' and one solution v = H⁻¹ΛᵀZᵀ(h W'), since dû/dψ = -H⁻¹ ∂²/∂u∂ψ.
"""

from dataclasses import dataclass

import numpy as np

from study.statistics.mixed_models.crossing import Crossing, Factorization, Products
from study.statistics.mixed_models.design import Design, Floats
from study.statistics.mixed_models.likelihoods import Derivatives, Likelihood

MODE_TOLERANCE = 1e-13  # squared Newton decrement at which the mode counts as found
MODE_STEPS = 100
LONGEST_STEP = 1e8  # where all weights vanish a Newton step has no bound; beyond this, log-odds say nothing more


@dataclass(frozen=True)
class Penalty:
    """Independent normal priors on parameters, centre 0: precisions (size of ψ,), 0 where there is none."""

    precision: Floats

    def value(self, psi: Floats) -> float:
        return 0.5 * float(self.precision @ psi**2)


@dataclass(frozen=True)
class Mode:
    """The random effects û (flat) at one ψ and what was computed there."""

    u: Floats
    eta: Floats
    derivatives: Derivatives
    factorization: Factorization
    objective: float


class Laplace:
    """F and dF/dψ for ψ = (θ, thresholds, β). Keeps the last mode as the start of the next."""

    def __init__(self, design: Design, likelihood: Likelihood, penalty: Penalty | None = None) -> None:
        self.design, self.likelihood, self.penalty = design, likelihood, penalty
        self.crossing = Crossing(design.factors)
        self.theta = slice(0, design.theta_size)
        self.own = slice(design.theta_size, design.theta_size + likelihood.size)
        self.beta = slice(self.own.stop, self.own.stop + design.X.shape[1])
        self.size = self.beta.stop
        self.evaluations = 0
        self._u = np.zeros(self.crossing.size)

    def mode(self, psi: Floats) -> Mode | None:
        """The mode by damped Newton steps; None where ψ lies outside its space or the numbers overflow."""
        triangles = self.design.triangles(psi[self.theta])
        fixed, own = self.design.X @ psi[self.beta], psi[self.own]
        u, prior = self._u, self.crossing.prior
        eta = fixed + self.crossing.scaled_rows(u, triangles)
        derivatives = self.likelihood.derivatives(eta, own)
        if derivatives is None or not np.isfinite(derivatives.total):
            return None
        for _ in range(MODE_STEPS):
            try:
                factorization = Factorization(Products(self.crossing, derivatives.weight), triangles)
            except np.linalg.LinAlgError:
                return None
            ascent = self.crossing.scaled_sums(derivatives.first, triangles) - prior * u
            step = factorization.solve(ascent)
            decrement = float(ascent @ step)
            height = derivatives.total - 0.5 * float(prior @ u**2)
            if decrement < MODE_TOLERANCE * (1.0 + abs(height)) ** 0.5:
                self._u = u
                objective = 0.5 * factorization.log_determinant - height
                return Mode(u, eta, derivatives, factorization, objective)
            move = self.crossing.scaled_rows(step, triangles)
            length = LONGEST_STEP / max(float(np.abs(move).max()), float(np.abs(step).max()), LONGEST_STEP)
            while True:
                tried = self.likelihood.derivatives(eta + length * move, own)
                new = u + length * step
                # Below rounding, a full Newton step is right even where the height cannot show it.
                if tried is not None and tried.total - 0.5 * float(prior @ new**2) >= height - 1e-10 * abs(height):
                    break
                length /= 2
                if length < 1e-8:
                    return None
            u, eta, derivatives = new, eta + length * move, tried
        return None

    def value_and_gradient(self, psi: Floats) -> tuple[float, Floats]:
        """F and dF/dψ (size,); F is infinite where there is no mode."""
        self.evaluations += 1
        mode = self.mode(psi)
        if mode is None:
            return np.inf, np.zeros(self.size)
        gradient = np.empty(self.size)
        derivatives, factorization, design = mode.derivatives, mode.factorization, self.design
        triangles = factorization.triangles
        leverage, traces = factorization.leverages(derivatives.weight)
        bent = leverage * self.likelihood.third(derivatives)
        v = factorization.solve(self.crossing.scaled_sums(bent, triangles))
        back = self.crossing.scaled_rows(v, triangles)
        slope = 0.5 * (bent - derivatives.weight * back) - derivatives.first
        gradient[self.beta] = design.X.T @ slope
        gradient[self.own] = self.likelihood.own_gradient(derivatives, psi[self.own], leverage, back)
        parts = []
        for f, (factor, trace) in enumerate(zip(design.factors, traces, strict=True)):
            by_mode = self.crossing.sums(f, slope).T @ self.crossing.levels(f, mode.u)
            by_back = self.crossing.sums(f, derivatives.first).T @ self.crossing.levels(f, v)
            matrix = by_mode + trace + 0.5 * by_back
            parts.append(matrix[factor.pattern[:, 0], factor.pattern[:, 1]])
        gradient[self.theta] = np.concatenate(parts)
        if self.penalty is None:
            return mode.objective, gradient
        return mode.objective + self.penalty.value(psi), gradient + self.penalty.precision * psi
