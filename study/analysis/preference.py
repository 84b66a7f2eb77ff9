"""Which is preferred to which?

Win rates (the share of an object's comparisons that it wins), and the model of Davidson 1970 (doi
10.1080/01621459.1970.10481082) of pairwise preferences with ties for the tests, clustered by participants and items.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding, Test
from study.analysis._sentences import limits
from study.statistics.crossed_means import UndefinedError
from study.statistics.intervals import Interval, mean_interval
from study.statistics.multiplicity import holm
from study.statistics.preferences import PreferenceModel, fit_preferences
from study.statistics.rounding import p_value, percent, rounded

VERSION = 1
MOST_TOLD = 15  # clear differences in a sentence: all of six objects
Number = Callable[[float | None], str]


def analyse(
    answers: Answers,
    *,
    task: str = "",
    interval: str = "two_way_95",
    decimals: int = 1,
    rounding: str = "half_even",
    ties: str = "half",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """Each object's win rate, ties counting as ``half`` a win or left out (``none``); all pairs by Davidson's model."""
    if ties not in ("half", "none"):
        raise AnalysisError(f"ties = “{ties}” should be “half” or “none”.")
    rows = answers.main_rows("winner", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase says what was preferred.")
    rows = rows.assign(item=rows["item"].fillna(""), is_tie=rows["tie"].eq(True))
    labels = {condition.name: condition.label for condition in answers.conditions}

    def number(share: float | None) -> str:
        return percent(share, decimals, rounding)

    sides = _sides(rows if ties == "half" else rows[~rows["is_tie"]])
    objects = sorted(set(rows["winner"].astype(str)) | set(rows["loser"].astype(str)))
    rates = {name: _rate(sides[sides["object"] == name], interval, seed) for name in objects}
    model, problem = _model(rows)
    tests = _tests(model)
    ordered = sorted(objects, key=lambda name: (-(rates[name].estimate if _known(rates[name]) else -1.0), name))
    named = {name: labels.get(name, name) for name in objects}
    counts = sides["object"].value_counts()
    people = sides.groupby("object")["participant"].nunique()
    return Finding(
        analysis="preference",
        title="What people preferred",
        estimates=tuple(
            Estimate(
                condition=name,
                term=None,
                estimate=rates[name].estimate if _known(rates[name]) else None,
                low=rates[name].low,
                high=rates[name].high,
                interval=rates[name].name,
                shown=_shown(rates[name], number),
                participants=int(people.get(name, 0)),
                responses=int(counts.get(name, 0)),
            )
            for name in objects
        ),
        tests=tests,
        sentence=_sentence(ordered, named, rates, model, tests, problem, alpha, number),
        answer=_plain(ordered, named, rates, tests, alpha),
        table=_table(ordered, named, rates, counts, model, number),
        figure=_figure(answers, sides, ordered, named, rates),
        method=_method(rates[objects[0]].name, ties, alpha),
        notes=tuple(model.notes) if model else (),
    )


def _sides(rows: pd.DataFrame) -> pd.DataFrame:
    """Every comparison from both sides: object, won (1, 0, or 1/2 for a tie), participant, item."""
    won = np.where(rows["is_tie"], 0.5, 1.0)
    columns = ["participant", "item"]
    return pd.concat(
        [
            rows[columns].assign(object=rows["winner"].astype(str), won=won),
            rows[columns].assign(object=rows["loser"].astype(str), won=1.0 - won),
        ],
        ignore_index=True,
    )


def _rate(sides: pd.DataFrame, interval: str, seed: int) -> Interval:
    won = sides["won"].to_numpy(dtype=np.float64)
    is_proportion = bool(np.isin(won, (0.0, 1.0)).all())
    return mean_interval(
        won, sides["participant"], sides["item"], kind=interval, is_proportion=is_proportion, seed=seed
    )


def _known(rate: Interval) -> bool:
    return rate.estimate == rate.estimate


def _shown(rate: Interval, number: Number) -> str:
    if rate.is_half_width and rate.low is not None and rate.high is not None:
        return f"{number(rate.estimate)} ± {number((rate.high - rate.low) / 2)}"
    return number(rate.estimate)


def _model(rows: pd.DataFrame) -> tuple[PreferenceModel | None, str]:
    """Davidson's model, or why there is none."""
    first, second = rows["winner"].astype(str).tolist(), rows["loser"].astype(str).tolist()
    outcome = np.where(rows["is_tie"], 0, 1).tolist()
    has_items = rows["item"].nunique() > 1
    try:
        return fit_preferences(
            first, second, outcome, participants=rows["participant"], items=rows["item"] if has_items else None
        ), ""
    except UndefinedError as error:
        return None, str(error)


def _tests(model: PreferenceModel | None) -> tuple[Test, ...]:
    if model is None:
        return ()
    pairs = model.preferences()
    adjusted = holm([pair.p for pair in pairs])
    return tuple(
        Test(f"{pair.first} preferred to {pair.second}", pair.t, pair.df, pair.p, model.unit, p)
        for pair, p in zip(pairs, adjusted, strict=True)
    )


def _clear(tests: tuple[Test, ...], alpha: float) -> int:
    return sum(test.p_adjusted is not None and test.p_adjusted < alpha for test in tests)


def _sentence(
    ordered: list[str],
    named: dict[str, str],
    rates: dict[str, Interval],
    model: PreferenceModel | None,
    tests: tuple[Test, ...],
    problem: str,
    alpha: float,
    number: Number,
) -> str:
    top, bottom = ordered[0], ordered[-1]
    ranked = ", ".join(f"“{named[name]}” {number(rates[name].estimate)}%" for name in ordered)
    start = f"Win rates from the highest to the lowest: {ranked}."
    if rates[top].estimate == rates[bottom].estimate:
        start = f"All win rates are equal: {ranked}."
    if problem:
        return f"{start} Which of these differences are clear cannot be said: {problem.rstrip('.')}."
    clear, pairs = _clear(tests, alpha), len(tests)
    corrected = " after Holm’s correction" if pairs > 1 else ""
    if not clear:
        said = "no difference is clear" if pairs > 1 else f"the difference is not clear ({p_value(tests[0].p)})"
        return f"{start} By Davidson’s model {said}{corrected}."
    over: dict[str, list[str]] = {}
    for pair, test in zip(model.preferences() if model else (), tests, strict=True):
        if test.p_adjusted is not None and test.p_adjusted < alpha:
            over.setdefault(pair.first, []).append(f"“{named[pair.second]}” ({p_value(test.p_adjusted)})")
    told = [f"“{named[first]}” over {', '.join(others)}" for first, others in over.items()]
    if clear > MOST_TOLD:
        told = [told[0], "the others stand among the tests in results.json"]
    found = f"{clear} of {pairs} differences {'is' if clear == 1 else 'are'} clear{corrected}"
    return f"{start} By Davidson’s model {found}: {'; '.join(told)}."


def _plain(
    ordered: list[str], named: dict[str, str], rates: dict[str, Interval], tests: tuple[Test, ...], alpha: float
) -> str:
    top, bottom = ordered[0], ordered[-1]

    def of_hundred(name: str) -> str:
        return rounded(rates[name].estimate * 100, 0, "half_up")

    start = (
        f"People preferred “{named[top]}” most often (in {of_hundred(top)} of 100 comparisons) and “{named[bottom]}” "
        f"least often ({of_hundred(bottom)} of 100)"
    )
    if rates[top].estimate == rates[bottom].estimate:
        each = "both" if len(ordered) == 2 else f"all {len(ordered)}"
        start = f"People preferred {each} equally often (each in {of_hundred(top)} of 100 comparisons)"
    if not tests:
        return f"{start}; how sure that is cannot be said."
    clear = _clear(tests, alpha)
    if not clear:
        return f"{start}, but no difference is clear."
    return (
        f"{start}; {clear} of the {len(tests)} differences between two of them {'is' if clear == 1 else 'are'} clear."
    )


def _table(
    ordered: list[str],
    named: dict[str, str],
    rates: dict[str, Interval],
    counts: "pd.Series[int]",
    model: PreferenceModel | None,
    number: Number,
) -> pd.DataFrame:
    worths = dict(zip(model.objects, model.worths - model.worths.mean(), strict=True)) if model else {}
    return pd.DataFrame(
        {
            "object": [named[name] for name in ordered],
            "comparisons": [str(counts.get(name, 0)) for name in ordered],
            "win rate": [f"{_shown(rates[name], number)}%" for name in ordered],
            rates[ordered[0]].name: [limits(rates[name].low, rates[name].high, number) for name in ordered],
            "worth (log-odds from the mean)": [
                rounded(float(worths[name]), 2) if name in worths else "undefined" for name in ordered
            ],
        }
    )


def _figure(
    answers: Answers, sides: pd.DataFrame, ordered: list[str], named: dict[str, str], rates: dict[str, Interval]
) -> str:
    rows = []
    for name in ordered:
        own = sides[sides["object"] == name]
        rows.append(
            figures.Row(
                label=named[name],
                participants=tuple(own.groupby("participant")["won"].mean()),
                items=tuple(own.groupby("item")["won"].mean()) if own["item"].nunique() > 1 else (),
                estimate=rates[name].estimate if _known(rates[name]) else None,
                low=rates[name].low,
                high=rates[name].high,
                reference=0.5,
            )
        )
    return figures.points_and_means(
        rows,
        figures.percent_axis("comparisons won"),
        title="Share of comparisons won",
        interval=rates[ordered[0]].name,
        reference="as often won as lost",
        watermark="simulated participants" if answers.is_simulated else "",
    )


def _method(interval: str, ties: str, alpha: float) -> str:
    counted = "a tie counting as half" if ties == "half" else "ties left out"
    return (
        f"The win rate of an object is the share of its comparisons that it won ({counted}), with {interval} "
        "intervals. Pairs were compared by Davidson’s (1970) model of preferences with ties, standard errors clustered "
        "by participants and, where there are several, by items; p values corrected by Holm’s method; "
        f"alpha = {alpha:g}."
    )
