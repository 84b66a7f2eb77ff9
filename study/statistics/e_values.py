"""Evidence that may be watched all the time: e-values by betting, one round for each participant.

A participant's mean over the items (bounded) is one round; before it, part of the capital is staked on means above the
null's, as the participants before suggest (Waudby-Smith & Ramdas 2024, Estimating means of bounded random variables by
betting). Under the null the capital is a non-negative supermartingale, so that P(it ever reaches 1/α) <= α. Items are
taken as fixed: the conclusion is about new participants on these items, and reports must say so. Rounds must not be
trials: those of one participant depend on each other, and then the guarantee is lost.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from study.statistics.crossed_means import UndefinedError, Values

Alternative = Literal["greater", "less", "two-sided"]
LARGEST_STAKE = 0.5  # of what a single round could lose


@dataclass(frozen=True)
class EProcess:
    """capital: (n,) after each participant; p = 1/(largest capital so far) is valid at any time."""

    capital: Values
    p: float
    crossed_at: int | None  # participants until capital reached 1/alpha
    unit: str = "participants (items fixed)"

    @property
    def e_value(self) -> float:
        return float(self.capital[-1])


def e_process(
    means: npt.ArrayLike,
    null: float,
    *,
    low: float = 0.0,
    high: float = 1.0,
    alternative: Alternative = "greater",
    alpha: float = 0.05,
) -> EProcess:
    """Of participants' means (n,) in the order of their arrival, each within [low, high], against a mean of ``null``.

    For a difference of two conditions within participants: low = -1, high = 1, null = 0. Two-sided is the mean of both
    bets. Raises ``UndefinedError`` without participants, with values out of range, or a null on its edge.
    """
    x = np.asarray(means, dtype=np.float64)
    if x.ndim != 1 or not len(x):
        raise UndefinedError("An e-value needs at least one participant.")
    if not (np.isfinite(x).all() and x.min() >= low and x.max() <= high):
        raise UndefinedError(f"Every participant's mean must lie between {low:g} and {high:g}.")
    if not low < null < high:
        raise UndefinedError(f"The null {null:g} must lie between {low:g} and {high:g}, and not on an edge.")
    scaled, centre = (x - low) / (high - low), (null - low) / (high - low)
    if alternative == "greater":
        log_capital = _log_capital(scaled, centre)
    elif alternative == "less":
        log_capital = _log_capital(1 - scaled, 1 - centre)
    else:
        log_capital = np.logaddexp(_log_capital(scaled, centre), _log_capital(1 - scaled, 1 - centre)) - np.log(2)
    reached = np.flatnonzero(log_capital >= -np.log(alpha))
    return EProcess(
        capital=np.exp(np.minimum(log_capital, 700.0)),
        p=float(np.exp(-max(0.0, log_capital.max()))),
        crossed_at=int(reached[0]) + 1 if len(reached) else None,
    )


def confidence_sequence(
    means: npt.ArrayLike, *, low: float = 0.0, high: float = 1.0, alpha: float = 0.05, points: int = 1001
) -> tuple[float, float]:
    """The interval of nulls that no time so far has rejected: holds at all times together with probability 1 - α."""
    grid = np.linspace(low, high, points + 2)[1:-1]
    kept = [null for null in grid if e_process(means, null, low=low, high=high, alternative="two-sided").p > alpha]
    if not kept:
        raise UndefinedError("No mean is compatible with all participants so far.")
    step = float(grid[1] - grid[0])
    # The nulls next to the kept ones are rejected: the interval ends no farther than there.
    return max(low, float(kept[0]) - step), min(high, float(kept[-1]) + step)


def _log_capital(x: Values, null: float) -> Values:
    """log Π (1 + λ_i (x_i - null)), λ_i >= 0 from the rounds before i: their mean excess over their mean square."""
    rounds = np.arange(1, len(x) + 1)
    excess = x - null
    # A quarter of a round of no excess and of the largest variance, so that the first bets are careful.
    before_sum = np.concatenate([[0.0], np.cumsum(excess)[:-1]])
    before_square = np.concatenate([[0.0], np.cumsum(excess**2)[:-1]])
    stake = before_sum / (before_square + 0.25)
    stake = np.where(rounds == 1, 0.0, np.clip(stake, 0.0, LARGEST_STAKE / null))
    return np.asarray(np.cumsum(np.log1p(stake * excess)))
