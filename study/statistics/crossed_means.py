"""Means of responses in which participants and items are crossed: two-way clustered variance, t tests, intervals.

The variance adds what varies over participants and what varies over items and counts what varies within both once
(Cameron, Gelbach & Miller 2011, Robust inference with multiway clustering, JBES 29), floored at the larger one-way
variance. Each side has its own degrees of freedom; a mean is tested by t with those of the smaller side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Parts = npt.NDArray[
    np.float64
]  # (2, 2): a difference's variance and covariance by condition; their sum is its variance
Labels = Sequence[Any] | npt.NDArray[Any] | pd.Series  # whose responses they are: names or numbers
Alternative = Literal["two-sided", "greater", "less"]

# Item and participant variances of probabilities scale as (p(1 - p))**k with k = 2 for small spread on the logit scale
# and 1.75 for an SD of 0.8: above chance the smaller power, below it the larger, so that the variance errs upwards.
POWER_BELOW, POWER_ABOVE = 2.0, 1.75
UNVARIED = "the values do not vary within either condition, so the difference has no interval"


class UndefinedError(ValueError):
    """The data do not define the quantity; the message says why in a sentence."""


@dataclass(frozen=True)
class Tested:
    """A t (or exact) test: ``unit`` names what the inference generalises over."""

    statistic: float
    df: float
    p: float
    unit: str


@dataclass(frozen=True)
class CrossedMean:
    """A mean with the parts of its variance: over participants, over items, and within (one response each)."""

    mean: float
    by_participant: float
    by_item: float
    within: float
    participants: int
    items: int
    responses: int

    @property
    def unit(self) -> str:
        return _unit(self.participants, self.items)

    @property
    def df(self) -> float:
        """Of the smaller side that has at least two members, less one."""
        return float(min(count for count in (self.participants, self.items) if count > 1) - 1)

    @property
    def between(self) -> float:
        """The variance beyond what independent responses would have, summed over both sides."""
        return max(self.by_participant - self.within, 0.0) + max(self.by_item - self.within, 0.0)

    @property
    def standard_error(self) -> float:
        return float(np.sqrt(self.between + self.within))

    def t_test(self, null: float, alternative: Alternative = "two-sided") -> Tested:
        """Is the mean over participants and items ``null``? For values on an open scale, such as ratings."""
        self._require_variance()
        return _tested((self.mean - null) / self.standard_error, self.df, self.unit, alternative)

    def t_interval(self, level: float = 0.95) -> tuple[float, float]:
        self._require_variance()
        half = float(stats.t.isf((1 - level) / 2, self.df)) * self.standard_error
        return self.mean - half, self.mean + half

    def chance_test(self, chance: float, alternative: Alternative = "two-sided") -> Tested:
        """Is the mean probability over participants and items ``chance``? For 0/1 values.

        The variance is taken to what it would be at chance: the part within a response scales as p(1 - p), the part
        between as its square. Size .05 is held in both tails at chance 1/2, 1/4 and 1/10 (test_crossed_means).
        """
        self._require_variance()
        return _tested(self._distance(chance), self.df, self.unit, alternative)

    def chance_interval(self, level: float = 0.95) -> tuple[float, float]:
        """All probabilities that ``chance_test`` does not reject: in (0, 1), and of one mind with the test."""
        self._require_variance()
        bound = float(stats.t.isf((1 - level) / 2, self.df))

        return _limit(self._distance, self.mean, 1e-9, bound), _limit(self._distance, self.mean, 1 - 1e-9, bound)

    def _distance(self, chance: float) -> float:
        scale = chance * (1 - chance) / (self.mean * (1 - self.mean))
        power = POWER_ABOVE if self.mean > chance else POWER_BELOW
        variance = self.between * scale**power + self.within * max(scale, scale**power if power == POWER_BELOW else 0)
        return float((self.mean - chance) / np.sqrt(variance))

    def _require_variance(self) -> None:
        if self.within <= 0:
            raise UndefinedError(f"all {self.responses} values are the same, so there is no variation to infer from")


@dataclass(frozen=True)
class Shares:
    """The shares of right answers that are compared: what their variance would be, had they another difference.

    The standard deviation of 0/1 values goes with sqrt(p(1 - p)), so that of a small arm with its own error: as both
    shares would be under the null the errors fall into both tails alike (Miettinen & Nurminen 1985, doi
    10.1002/sim.4780040211, with clusters). means (2,), weights (2,): of responses; within and sides: (2, 2) each.
    """

    means: Values
    weights: Values
    within: Parts
    sides: tuple[Parts, ...]

    def standard_error(self, difference: float) -> float:
        """Of a difference whose true value is ``difference`` while the mean over all responses stays."""
        moved = self.means @ self.weights + difference * self.weights[::-1] * (1.0, -1.0)
        moved = np.clip(moved, 1e-9, 1 - 1e-9)
        spread = self.means * (1 - self.means)
        scale = np.sqrt(np.divide(moved * (1 - moved), spread, out=np.ones(2), where=spread > 0))
        within = float(scale @ self.within @ scale)
        return float(np.sqrt(within + sum(max(float(scale @ side @ scale) - within, 0.0) for side in self.sides)))


@dataclass(frozen=True)
class Difference:
    """Mean under the first condition less mean under the second, with its standard error and degrees of freedom.

    shares: of 0/1 values, whose standard error depends on the difference that is tested.
    """

    difference: float
    standard_error: float
    df: float
    unit: str
    is_paired: bool  # participants gave responses under both
    shares: Shares | None = None

    def t_test(self, alternative: Alternative = "two-sided", null: float = 0.0) -> Tested:
        self._require_variance()
        return _tested(self._distance(null), self.df, self.unit, alternative)

    def t_interval(self, level: float = 0.95) -> tuple[float, float]:
        """All differences that ``t_test`` does not reject."""
        self._require_variance()
        bound = float(stats.t.isf((1 - level) / 2, self.df))
        if self.shares is None:
            return self.difference - bound * self.standard_error, self.difference + bound * self.standard_error
        low, high = (_limit(self._distance, self.difference, end, bound) for end in (-1.0, 1.0))
        return low, high

    def _distance(self, null: float) -> float:
        error = self.standard_error if self.shares is None else self.shares.standard_error(null)
        return (self.difference - null) / error

    def _require_variance(self) -> None:
        if self.standard_error <= 0:
            raise UndefinedError(UNVARIED)


def crossed_mean(values: Sequence[float] | Values, participants: Labels, items: Labels) -> CrossedMean:
    """The mean of ``values`` (n,), one response each, by ``participants`` (n,) and ``items`` (n,)."""
    y, people, things = _checked(values, participants, items)
    n, n_people, n_things = len(y), int(people.max()) + 1, int(things.max()) + 1
    if max(n_people, n_things) < 2:
        raise UndefinedError("there are only one participant and one item, so nothing can be inferred beyond them")
    mean = float(y.mean())
    scores = (y - mean) / n
    within = _clustered(scores, np.arange(n))
    return CrossedMean(
        mean=mean,
        # A side with one member cannot vary: nothing is inferred beyond it, and ``unit`` says so.
        by_participant=_clustered(scores, people) if n_people > 1 else 0.0,
        by_item=_clustered(scores, things) if n_things > 1 else 0.0,
        within=within,
        participants=n_people,
        items=n_things,
        responses=n,
    )


def crossed_difference(
    values: Sequence[float] | Values,
    is_first: Sequence[bool] | npt.NDArray[np.bool_],
    participants: Labels,
    items: Labels,
) -> Difference:
    """Mean of ``values`` where ``is_first`` less mean where not, clustered by participants and by items.

    A side whose members are all under both conditions is paired: their differences vary; a side that shares none is
    nested: each condition's members vary on their own (Welch); in between, its members count as many as their weights
    amount to (Kish 1965). Degrees of freedom by Satterthwaite over both sides, never below those of the smaller. Of
    0/1 values the variance is taken to what it would be under the difference that is tested (``Shares``).
    """
    y, people, things = _checked(values, participants, items)
    first = np.asarray(is_first, dtype=bool)
    if first.all() or not first.any():
        raise UndefinedError("one of the two conditions has no responses")
    means = np.array([y[first].mean(), y[~first].mean()])
    weights = np.array([first.mean(), 1 - first.mean()])
    scores = np.where(first, 1 / first.sum(), -1 / (~first).sum()) * (y - np.where(first, *means))
    within, _ = _side(scores, first, np.arange(len(y)))
    sides = [_side(scores, first, codes) for codes in (people, things) if codes.max() > 0]
    if not sides:
        raise UndefinedError("there are only one participant and one item, so nothing can be inferred beyond them")
    if any(df < 1 for _, df in sides):
        raise UndefinedError("one of the two conditions has a single participant or a single item of its own")
    variance = within.sum() + sum(max(part.sum() - within.sum(), 0.0) for part, _ in sides)
    smaller = min(df for _, df in sides)
    spread = sum(part.sum() ** 2 / df for part, df in sides)
    return Difference(
        difference=float(means[0] - means[1]),
        standard_error=float(np.sqrt(variance)),
        df=max(smaller, float(variance**2 / spread)) if spread > 0 else smaller,
        unit=_unit(int(people.max()) + 1, int(things.max()) + 1),
        is_paired=bool(len(np.intersect1d(people[first], people[~first]))),
        shares=Shares(means, weights, within, tuple(part for part, _ in sides)) if np.isin(y, (0, 1)).all() else None,
    )


def guessing_test(correct: int, responses: int, chance: float, alternative: Alternative = "greater") -> Tested:
    """Exact binomial test of “nobody can”: everybody guesses, so that responses are independent. Nothing else."""
    result = stats.binomtest(correct, responses, chance, alternative)
    return Tested(statistic=float(correct), df=float("nan"), p=float(result.pvalue), unit="responses")


def _checked(values: Sequence[float] | Values, participants: Labels, items: Labels) -> tuple[Values, Codes, Codes]:
    y = np.asarray(values, dtype=np.float64)
    if len(y) == 0:
        raise UndefinedError("there are no responses")
    if not len(y) == len(participants) == len(items):
        raise ValueError("values, participants and items should be equally many.")
    if not np.isfinite(y).all():
        raise ValueError("Values should be finite numbers; leave missing responses out.")
    return y, pd.factorize(np.asarray(participants))[0], pd.factorize(np.asarray(items))[0]


def _clustered(scores: Values, codes: Codes) -> float:
    """Sum over clusters of squared sums of ``scores``, with the small-sample factor G / (G - 1)."""
    sums = np.bincount(codes, weights=scores)
    return float((sums**2).sum() * len(sums) / (len(sums) - 1)) if len(sums) > 1 else 0.0


def _side(scores: Values, first: npt.NDArray[np.bool_], codes: Codes) -> tuple[Parts, float]:
    """Clustered variance of a difference over one side, by condition (2, 2), and its degrees of freedom."""
    in_first, in_second = np.unique(codes[first]), np.unique(codes[~first])
    common = np.intersect1d(in_first, in_second)
    sums = np.stack([np.bincount(codes, scores * rows, codes.max() + 1) for rows in (first, ~first)])
    if len(common):
        count = len(np.union1d(in_first, in_second))
        parts = sums @ sums.T * count / max(count - 1, 1)
        if min(len(in_first), len(in_second)) < 2:
            return parts, 0.0
        if len(common) == len(in_first) == len(in_second):
            return parts, float(len(common) - 1)
        weights = np.bincount(codes, weights=np.where(first, 1 / first.sum(), 1 / (~first).sum()) ** 2)
        return parts, max(float(weights.sum() ** 2 / (weights**2).sum()) - 2, 1.0)
    counts = np.array([len(in_first), len(in_second)])
    own = (sums**2).sum(axis=1) * counts / np.maximum(counts - 1, 1)
    if counts.min() < 2:
        return np.diag(own), 0.0
    spread = float((own**2 / (counts - 1)).sum())
    return np.diag(own), float(own.sum() ** 2 / spread) if spread > 0 else float(counts.min() - 1)


def _limit(distance: Callable[[float], float], estimate: float, end: float, bound: float) -> float:
    """Where ``distance``, 0 at the estimate and growing towards ``end``, reaches ``bound``; else the end."""

    def beyond(null: float) -> float:
        return abs(distance(null)) - bound

    return end if beyond(end) <= 0 else float(optimize.brentq(beyond, estimate, end, xtol=1e-12))


def _tested(statistic: float, df: float, unit: str, alternative: Alternative) -> Tested:
    if alternative == "greater":
        p = stats.t.sf(statistic, df)
    elif alternative == "less":
        p = stats.t.cdf(statistic, df)
    else:
        p = 2 * stats.t.sf(abs(statistic), df)
    return Tested(float(statistic), float(df), float(p), unit)


def _unit(participants: int, items: int) -> str:
    if participants > 1 and items > 1:
        return "participants and items"
    return "participants" if participants > 1 else "items"
