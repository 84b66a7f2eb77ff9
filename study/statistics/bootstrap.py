"""The two-way bootstrap: participants and items are drawn again, independently, and a response counts as often as both.

Owen 2007 (The pigeonhole bootstrap): its variance errs slightly upwards. A bootstrap of participants alone keeps the
items fixed, and understates what a new sample of items would change.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.statistics.crossed_means import Labels, UndefinedError, Values

MAXIMUM_SHARE_UNDEFINED = 0.05


@dataclass(frozen=True)
class Bootstrapped:
    """estimate: (k,) on the data; draws: (replicates that are defined, k); undefined: how many were not."""

    estimate: Values
    draws: Values
    undefined: int
    of: str

    @property
    def se(self) -> Values:
        return np.asarray(self.draws.std(axis=0, ddof=1))

    def interval(self, level: float = 0.95) -> tuple[Values, Values]:
        """Percentile interval: low (k,), high (k,)."""
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high

    def name(self, level: float = 0.95) -> str:
        return f"{100 * level:g} % bootstrap over {self.of}, {len(self.draws)} replicates"


def two_way_bootstrap(
    statistic: Callable[[Values], npt.ArrayLike],
    participants: Labels,
    items: Labels,
    *,
    replicates: int = 2000,
    seed: int = 0,
) -> Bootstrapped:
    """Bootstrap ``statistic(weights (n,)) -> (k,)``, whose weights are how often each row was drawn.

    A replicate for which it returns NaN or raises ``UndefinedError`` is left out and counted. Raises ``UndefinedError``
    with fewer than two participants or items, or where more than one replicate in twenty is undefined.
    """
    one, two = pd.factorize(np.asarray(participants))[0], pd.factorize(np.asarray(items))[0]
    sizes = (int(one.max(initial=-1)) + 1, int(two.max(initial=-1)) + 1)
    for count, what in zip(sizes, ("participants", "items"), strict=True):
        if count < 2:
            raise UndefinedError(f"A two-way bootstrap needs at least two {what}; there is {count or 'none'}.")
    rng = np.random.default_rng(seed)
    estimate = np.atleast_1d(np.asarray(statistic(np.ones(len(one))), dtype=np.float64))

    def draw() -> Values:
        by_participant, by_item = (rng.multinomial(size, np.full(size, 1 / size)) for size in sizes)
        return np.asarray(by_participant[one] * by_item[two], dtype=np.float64)

    return _collected(statistic, draw, estimate, replicates, "participants and items")


def one_way_bootstrap(
    statistic: Callable[[Values], npt.ArrayLike], count: int, *, of: str, replicates: int = 2000, seed: int = 0
) -> Bootstrapped:
    """Bootstrap ``statistic(weights (count,)) -> (k,)`` over ``count`` units, named by ``of`` (such as "items")."""
    if count < 2:
        raise UndefinedError(f"A bootstrap over {of} needs at least two; there is {count or 'none'}.")
    rng = np.random.default_rng(seed)
    estimate = np.atleast_1d(np.asarray(statistic(np.ones(count)), dtype=np.float64))

    def draw() -> Values:
        return rng.multinomial(count, np.full(count, 1 / count)).astype(np.float64)

    return _collected(statistic, draw, estimate, replicates, of)


def _collected(
    statistic: Callable[[Values], npt.ArrayLike], draw: Callable[[], Values], estimate: Values, replicates: int, of: str
) -> Bootstrapped:
    draws = np.full((replicates, len(estimate)), np.nan)
    for replicate in range(replicates):
        try:
            draws[replicate] = statistic(draw())
        except UndefinedError:
            continue  # stays NaN and is counted below
    return checked(estimate, draws, of)


def checked(estimate: Values, draws: Values, of: str) -> Bootstrapped:
    """Draws without the undefined ones. Raises ``UndefinedError`` where those are too many to leave out silently."""
    is_defined = np.isfinite(draws).all(axis=1)
    undefined = int((~is_defined).sum())
    if undefined > MAXIMUM_SHARE_UNDEFINED * len(draws) or is_defined.sum() < 2:
        raise UndefinedError(
            f"{undefined} of {len(draws)} bootstrap replicates over {of} are undefined: "
            "the data are too few for an interval."
        )
    return Bootstrapped(estimate, draws[is_defined], undefined, of)
