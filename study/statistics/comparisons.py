"""Conditions compared by their means: each against a value, against a control, or all pairs, with Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from study.statistics.crossed_means import (
    UNVARIED,
    Tested,
    UndefinedError,
    crossed_difference,
    crossed_mean,
    guessing_test,
)
from study.statistics.intervals import Interval, mean_interval
from study.statistics.multiplicity import holm

NO_ITEM = ""  # answers that name no item are all to one


@dataclass(frozen=True)
class ConditionMean:
    """One condition: its mean with the named interval, and (for proportions with a chance level) its two tests."""

    condition: str | None
    interval: Interval
    participants: int
    items: int
    responses: int
    by_participant: tuple[float, ...]  # each participant's mean
    by_item: tuple[float, ...]
    chance: float | None = None
    against_chance: Tested | None = None  # of the mean over participants and items
    against_guessing: Tested | None = None  # of everybody's guessing
    problem: str = ""  # why there is no test of the mean


@dataclass(frozen=True)
class Contrast:
    """Mean under ``first`` less mean under ``second``; ``problem`` says why where it is undefined.

    ``is_contradicted``: the test is on another scale, and the means go the other way.
    """

    first: str
    second: str
    difference: float | None
    low: float | None
    high: float | None
    test: Tested | None
    p_adjusted: float
    is_paired: bool
    participants: int
    responses: int
    problem: str = ""
    is_contradicted: bool = False

    @property
    def is_unvaried(self) -> bool:
        """All values under the one condition are the same, and all under the other."""
        return self.problem == UNVARIED

    @property
    def is_separated(self) -> bool:
        """Unvaried, and not the same under both: complete separation."""
        return self.is_unvaried and bool(self.difference)

    def is_significant(self, alpha: float) -> bool:
        return self.test is not None and self.p_adjusted < alpha and not self.is_contradicted


def condition_mean(
    rows: pd.DataFrame, value: str, condition: str | None, *, interval: str, chance: float | None = None, seed: int = 0
) -> ConditionMean:
    """Of the rows (participant, item and ``value``) of one condition; with ``chance``, values are 0 and 1."""
    rows = rows.assign(item=rows["item"].fillna(NO_ITEM))
    y = rows[value].to_numpy(dtype=np.float64)
    is_proportion = bool(np.isin(y, (0.0, 1.0)).all())
    found = mean_interval(y, rows["participant"], rows["item"], kind=interval, is_proportion=is_proportion, seed=seed)
    test = guessing = None
    problem = "" if len(y) else "there are no responses"
    if chance is not None and len(y):
        guessing = guessing_test(int(y.sum()), len(y), chance)
        try:
            test = crossed_mean(y, rows["participant"], rows["item"]).chance_test(chance)
        except UndefinedError as error:
            problem = str(error)
    return ConditionMean(
        condition=condition,
        interval=found,
        participants=rows["participant"].nunique(),
        items=rows["item"].nunique(),
        responses=len(y),
        by_participant=tuple(rows.groupby("participant", observed=True)[value].mean()),
        by_item=tuple(rows.groupby("item", observed=True)[value].mean()),
        chance=chance,
        against_chance=test,
        against_guessing=guessing,
        problem=problem,
    )


def contrasts(
    rows: pd.DataFrame, value: str, pairs: Sequence[tuple[str, str]], *, level: float = 0.95
) -> list[Contrast]:
    """The differences of the named pairs of conditions, one family for Holm's correction."""
    found = [_contrast(rows, value, first, second, level) for first, second in pairs]
    adjusted = holm([one.test.p if one.test else None for one in found])
    return [replace(one, p_adjusted=p if one.test else float("nan")) for one, p in zip(found, adjusted, strict=True)]


def scope(rows: pd.DataFrame) -> str:
    """What nothing is inferred beyond, in a sentence: one participant, one item, or items that nobody named."""
    people, items = rows["participant"].nunique(), rows["item"].nunique()
    told = ["There is only one participant, so this says nothing about other people."] if people == 1 else []
    if items == 1:
        told.append("There is only one item, so this says nothing about other items.")
    elif not items:
        told.append("The answers name no items, so this says nothing about other items.")
    return " ".join(told)


def _contrast(rows: pd.DataFrame, value: str, first: str, second: str, level: float) -> Contrast:
    both = rows[rows["condition"].isin([first, second])]
    both = both.assign(item=both["item"].fillna(NO_ITEM))
    is_first = (both["condition"] == first).to_numpy()
    y = both[value].to_numpy(dtype=np.float64)
    difference = low = high = None
    test = None
    is_paired, problem = False, ""
    if is_first.any() and not is_first.all():
        difference = float(y[is_first].mean() - y[~is_first].mean())
    try:
        found = crossed_difference(y, is_first, both["participant"], both["item"])
        is_paired = found.is_paired
        low, high = found.t_interval(level)
        test = found.t_test()
    except UndefinedError as error:
        problem = str(error)
    return Contrast(
        first=first,
        second=second,
        difference=difference,
        low=low,
        high=high,
        test=test,
        p_adjusted=float("nan"),
        is_paired=is_paired,
        participants=both["participant"].nunique(),
        responses=len(y),
        problem=problem,
    )
