"""How well do people tell right from wrong, apart from their leaning to one answer?

Signal detection theory (Green & Swets 1966; Macmillan & Creelman 2005): d′ and criterion of yes/no answers, d′ of a
choice among m; log-linear correction (Hautus 1995); interval by resampling participants and items (Owen 2007).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.analysis._axes import spanning
from study.analysis._by_condition import pairs_to_compare
from study.statistics.bootstrap import Bootstrapped, two_way_bootstrap
from study.statistics.comparisons import NO_ITEM
from study.statistics.crossed_means import UndefinedError, Values
from study.statistics.detection import proportion_correct
from study.statistics.rounding import rounded

VERSION = 1
YES_NO = ("agree_with_label",)  # trial types whose two answers are “yes” and “no”
GRID = np.arange(-8.0, 8.005, 0.01)


def analyse(
    answers: Answers,
    *,
    task: str = "",
    kind: str = "",
    signal: str = "yes",
    control: str = "",
    replicates: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """d′ under each condition and its differences; ``kind`` is yes_no or forced_choice (by the trial type if empty);
    ``signal`` is the answer key of the trials with a signal, such as those where the label is right."""
    rows = answers.main_rows("correct", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase has a key, so right and wrong cannot be told apart.")
    rows = rows.assign(item=rows["item"].fillna(NO_ITEM), right=rows["correct"].astype(float))
    kind = kind or ("yes_no" if set(rows["trial_type"]) <= set(YES_NO) else "forced_choice")
    if kind not in ("yes_no", "forced_choice"):
        raise AnalysisError(f"“{kind}” is no kind of signal detection; there are yes_no and forced_choice.")
    measure = _yes_no(rows, signal) if kind == "yes_no" else _forced_choice(rows)
    names = [condition.name for condition in answers.conditions if (rows["condition"] == condition.name).any()]
    if control and control not in names:
        raise AnalysisError(f"There is no condition “{control}” to be the control; there are: {', '.join(names)}.")
    groups: list[str | None] = [*names] or [None]
    labels = {condition.name: condition.label for condition in answers.conditions}
    shown = [c for c in answers.conditions if c.name in names]
    pairs, blind = pairs_to_compare(shown, control)
    pairs += [(c.name, blind) for c in shown if blind and c.role == "positive_control" and c.name != blind]
    masks = [np.ones(len(rows)) if name is None else (rows["condition"] == name).to_numpy(float) for name in groups]
    places = {name: place for place, name in enumerate(groups)}

    def statistic(weights: Values) -> Values:
        found = [measure.compute(weights * mask) for mask in masks]
        own = [value for one in found for value in one]
        gaps = [found[places[first]][0] - found[places[second]][0] for first, second in pairs]
        return np.array([*own, *gaps])

    try:
        drawn = two_way_bootstrap(statistic, rows["participant"], rows["item"], replicates=replicates, seed=seed)
        low, high = drawn.interval(1 - alpha)
    except UndefinedError as error:
        drawn = Bootstrapped(statistic(np.ones(len(rows))), np.empty((0, 0)), 0, "participants and items")
        low = high = np.full(len(drawn.estimate), np.nan)
        problem = str(error).rstrip(".")
        problem = f"{problem[:1].lower()}{problem[1:]}"
    else:
        problem = ""
    interval = f"{100 - 100 * alpha:g} % two-way bootstrap"
    size = len(measure.names)
    estimates = []
    for place, name in enumerate(groups):
        own = rows[masks[place] > 0]
        for offset, term in enumerate(measure.names):
            estimates.append(_estimate(name, term, place * size + offset, drawn.estimate, low, high, interval, own))
    gaps = [
        _estimate(
            None,
            f"{first} − {second}: d′",
            len(groups) * size + k,
            drawn.estimate,
            low,
            high,
            interval,
            rows[rows["condition"].isin([first, second])],
        )
        for k, (first, second) in enumerate(pairs)
    ]
    unvarying = _unvarying(rows, groups)
    for k, (first, second) in enumerate(pairs):
        if first in unvarying and unvarying.get(second) == unvarying[first]:
            gaps[k] = replace(gaps[k], low=None, high=None)
    reason = problem or "all answers with both are alike"
    sentences = [
        _sentence(gap, labels[first], labels[second], reason) for gap, (first, second) in zip(gaps, pairs, strict=True)
    ]
    own_d = [one for one in estimates if one.term == "d′"]
    named = {name: "all answers" if name is None else f"“{labels[name]}”" for name in groups}
    said = sentences or [_alone(one, named[one.condition], problem) for one in own_d]
    leaning = [
        _leaning(one, named[one.condition]) for one in estimates if one.term == "criterion" and one.low is not None
    ]
    drawn_rows = [
        figures.Row(
            "all answers" if one.condition is None else labels[one.condition],
            [],
            [],
            one.estimate,
            one.low,
            one.high,
            reference=0.0,
        )
        for one in own_d
    ]
    return Finding(
        analysis="signal_detection",
        title="How well people told right from wrong",
        estimates=(*estimates, *gaps),
        tests=(),
        sentence=" ".join([*(f"{claim}: {numbers}." for claim, numbers in said), *leaning]),
        answer=" ".join(f"{claim}." for claim, _ in said),
        table=_table(estimates, labels, measure.names, interval),
        figure=figures.points_and_means(
            drawn_rows,
            spanning([0.0, *(v for one in own_d for v in (one.estimate, one.low, one.high))], "d′"),
            title="Sensitivity by condition",
            interval=interval,
            reference="cannot tell",
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            f"d′ was computed from all answers of a condition ({measure.said}) after the log-linear correction; "
            f"intervals are percentiles of {replicates} samples in which participants and items were drawn with "
            f"replacement. A difference is called clear where its {interval} interval leaves out 0."
        ),
        notes=tuple(
            f"Every answer with {named[name]} is {'right' if share else 'wrong'}: its d′ is what the correction leaves "
            "of an infinite one."
            for name, share in unvarying.items()
        ),
    )


@dataclass(frozen=True)
class _Measure:
    """What is computed from weighted answers (n,): its names, and the numbers."""

    names: tuple[str, ...]
    compute: Callable[[Values], tuple[float, ...]]
    said: str


def _forced_choice(rows: pd.DataFrame) -> _Measure:
    chances = rows["chance"].astype(float).unique()
    if len(chances) != 1 or not 0 < chances[0] <= 0.5:
        raise AnalysisError("d′ of a choice needs one chance level of 1/2 or less for all answers; name one task.")
    m = round(1 / chances[0])
    shares = np.array([proportion_correct(float(d), m) for d in GRID])
    right = rows["right"].to_numpy()

    def compute(weights: Values) -> tuple[float, ...]:
        n = float(weights.sum())
        if n <= 0:
            return (float("nan"),)
        return (float(np.interp((weights @ right + 1 / m) / (n + 1), shares, GRID)),)

    return _Measure(("d′",), compute, f"a choice among {m}")


def _yes_no(rows: pd.DataFrame, signal: str) -> _Measure:
    keys = sorted(map(str, rows["answer_key"].dropna().unique()))
    if signal not in keys or len(keys) != 2:
        raise AnalysisError(
            f"d′ of yes/no answers needs trials with two answer keys, one of them the signal “{signal}”; there are: "
            f"{', '.join(keys) or 'none'}."
        )
    is_signal = (rows["answer_key"] == signal).to_numpy(float)
    says = (rows["response"] == signal).to_numpy(float)

    def compute(weights: Values) -> tuple[float, ...]:
        signals, noises = float(weights @ is_signal), float(weights @ (1 - is_signal))
        if not signals or not noises:
            return float("nan"), float("nan")
        hit = ndtri((weights @ (is_signal * says) + 0.5) / (signals + 1))
        false = ndtri((weights @ ((1 - is_signal) * says) + 0.5) / (noises + 1))
        return float(hit - false), float(-(hit + false) / 2)

    return _Measure(("d′", "criterion"), compute, f"yes/no answers, “{signal}” being the signal")


def _estimate(
    name: str | None, term: str, place: int, values: Values, low: Values, high: Values, interval: str, own: pd.DataFrame
) -> Estimate:
    value, lower, upper = (None if x != x else float(x) for x in (values[place], low[place], high[place]))
    return Estimate(
        name, term, value, lower, upper, interval, rounded(value, 2), own["participant"].nunique(), len(own)
    )


def _numbers(one: Estimate) -> str:
    within = "no interval" if one.low is None else f"{one.interval} [{rounded(one.low, 2)}, {rounded(one.high, 2)}]"
    return f"{one.shown}, {within}"


def _unvarying(rows: pd.DataFrame, groups: Sequence[str | None]) -> dict[str | None, float]:
    """The conditions whose answers are all right (1) or all wrong (0)."""
    own = {name: rows if name is None else rows[rows["condition"] == name] for name in groups}
    shares = {name: float(kept["right"].mean()) for name, kept in own.items()}
    return {name: share for name, share in shares.items() if share in (0.0, 1.0)}


def _sentence(gap: Estimate, first: str, second: str, problem: str) -> tuple[str, str]:
    """What is claimed, and the numbers for it (or why there are none)."""
    pair = f"“{first}”", f"“{second}”"
    if gap.estimate is None or gap.low is None or gap.high is None:
        return f"Whether people tell right from wrong better with {pair[0]} or {pair[1]} cannot be said", problem
    numbers = f"difference in d′ {_numbers(gap)}"
    if gap.low <= 0 <= gap.high:
        return f"People tell right from wrong with {pair[0]} and {pair[1]} not clearly differently well", numbers
    word = "better" if gap.low > 0 else "less well"
    return f"People tell right from wrong {word} with {pair[0]} than with {pair[1]}", numbers


def _alone(one: Estimate, named: str, problem: str) -> tuple[str, str]:
    if one.estimate is None or one.low is None or one.high is None:
        return f"Whether people can tell right from wrong with {named} cannot be said", f"d′ = {one.shown}, {problem}"
    numbers = f"d′ = {_numbers(one)}"
    if one.low > 0:
        return f"People can tell right from wrong with {named}", numbers
    if one.high < 0:
        return f"People tend to take the wrong answer for the right one with {named}", numbers
    return f"Whether people can tell right from wrong with {named} is not clear", numbers


def _leaning(one: Estimate, named: str) -> str:
    if (one.low or 0.0) <= 0 <= (one.high or 0.0):
        return f"With {named} they lean clearly to neither answer (criterion {_numbers(one)})."
    return f"With {named} they lean to “{'no' if (one.low or 0.0) > 0 else 'yes'}” (criterion {_numbers(one)})."


def _table(estimates: list[Estimate], labels: dict[str, str], names: tuple[str, ...], interval: str) -> pd.DataFrame:
    own = [one for one in estimates if one.term == names[0]]
    columns = {
        "condition": ["all answers" if one.condition is None else labels[one.condition] for one in own],
        "participants": [str(one.participants) for one in own],
        "answers": [str(one.responses) for one in own],
    }
    for name in names:
        rows = [one for one in estimates if one.term == name]
        columns[name] = [one.shown for one in rows]
        columns[f"{name}, {interval}"] = [
            "undefined" if one.low is None else f"[{rounded(one.low, 2)}, {rounded(one.high, 2)}]" for one in rows
        ]
    return pd.DataFrame(columns)
