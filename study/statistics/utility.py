"""Utility-K: how much better people predict a network's answers after seeing K explained examples than without.

Colin, Fel, Cadène & Serre 2022 (What I cannot predict, I do not understand): the ratio of the accuracy with
explanations to that of the baseline without, for each K, and the area under it. The ratio rewards a low baseline and
hides what it is made of: the difference stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.statistics.bootstrap import checked
from study.statistics.crossed_means import Labels, UndefinedError, Values


@dataclass(frozen=True)
class Utility:
    """Accuracies, ratio and difference at each K, and their areas (means over K, by the trapezoid rule).

    Intervals are percentile bootstraps over participants, drawn within their arm; items stay fixed.
    """

    ks: tuple[float, ...]
    with_explanation: Values
    without: Values
    ratio: Values
    ratio_interval: tuple[Values, Values]
    difference: Values
    difference_interval: tuple[Values, Values]
    ratio_area: float
    ratio_area_interval: tuple[float, float]
    difference_area: float
    difference_area_interval: tuple[float, float]
    interval: str
    participants: int


def utility(
    correct: Sequence[float],
    k: Sequence[float],
    is_explained: Sequence[bool],
    participants: Labels,
    *,
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Utility:
    """Of n responses: correct (0 or 1), the number k of examples seen before, whether they were explained, by whom.

    Raises ``UndefinedError`` where a K lacks an arm, an arm has one participant, or the baseline is never right.
    """
    y, level_of, explained = np.asarray(correct, float), np.asarray(k, float), np.asarray(is_explained).astype(bool)
    if not len(y):
        raise UndefinedError("Utility needs responses.")
    if not np.isin(y, (0.0, 1.0)).all():
        raise UndefinedError("Utility is about correct (1) and wrong (0) responses.")
    if np.ptp(y) == 0:
        raise UndefinedError(f"Utility is undefined: every response is {'correct' if y[0] else 'wrong'}.")
    ks = np.unique(level_of)
    person = pd.factorize(np.asarray(participants))[0]
    count = int(person.max()) + 1
    column = np.searchsorted(ks, level_of) + len(ks) * ~explained  # explained at each K, then not
    cell, cells = person * 2 * len(ks) + column, count * 2 * len(ks)
    sums = np.bincount(cell, y, cells).astype(np.float64).reshape(count, -1)
    sizes = np.bincount(cell, minlength=cells).astype(np.float64).reshape(count, -1)
    for place, size in enumerate(sizes.sum(axis=0)):
        if not size:
            arm = "with" if place < len(ks) else "without"
            raise UndefinedError(f"There are no responses {arm} explanation at K = {ks[place % len(ks)]:g}.")
    arms = _arms(sizes, len(ks))
    estimate = _measures(np.ones((1, count)), sums, sizes, ks)[0]
    if not np.isfinite(estimate).all():
        raise UndefinedError("The ratio is undefined: at some K nobody without explanation answered correctly.")
    rng = np.random.default_rng(seed)
    weights = np.zeros((replicates, count))
    for members in arms:
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), replicates)
    found = checked(estimate, _measures(weights, sums, sizes, ks), "participants")
    low, high = found.interval(level)
    m = len(ks)
    return Utility(
        ks=tuple(float(value) for value in ks),
        with_explanation=sums[:, :m].sum(axis=0) / sizes[:, :m].sum(axis=0),
        without=sums[:, m:].sum(axis=0) / sizes[:, m:].sum(axis=0),
        ratio=estimate[:m],
        ratio_interval=(low[:m], high[:m]),
        difference=estimate[m : 2 * m],
        difference_interval=(low[m : 2 * m], high[m : 2 * m]),
        ratio_area=float(estimate[-2]),
        ratio_area_interval=(float(low[-2]), float(high[-2])),
        difference_area=float(estimate[-1]),
        difference_area_interval=(float(low[-1]), float(high[-1])),
        interval=found.name(level),
        participants=count,
    )


def _arms(sizes: Values, m: int) -> list[npt.NDArray[np.intp]]:
    """Members of the arms: with explanation only, without only, both (a within-participant design)."""
    has, lacks = sizes[:, :m].any(axis=1), sizes[:, m:].any(axis=1)
    arms = [np.flatnonzero(mask) for mask in (has & ~lacks, ~has & lacks, has & lacks)]
    if any(len(members) == 1 for members in arms):
        raise UndefinedError("An arm has one participant: there is nothing to generalise from.")
    return [members for members in arms if len(members)]


def _measures(weights: Values, sums: Values, sizes: Values, ks: Values) -> Values:
    """Ratios (m), differences (m) and their two areas for each row of weights (r, participants); NaN if undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        accuracy = (weights @ sums) / (weights @ sizes)
        explained, plain = accuracy[:, : len(ks)], accuracy[:, len(ks) :]
        ratio, difference = explained / plain, explained - plain
    areas = [_area(part, ks) for part in (ratio, difference)]
    table = np.column_stack([ratio, difference, *areas])
    return np.where(np.isfinite(table), table, np.nan)


def _area(values: Values, ks: Values) -> Values:
    """The mean height between the smallest and the largest K."""
    if len(ks) == 1:
        return np.asarray(values[:, 0])
    return np.asarray(np.trapezoid(values, ks, axis=1) / (ks[-1] - ks[0]))
