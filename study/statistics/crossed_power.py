"""Power of the two-way test by simulation: participants crossed with items, random intercepts and slopes of both.

η = β_c + u_p + v_i + s_pc + t_ic; answers are right with probability 1/(1 + exp(-η)), ratings are η plus noise. All
replicates are tested at once, from sums by participant and by item, as ``crossed_means.crossed_difference`` tests one.
With endlessly many participants the items of a fixed sample still vary: that is a ceiling (Westfall, Judd & Kenny 2014,
doi 10.1037/xge0000014).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from study.statistics.crossed_means import Codes, UndefinedError, Values
from study.statistics.multiplicity import holm_of_each

Flags = npt.NDArray[np.bool_]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
# how many answers of each participant (S, P) are right, and who is careless (S, P) -> who is kept (S, P)
Keep = Callable[[Values, Flags, np.random.Generator], Flags]


@dataclass(frozen=True)
class Arm:
    """people (P,): its participants; items (k,) and conditions (k,): what each of them is shown."""

    people: Codes
    items: Codes
    conditions: Codes


@dataclass(frozen=True)
class Layout:
    """The presentations of one study of this size; codes count from 0."""

    arms: tuple[Arm, ...]
    participants: int
    items: int
    conditions: int


@dataclass(frozen=True)
class Population:
    """means (C,) over participants and items; SDs on the log-odds scale, of ratings in points.

    A slope's SD is that of the difference between two conditions. ``careless`` participants answer as by ``guess``.
    """

    means: Values
    participant_sd: float
    item_sd: float
    participant_slope_sd: float
    item_slope_sd: float
    residual_sd: float = 0.0
    is_binary: bool = True
    careless: float = 0.0
    guess: float = 0.5

    @property
    def intercepts(self) -> Values:
        """β (C,): on the log-odds scale those whose probabilities average to ``means`` over all effects."""
        if not self.is_binary:
            return self.means
        spread = np.sqrt(
            self.participant_sd**2 + self.item_sd**2 + (self.participant_slope_sd**2 + self.item_slope_sd**2) / 2
        )
        return np.array([_intercept(float(mean), float(spread)) for mean in self.means])


@dataclass(frozen=True)
class Side:
    """Sums (S, G) and counts (S, G) of one condition's answers by participant or by item."""

    sums: Values
    counts: Values


@dataclass(frozen=True)
class Answered:
    """S studies: for each condition its sums by participant and by item, and its sum of squares (S,)."""

    people: tuple[Side, ...]
    things: tuple[Side, ...]
    squares: tuple[Values, ...]
    kept: Values = field(repr=False)  # (S,) how many participants are analysed


@dataclass(frozen=True)
class Tests:
    """difference, se, df, p (S,): of each study; p is 1 where the test is undefined.

    se_under: the standard errors (S,) if this were the true difference, as ``crossed_means.Shares`` takes them.
    """

    difference: Values
    se: Values
    df: Values
    p: Values
    se_under: Callable[[float], Values] = field(repr=False)


def simulate(
    layout: Layout, population: Population, studies: int, rng: np.random.Generator, keep: Keep | None = None
) -> Answered:
    """Draw S studies. ``keep`` says who is analysed, given how many of each participant's answers are right."""
    answers, is_careless = draw(layout, population, studies, rng)
    rights = np.zeros((studies, layout.participants))
    for arm, given in zip(layout.arms, answers, strict=True):
        rights[:, arm.people] = given.sum(axis=2)
    kept = np.ones(rights.shape, dtype=bool) if keep is None else keep(rights, is_careless, rng)
    return _summed(layout, answers, kept)


def draw(
    layout: Layout, population: Population, studies: int, rng: np.random.Generator
) -> tuple[list[npt.NDArray[Any]], Flags]:
    """For each arm the answers (S, P of the arm, k), and who answers carelessly (S, P)."""
    beta = population.intercepts
    skill = rng.normal(0, population.participant_sd, (studies, layout.participants))
    ease = rng.normal(0, population.item_sd, (studies, layout.items))
    half = np.sqrt(0.5)
    by_person = rng.normal(0, half * population.participant_slope_sd, (studies, layout.participants, layout.conditions))
    by_item = rng.normal(0, half * population.item_slope_sd, (studies, layout.items, layout.conditions))
    is_careless = rng.random((studies, layout.participants)) < population.careless
    answers: list[npt.NDArray[Any]] = []
    for arm in layout.arms:
        eta = (skill[:, arm.people, None] + by_person[:, arm.people][:, :, arm.conditions]).astype(np.float32)
        eta += (ease[:, arm.items] + by_item[:, arm.items, arm.conditions] + beta[arm.conditions])[:, None, :]
        if population.is_binary:
            probability = special.expit(eta)
            probability[is_careless[:, arm.people]] = population.guess
            answers.append(rng.random(eta.shape, dtype=np.float32) < probability)
        else:
            eta[is_careless[:, arm.people]] = population.guess
            answers.append(eta + population.residual_sd * rng.standard_normal(eta.shape, dtype=np.float32))
    return answers, is_careless


def _summed(layout: Layout, answers: Sequence[npt.NDArray[Any]], kept: Flags) -> Answered:
    studies = len(kept)
    people, things, squares = [], [], []
    for condition in range(layout.conditions):
        person = Side(np.zeros((studies, layout.participants)), np.zeros((studies, layout.participants)))
        thing = Side(np.zeros((studies, layout.items)), np.zeros((studies, layout.items)))
        total = np.zeros(studies)
        for arm, given in zip(layout.arms, answers, strict=True):
            places = np.flatnonzero(arm.conditions == condition)
            if not len(places):
                continue
            here = given[:, :, places].astype(np.float32)
            weights = kept[:, arm.people].astype(np.float32)
            person.sums[:, arm.people] += here.sum(axis=2) * weights
            person.counts[:, arm.people] += len(places) * weights
            items = arm.items[places]
            # Transposed, so that an item that an arm shows twice gets both.
            np.add.at(thing.sums.T, items, np.matmul(weights[:, None, :], here)[:, 0, :].T)
            np.add.at(thing.counts.T, items, np.broadcast_to(weights.sum(axis=1), (len(items), studies)))
            total += (
                person.sums[:, arm.people].sum(axis=1)
                if given.dtype == np.bool_
                else np.einsum("spk,spk,sp->s", here, here, weights, dtype=np.float64)
            )
        people.append(person)
        things.append(thing)
        squares.append(total)
    return Answered(tuple(people), tuple(things), tuple(squares), kept.sum(axis=1).astype(np.float64))


def tested(answered: Answered, first: int, second: int) -> Tests:
    """The two-way t test of two conditions' means, in every study."""
    one, other = answered.people[first], answered.people[second]
    counts = [side.counts.sum(axis=1) for side in (one, other)]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [side.sums.sum(axis=1) / n for side, n in zip((one, other), counts, strict=True)]
        within = [
            np.where(n > 1, np.maximum(answered.squares[place] - n * mean**2, 0.0) / (n * (n - 1)), 0.0)
            for place, n, mean in zip((first, second), counts, means, strict=True)
        ]
        sides = [_side(pair[first], pair[second], means, counts) for pair in (answered.people, answered.things)]
        used = [np.where(size > 1, 1.0, 0.0) for _, _, size in sides]
        covariances = [
            (*within, np.zeros_like(within[0])),
            *(parts * u for (parts, _, _), u in zip(sides, used, strict=True)),
        ]
        # 0/1 answers are their own squares.
        is_share = np.logical_and.reduce([
            answered.squares[place] == side.sums.sum(axis=1) for place, side in ((first, one), (second, other))
        ])  # fmt: skip

        @np.errstate(divide="ignore", invalid="ignore")
        def standard_error(null: float | None) -> Values:
            scale = (
                _scales(means, counts, null) * is_share + ~is_share
                if null is not None
                else np.ones((2, len(counts[0])))
            )
            alone, *clustered = (
                scale[0] ** 2 * mine + scale[1] ** 2 * yours + 2 * scale[0] * scale[1] * shared
                for mine, yours, shared in covariances
            )
            return np.asarray(np.sqrt(alone + sum(np.maximum(part - alone, 0.0) for part in clustered)))

        totals = [parts.sum(axis=0) + parts[2] for parts, _, _ in sides]
        smaller = np.min([np.where(u > 0, df, np.inf) for (_, df, _), u in zip(sides, used, strict=True)], axis=0)
        spread = sum(u * part**2 / df for part, (_, df, _), u in zip(totals, sides, used, strict=True))
        difference, se = means[0] - means[1], standard_error(None)
        df = np.where(spread > 0, np.maximum(smaller, se**4 / spread), smaller)
        p = 2 * stats.t.sf(np.abs(difference) / standard_error(0.0), df)
    is_defined = np.isfinite(p) & (smaller >= 1) & np.isfinite(smaller) & (se > 0)
    return Tests(difference, se, df, np.where(is_defined, p, 1.0), standard_error)


def _scales(means: Sequence[Values], counts: Sequence[Values], null: float) -> Values:
    """By how much the standard deviation of either condition's 0/1 answers changes if ``null`` is the difference."""
    total = counts[0] + counts[1]
    mean = (means[0] * counts[0] + means[1] * counts[1]) / total
    moved = np.stack([mean + null * counts[1] / total, mean - null * counts[0] / total]).clip(1e-9, 1 - 1e-9)
    spread = np.stack([one * (1 - one) for one in means])
    return np.sqrt(np.where(spread > 0, moved * (1 - moved) / spread, 1.0))


def _side(one: Side, other: Side, means: Sequence[Values], counts: Sequence[Values]) -> tuple[Values, Values, Values]:
    """Clustered variances and covariance (3, S) of both means over one side, its df (S,) and its size (S,)."""
    here, there = one.counts > 0, other.counts > 0
    parts = [
        (side.sums - side.counts * mean[:, None]) / n[:, None]
        for side, mean, n in zip((one, other), means, counts, strict=True)
    ]
    n_here, n_there = here.sum(axis=1), there.sum(axis=1)
    size = (here | there).sum(axis=1)
    products = np.stack([(parts[0] ** 2).sum(axis=1), (parts[1] ** 2).sum(axis=1), -(parts[0] * parts[1]).sum(axis=1)])
    weights = one.counts / counts[0][:, None] ** 2 + other.counts / counts[1][:, None] ** 2
    partly = np.maximum(weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1) - 2, 1.0)
    is_same = (here == there).all(axis=1)
    own = products[:2] * np.stack([n / (n - 1) for n in (n_here, n_there)])
    spread = own[0] ** 2 / (n_here - 1) + own[1] ** 2 / (n_there - 1)
    welch = np.where(spread > 0, (own[0] + own[1]) ** 2 / spread, np.minimum(n_here, n_there) - 1)
    is_common = (here & there).any(axis=1)
    df = np.where(is_common, np.where(is_same, size - 1.0, partly), welch)
    df = np.where(np.minimum(n_here, n_there) < 2, 0.0, df)
    return np.where(is_common, products * size / (size - 1), np.stack([*own, np.zeros_like(own[0])])), df, size


def ceiling(
    population: Population,
    items: int,
    pairs: Sequence[tuple[int, int]],
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    studies: int = 20_000,
) -> Values:
    """The power (pairs,) that endlessly many participants would give with these many items, after Holm.

    Each item's expected answers under both conditions are then known; a t test over items remains.
    """
    if items < 2:
        raise UndefinedError("With one item nothing can be inferred about others, whatever the number of participants.")
    found = []
    ease = rng.normal(0, population.item_sd, (studies, items))
    spread = np.sqrt(population.participant_sd**2 + population.participant_slope_sd**2 / 2)
    conditions = sorted({place for pair in pairs for place in pair})
    half = np.sqrt(0.5) * population.item_slope_sd
    expected = {
        place: _expected(ease + rng.normal(0, half, ease.shape) + population.intercepts[place], spread, population)
        for place in conditions
    }
    for first, second in pairs:
        difference = expected[first] - expected[second]
        se = difference.std(axis=1, ddof=1) / np.sqrt(items)
        mean = difference.mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * stats.t.sf(np.abs(mean) / se, items - 1)
        found.append(np.where(se > 1e-9, p, np.where(np.abs(mean) > 1e-9, 0.0, 1.0)))
    return np.asarray((holm_of_each(np.stack(found, axis=1)) < alpha).mean(axis=0))


def _expected(eta: Values, spread: float, population: Population) -> Values:
    """The mean over participants of what is answered at η, which they shift by normal effects of SD ``spread``."""
    careful = _averaged(eta, spread) if population.is_binary else eta
    return (1 - population.careless) * careful + population.careless * population.guess


def _averaged(eta: Values, spread: float) -> Values:
    """E[1/(1 + exp(-(η + spread z)))] (same shape), interpolated on a grid: 1e-6 is enough for a mean of items."""
    grid = np.linspace(eta.min() - 1e-9, eta.max() + 1e-9, 2001)
    values = special.expit(grid[:, None] + spread * NODES) @ WEIGHTS
    return np.asarray(np.interp(eta, grid, values))


def _intercept(mean: float, spread: float) -> float:
    if not 0 < mean < 1:
        raise UndefinedError(f"A mean of {mean:g} is no probability of right answers between 0 and 1.")

    def excess(beta: float) -> float:
        return float(special.expit(beta + spread * NODES) @ WEIGHTS) - mean

    return float(optimize.brentq(excess, -60, 60, xtol=1e-10))
