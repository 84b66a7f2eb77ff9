"""Studies in which the truth is known, and how often tests reject and intervals miss it.

Participants and items are drawn from normal populations on the logit scale; the intercept makes the mean probability
exactly the chance level, so that there is nothing to find, or moves it by a known effect.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from study.statistics.crossed_means import UndefinedError, crossed_difference, crossed_mean

Values = npt.NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class Drawn:
    """Answers y (n,) of people (n,) to things (n,); first (n,) is the condition that is compared with the other.

    units (n,): what the condition varies over and inference goes to beside participants; items unless it is networks.
    """

    y: Values
    first: npt.NDArray[np.bool_]
    people: npt.NDArray[np.intp]
    things: npt.NDArray[np.intp]
    units: npt.NDArray[np.intp]

    def where(self, kept: npt.NDArray[np.bool_]) -> "Drawn":
        return Drawn(self.y[kept], self.first[kept], self.people[kept], self.things[kept], self.units[kept])


def mean_probability(intercept: float, spread: float) -> float:
    """Of a normal random effect of SD ``spread`` on the logit scale."""
    return float((WEIGHTS * special.expit(intercept + spread * NODES)).sum())


@cache
def intercept(chance: float, spread: float) -> float:
    """The intercept that makes the mean over a normal random effect of SD ``spread`` exactly ``chance``."""
    return float(optimize.brentq(lambda b: mean_probability(b, spread) - chance, -20, 20))


def answered(rng: np.random.Generator, eta: Values) -> Values:
    return (rng.random(eta.shape) < special.expit(eta)).astype(float)


def crossed(
    rng: np.random.Generator,
    participants: int,
    items: int,
    chance: float,
    *,
    spread_participants: float = 0.8,
    spread_items: float = 0.8,
) -> Drawn:
    """Everybody answers every item; no condition."""
    people, things = np.indices((participants, items)).reshape(2, -1)
    eta = intercept(chance, float(np.hypot(spread_participants, spread_items)))
    eta = eta + (spread_participants * rng.normal(size=participants))[people]
    y = answered(rng, eta + (spread_items * rng.normal(size=items))[things])
    return Drawn(y, np.ones(len(y), dtype=bool), people, things, things)


def compared(
    rng: np.random.Generator,
    varies: str,
    participants: int | tuple[int, int],
    items: int,
    chance: float,
    *,
    slope: float = 0.0,
    effect: float = 0.0,
    spread: float = 0.8,
) -> Drawn:
    """Two conditions that vary over ``varies``; ``effect`` moves the first on the logit scale.

    participants: two arms on the same items. both: everybody sees half of the items under each condition. items: half
    of the items belong to each. networks: half of the networks do, with five items each.
    """
    counts = (participants, 0) if isinstance(participants, int) else participants
    people, things = np.indices((sum(counts), items)).reshape(2, -1)
    units = things // 5 if varies == "networks" else things
    first = {
        "participants": people < counts[0],
        "both": (people + things) % 2 == 0,
        "items": things % 2 == 0,
        "networks": units % 2 == 0,
    }[varies]
    total, sign = total_spread(varies, spread, slope), np.where(first, 0.5, -0.5)
    eta = intercept(chance, total) + effect * first + (spread * rng.normal(size=people.max() + 1))[people]
    eta = eta + (spread * rng.normal(size=items))[things]
    if varies == "networks":
        eta = eta + (spread * rng.normal(size=units.max() + 1))[units]
    if varies in ("both", "items", "networks"):
        eta = eta + sign * (slope * rng.normal(size=people.max() + 1))[people]
    if varies in ("both", "participants"):
        eta = eta + sign * (slope * rng.normal(size=items))[things]
    return Drawn(answered(rng, eta), first, people, things, units)


def total_spread(varies: str, spread: float, slope: float) -> float:
    """SD of the linear predictor under either condition."""
    sides = 3 if varies == "networks" else 2
    slopes = 2 if varies == "both" else 1
    return float(np.sqrt(sides * spread**2 + slopes * slope**2 / 4))


def unbalanced(rng: np.random.Generator, drawn: Drawn) -> Drawn:
    """Everybody gives a share of the answers between three tenths and all of them; some items are seen less."""
    seen = rng.uniform(0.3, 1.0, drawn.people.max() + 1)[drawn.people]
    return drawn.where(rng.random(len(drawn.y)) < seen * rng.uniform(0.5, 1.0, drawn.things.max() + 1)[drawn.things])


@dataclass(frozen=True)
class ErrorRates:
    """Shares of the studies: one-sided rejections at .05, 95 % intervals wholly below and above the truth, naive tests.

    naive: one-sided for a mean, two-sided for a difference: over trials, by participant, by item.
    """

    lower: float
    upper: float
    below: float
    above: float
    naive: tuple[float, float, float]


def of_mean(seed: int, studies: int, draw: Callable[[np.random.Generator], Drawn], chance: float) -> ErrorRates:
    """Of the crossed test of a mean against chance, and of its interval, where the mean is ``chance``."""
    rng = np.random.default_rng(seed)
    found = np.zeros(7)
    for _ in range(studies):
        drawn = draw(rng)
        try:
            below = crossed_mean(drawn.y, drawn.people, drawn.things).chance_test(chance, "less").p
        except UndefinedError:
            continue  # nothing is rejected where nothing is defined
        found += [
            *_errors(below),
            special.bdtrc(drawn.y.sum() - 1, len(drawn.y), chance) < 0.05,
            _t_below(_means(drawn.y, drawn.people) - chance) > 0.95,
            _t_below(_means(drawn.y, drawn.things) - chance) > 0.95,
        ]
    return _rates(found / studies)


def of_difference(
    seed: int, studies: int, draw: Callable[[np.random.Generator], Drawn], truth: float = 0.0
) -> ErrorRates:
    """Of the crossed test of a difference, and of its interval, where the difference is ``truth``."""
    rng = np.random.default_rng(seed)
    found = np.zeros(7)
    for _ in range(studies):
        drawn = draw(rng)
        found += [
            *_errors(crossed_difference(drawn.y, drawn.first, drawn.people, drawn.units).t_test("less", truth).p),
            _is_rejected(_t_below(drawn.y[drawn.first], drawn.y[~drawn.first])),
            _is_rejected(_by_means(drawn, drawn.people)),
            _is_rejected(_by_means(drawn, drawn.things)),
        ]
    return _rates(found / studies)


def _errors(below: float) -> list[bool]:
    """Rejections in both tails, and intervals below and above the truth: they hold what the test does not reject."""
    return [below < 0.05, below > 0.95, below < 0.025, below > 0.975]


def _rates(shares: Values) -> ErrorRates:
    lower, upper, below, above, *naive = map(float, shares)
    return ErrorRates(lower, upper, below, above, (naive[0], naive[1], naive[2]))


def _is_rejected(below: float) -> bool:
    return not 0.025 < below < 0.975


def _t_below(values: Values, others: Values | None = None) -> float:
    """One-sided p of Student's t test that the mean is below 0, or below that of ``others`` (equal variances)."""
    n, difference = len(values), float(values.mean())
    df, variance = n - 1, float(values.var(ddof=1)) / n
    if others is not None:
        m, difference, df = len(others), difference - float(others.mean()), n + len(others) - 2
        pooled = (float(values.var()) * n + float(others.var()) * m) / df
        variance = pooled * (1 / n + 1 / m)
    return float(special.stdtr(df, difference / np.sqrt(variance))) if variance > 0 else 0.5


def _means(y: Values, codes: npt.NDArray[np.intp]) -> Values:
    counts = np.bincount(codes)
    return np.asarray(np.bincount(codes, y)[counts > 0] / counts[counts > 0])


def _by_means(drawn: Drawn, codes: npt.NDArray[np.intp]) -> float:
    """One-sided p of a t test over the means of one side's members: paired where they are under both conditions."""
    size = int(codes.max()) + 1
    counts, means = [], []
    for rows in (drawn.first, ~drawn.first):
        counts.append(np.bincount(codes[rows], minlength=size))
        means.append(np.bincount(codes[rows], drawn.y[rows], size) / np.maximum(counts[-1], 1))
    both = (counts[0] > 0) & (counts[1] > 0)
    if both.any():
        return _t_below((means[0] - means[1])[both])
    return _t_below(means[0][counts[0] > 0], means[1][counts[1] > 0])
