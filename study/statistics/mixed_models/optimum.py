"""Minimum of a smooth function with an exact gradient: BFGS between Hessians made of gradient differences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from study.statistics.mixed_models.design import Floats

Objective = Callable[[Floats], tuple[float, Floats]]

ROUGH, FINE = 1e-2, 1e-6  # squared Newton decrement (twice the distance to the minimum) before and at convergence
ITERATIONS = 200


@dataclass(frozen=True)
class Optimum:
    """Where the search ended: decrement = g'H⁻¹g, the squared distance to the minimum in standard errors."""

    x: Floats
    value: float
    gradient: Floats
    hessian: Floats
    decrement: float
    is_converged: bool


def minimize(objective: Objective, start: Floats) -> Optimum:
    """Minimise from ``start``; judged by the gradient in the metric of the exact Hessian at the end.

    Raises ``ArithmeticError`` where the objective is not finite at the start.
    """
    x = start
    value, gradient = objective(x)
    if not np.isfinite(value):
        raise ArithmeticError("the likelihood is not finite at the starting values")
    hessian = difference_hessian(objective, x, gradient, np.full(len(x), 1e-4))
    for _ in range(6):
        x, value, gradient = _descend(objective, x, value, gradient, hessian)
        hessian = difference_hessian(objective, x, None, _steps(hessian))
        decrement, is_positive = _decrement(hessian, gradient)
        if is_positive and decrement < FINE:
            # One last step costs one evaluation and squares the error.
            moved = x - np.linalg.solve(hessian, gradient)
            new_value, new_gradient = objective(moved)
            new_decrement, _ = _decrement(hessian, new_gradient)
            if np.isfinite(new_value) and new_decrement < decrement:
                x, value, gradient, decrement = moved, new_value, new_gradient, new_decrement
            return Optimum(x, value, gradient, hessian, decrement, True)
    return Optimum(x, value, gradient, hessian, decrement, False)


def _descend(
    objective: Objective, x: Floats, value: float, gradient: Floats, hessian: Floats
) -> tuple[Floats, float, Floats]:
    """BFGS with backtracking from an approximate Hessian, until its own decrement is small."""
    inverse = _positive_inverse(hessian)
    for _ in range(ITERATIONS):
        step = -inverse @ gradient
        slope = float(step @ gradient)
        if -slope < FINE / 10:
            break
        length = 1.0
        while True:
            new_value, new_gradient = objective(x + length * step)
            if new_value <= value + 1e-4 * length * slope + 1e-9 * abs(value) * (-slope < ROUGH):
                break
            length /= 2 if np.isfinite(new_value) else 4
            if length < 1e-6:
                return x, value, gradient
        move, change = length * step, new_gradient - gradient
        x, value, gradient = x + move, new_value, new_gradient
        curvature = float(move @ change)
        if curvature > 1e-10 * float(np.sqrt((move @ move) * (change @ change))):
            left = np.eye(len(x)) - np.outer(move, change) / curvature
            inverse = left @ inverse @ left.T + np.outer(move, move) / curvature
    return x, value, gradient


def difference_hessian(objective: Objective, x: Floats, gradient: Floats | None, steps: Floats) -> Floats:
    """Symmetric Hessian from differences of gradients: forward from ``gradient``, central where that is None."""
    columns = []
    for i, size in enumerate(steps):
        shift = np.zeros(len(x))
        shift[i] = size
        up_value, up = objective(x + shift)
        if gradient is not None:
            columns.append((up - gradient) / size)
            continue
        down_value, down = objective(x - shift)
        if not (np.isfinite(up_value) and np.isfinite(down_value)):
            return np.full((len(x), len(x)), np.nan)
        columns.append((up - down) / (2 * size))
    hessian = np.stack(columns, axis=1)
    return np.asarray((hessian + hessian.T) / 2)


def _steps(hessian: Floats) -> Floats:
    """A hundredth of each parameter's conditional standard error."""
    diagonal = np.abs(np.diagonal(hessian))
    return np.asarray(0.01 / np.sqrt(diagonal.clip(1e-4, 1e12)))


def _decrement(hessian: Floats, gradient: Floats) -> tuple[float, bool]:
    """g'H⁻¹g and whether H is positive definite; infinite where it is not."""
    try:
        factor = scipy.linalg.cho_factor(hessian)
    except (np.linalg.LinAlgError, ValueError):
        return np.inf, False
    return float(gradient @ scipy.linalg.cho_solve(factor, gradient)), True


def _positive_inverse(hessian: Floats) -> Floats:
    """The inverse with eigenvalues made positive, so that it leads downhill."""
    if not np.isfinite(hessian).all():
        return np.eye(len(hessian)) * 1e-2
    scale = np.sqrt(np.abs(np.diagonal(hessian)).clip(1e-6))
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    positive = np.maximum(np.abs(values), 1e-3)
    return np.asarray((vectors / positive) @ vectors.T / np.outer(scale, scale))
