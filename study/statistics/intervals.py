"""Estimates with named intervals: what “±” means differs from field to field, so each says what it is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from study.statistics.bootstrap import one_way_bootstrap, two_way_bootstrap
from study.statistics.crossed_means import Labels, UndefinedError, crossed_mean

Values = npt.NDArray[np.float64]
KINDS = (
    "two_way_95",
    "wilson_95",
    "t_95_over_participants",
    "t_95_over_items",
    "two_se_of_participant_means",
    "sd_over_participants",
    "bootstrap_95",
)


@dataclass(frozen=True)
class Interval:
    """A mean and an interval around it; ``name`` says which; low and high are None, and ``problem`` says why, where
    the data define none. ``is_half_width``: printed as mean ± half width."""

    estimate: float
    low: float | None
    high: float | None
    name: str
    is_half_width: bool = False
    problem: str = ""


def mean_interval(
    values: Sequence[float] | Values,
    participants: Labels,
    items: Labels,
    *,
    kind: str = "two_way_95",
    is_proportion: bool = False,
    seed: int = 0,
) -> Interval:
    """The mean of ``values`` (n,) with the interval ``kind``: one of KINDS, with any level in place of 95.

    Kinds over participants (or items) start from their means, the others from the responses.
    """
    y = np.asarray(values, dtype=np.float64)
    compute, name, level = _kind(kind)
    if len(y) == 0:
        return Interval(float("nan"), None, None, name, problem="there are no responses")
    try:
        return compute(y, participants, items, level=level, name=name, is_proportion=is_proportion, seed=seed)
    except UndefinedError as error:
        return Interval(float(y.mean()), None, None, name, problem=str(error))


def interval_name(kind: str) -> str:
    """How an interval is called in print, such as “95 % two-way t”."""
    return _kind(kind)[1]


def _two_way(
    y: Values,
    participants: Labels,
    items: Labels,
    *,
    level: float,
    name: str,
    is_proportion: bool,
    **_: Any,
) -> Interval:
    mean = crossed_mean(y, participants, items)
    low, high = mean.chance_interval(level) if is_proportion else mean.t_interval(level)
    return Interval(mean.mean, low, high, name)


def _wilson(
    y: Values,
    participants: Labels,
    items: Labels,
    *,
    level: float,
    name: str,
    is_proportion: bool,
    **_: Any,
) -> Interval:
    if not is_proportion:
        raise UndefinedError("a Wilson interval is for proportions, and these are not")
    low, high = proportion_confint(y.sum(), len(y), alpha=1 - level, method="wilson")
    return Interval(float(y.mean()), float(low), float(high), name)


def _t(means: Values, *, level: float, name: str, of: str) -> Interval:
    estimate = float(means.mean())
    if len(means) < 2:
        return Interval(estimate, None, None, name, problem=f"there is only one {of}")
    half = float(stats.t.isf((1 - level) / 2, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
    return Interval(estimate, estimate - half, estimate + half, name)


def _t_over_participants(
    y: Values, participants: Labels, items: Labels, *, level: float, name: str, **_: Any
) -> Interval:
    return _t(_means(y, participants), level=level, name=name, of="participant")


def _t_over_items(y: Values, participants: Labels, items: Labels, *, level: float, name: str, **_: Any) -> Interval:
    return _t(_means(y, items), level=level, name=name, of="item")


def _two_se(y: Values, participants: Labels, items: Labels, *, name: str, **_: Any) -> Interval:
    means = _means(y, participants)
    return _around(means, name, 2 / np.sqrt(len(means)))


def _sd(y: Values, participants: Labels, items: Labels, *, name: str, **_: Any) -> Interval:
    return _around(_means(y, participants), name, 1.0)


def _around(means: Values, name: str, factor: float) -> Interval:
    estimate = float(means.mean())
    if len(means) < 2:
        return Interval(estimate, None, None, name, is_half_width=True, problem="there is only one participant")
    half = float(means.std(ddof=1)) * factor
    return Interval(estimate, estimate - half, estimate + half, name, is_half_width=True)


def _bootstrap(
    y: Values, participants: Labels, items: Labels, *, level: float, name: str, seed: int, **_: Any
) -> Interval:
    """Percentiles of 2,000 means; a side with one member cannot be drawn again, so the other is."""
    sides = {"participants": pd.factorize(np.asarray(participants))[0], "items": pd.factorize(np.asarray(items))[0]}
    several = {of: codes for of, codes in sides.items() if codes.max() > 0}
    if not several:
        raise UndefinedError("there are only one participant and one item, so nothing can be inferred beyond them")

    def mean(weights: Values) -> float:
        return float(weights @ y / weights.sum()) if weights.any() else float("nan")

    if len(several) == 2:
        drawn = two_way_bootstrap(mean, participants, items, seed=seed)
    else:
        ((of, codes),) = several.items()
        drawn = one_way_bootstrap(lambda counts: mean(counts[codes]), int(codes.max()) + 1, of=of, seed=seed)
    low, high = drawn.interval(level)
    return Interval(float(y.mean()), float(low[0]), float(high[0]), name)


def _means(y: Values, codes: Labels) -> Values:
    keys = pd.factorize(np.asarray(codes))[0]
    return np.bincount(keys, weights=y) / np.bincount(keys)


_PATTERNS: tuple[tuple[str, str, Callable[..., Interval]], ...] = (
    (r"two_way_(\d\d)", "{} % two-way t", _two_way),
    (r"wilson_(\d\d)", "{} % Wilson", _wilson),
    (r"t_(\d\d)_over_participants", "{} % t over participants", _t_over_participants),
    (r"t_(\d\d)_over_items", "{} % t over items", _t_over_items),
    (r"two_se_of_participant_means", "2 SE of participant means", _two_se),
    (r"sd_over_participants", "SD over participants", _sd),
    (r"bootstrap_(\d\d)", "{} % two-way bootstrap", _bootstrap),
)


def _kind(kind: str) -> tuple[Callable[..., Interval], str, float]:
    for pattern, name, compute in _PATTERNS:
        if match := re.fullmatch(pattern, kind):
            level = match.group(1) if match.groups() else "95"
            if int(level) < 50:
                break
            return compute, name.format(level), int(level) / 100
    raise ValueError(f"“{kind}” is no interval; there are: {', '.join(KINDS)} (or another level from 50 to 99).")
