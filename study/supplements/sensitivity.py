"""Does the main result hang on how it is computed? The same comparison by five rules, from too sure to cautious.

Answers taken for independent are too sure of themselves (Clark 1973, doi 10.1016/S0022-5371(73)80014-3); two-way
clusters and the mixed model let both participants and items vary; leaving out each item shows whether one carries it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from study.analysis import Estimate, Finding, Test
from study.analysis._modelled import Fitted
from study.analysis._sentences import limits
from study.statistics.comparisons import Contrast
from study.statistics.crossed_means import UndefinedError, Values, crossed_difference
from study.statistics.rounding import p_value, rounded
from study.supplements.compared import Comparison

NAMED = 3  # comparisons named in one sentence; more are counted
MANY_ITEMS = 80  # up to this many are each left out; of more, those at either end
AT_EITHER_END = 20


@dataclass(frozen=True)
class Rule:
    """One way to the difference: its numbers, or None where they are undefined."""

    name: str
    difference: float | None
    low: float | None = None
    high: float | None = None
    statistic: float | None = None
    df: float | None = None
    p: float | None = None
    unit: str = ""
    interval: str = ""
    p_shown: str = ""


def sensitivity(made: Comparison) -> Finding:
    """For every comparison: naive, by participant, two-way, mixed model, and the range without one item."""
    table, estimates, tests = [], [], []
    said: dict[str, list[str]] = {}  # verdict -> the comparisons it is on
    for one, seen in zip(made.fitted, made.compared.all_contrasts, strict=True):
        rules = [
            *_trials_and_participants(made, seen),
            _two_way(made, seen),
            _model(made, one),
            *_items(made, seen),
        ]
        counts = (one.contrast.participants, one.contrast.responses)
        for rule in rules:
            name = f"{seen.first} − {seen.second}: {rule.name}"
            estimates.append(
                Estimate(
                    None, name, rule.difference, rule.low, rule.high, rule.interval, made.number(rule.difference),
                    *counts,
                )
            )  # fmt: skip
            if rule.statistic is not None:
                tests.append(Test(name, rule.statistic, rule.df, rule.p, rule.unit))
            table.append(_cells(made, made.named(one), rule))
        said.setdefault(_verdict(made, rules), []).append(made.said(one))
    return Finding(
        analysis="sensitivity",
        title="Does it hang on how it is computed?",
        estimates=tuple(estimates),
        tests=tuple(tests),
        sentence=_sentence(said),
        table=pd.DataFrame(table),
        method=(
            "As sensitivity analyses the comparisons were repeated by t tests on single answers (which takes them for "
            "independent), by t tests on participants’ means, by mixed model (of its average marginal effect), and by "
            "the two-way test with "
            f"{'some items' if _left_out_at_the_ends(made) else 'each item'} left out in turn; p values of this table "
            "are not corrected for their number."
        ),
        notes=(
            "“Every answer by itself” takes answers for independent, which they are not: its p value is too small.",
            *_left_out_at_the_ends(made),
        ),
    )


def _left_out_at_the_ends(made: Comparison) -> list[str]:
    """What the reader should know of where not every item is left out, where that is so."""
    items = max(
        made.rows.loc[made.rows["condition"].isin([seen.first, seen.second]), "item"].nunique()
        for seen in made.compared.all_contrasts
    )
    if items <= MANY_ITEMS:
        return []
    return [
        f"There are {items} items. Where there are more than {MANY_ITEMS}, not each is left out, but only the "
        f"{AT_EITHER_END} without which the difference is smallest and the {AT_EITHER_END} without which it is largest."
    ]


def _cells(made: Comparison, named: str, rule: Rule) -> dict[str, str]:
    df = "" if rule.df is None or not np.isfinite(rule.df) else rounded(rule.df, 1)
    p = rule.p_shown or (p_value(rule.p).removeprefix("p = ").removeprefix("p ") if rule.p is not None else "undefined")
    return {
        made.column: named,
        "rule": rule.name,
        made.unit: made.number(rule.difference),
        f"{100 * made.level:g} % interval": limits(rule.low, rule.high, made.number),
        "df": df or "–",
        "p": p,
    }


def _sentence(said: Mapping[str, list[str]]) -> str:
    """Each verdict once, with the comparisons it is on by name, or by their number where they are many."""
    total = sum(map(len, said.values()))
    return " ".join(
        f"{'; '.join(named) if len(named) <= NAMED else f'{len(named)} of the {total} comparisons'}: {verdict}."
        for verdict, named in said.items()
    )


def _verdict(made: Comparison, rules: list[Rule]) -> str:
    """Whether the rules that fit the design agree."""
    cautious = [rule for rule in rules[2:4] if rule.p is not None]
    if not cautious:
        return "no rule that fits the design gives a p value"
    clear = {rule.p < made.alpha for rule in cautious if rule.p is not None}
    signs = {np.sign(rule.difference or 0) for rule in cautious}
    if len(clear) == 2:
        return "the answer depends on the rule; the two-way test and the mixed model do not agree"
    told = "is clear" if clear == {True} else "is not clear"
    if clear == {True} and len(signs) > 1:
        return "the answer depends on the rule; the two-way test and the mixed model have opposite signs"
    left_out = rules[-1]
    if clear == {True} and left_out.p is not None and left_out.p >= made.alpha:
        return f"the difference {told} by both rules that fit the design, but not without some single item"
    return f"the difference {told} by the two-way test and by the mixed model"


def _trials_and_participants(made: Comparison, seen: Contrast) -> list[Rule]:
    rows = made.rows
    trials = [rows.loc[rows["condition"] == name, made.value].to_numpy() for name in (seen.first, seen.second)]
    naive = _welch("every answer by itself", trials[0], trials[1], made.level, "responses")
    means = (
        rows[rows["condition"].isin([seen.first, seen.second])]
        .groupby(["participant", "condition"], observed=True)[made.value]
        .mean()
        .unstack()
        .reindex(columns=[seen.first, seen.second])
    )
    both = means.dropna()
    name = "by participant"
    if len(both) == len(means) and len(both) > 1:
        difference = (both[seen.first] - both[seen.second]).to_numpy()
        if np.ptp(difference) == 0:
            return [naive, Rule(name, float(difference.mean()))]
        found = stats.ttest_1samp(difference, 0.0)
        low, high = found.confidence_interval(made.level)
        label = f"{100 * made.level:g} % t over participants"
        return [
            naive,
            Rule(
                name, float(difference.mean()), float(low), float(high), float(found.statistic), float(found.df),
                float(found.pvalue), "participants", label,
            ),
        ]  # fmt: skip
    one, other = (means[column].dropna().to_numpy() for column in (seen.first, seen.second))
    return [naive, _welch(name, one, other, made.level, "participants")]


def _welch(name: str, one: Values, other: Values, level: float, unit: str) -> Rule:
    if not len(one) or not len(other):
        return Rule(name, None)
    difference = float(one.mean() - other.mean())
    if min(len(one), len(other)) < 2 or (np.ptp(one) == 0 and np.ptp(other) == 0):
        return Rule(name, difference)
    found = stats.ttest_ind(one, other, equal_var=False)
    low, high = found.confidence_interval(level)
    label = f"{100 * level:g} % t over {unit}"
    return Rule(
        name, difference, float(low), float(high), float(found.statistic), float(found.df), float(found.pvalue), unit,
        label,
    )  # fmt: skip


def _of_contrast(name: str, one: Contrast, interval: str) -> Rule:
    if one.test is None:
        return Rule(name, one.difference, one.low, one.high, interval=interval)
    tested = one.test
    return Rule(name, one.difference, one.low, one.high, tested.statistic, tested.df, tested.p, tested.unit, interval)


def _two_way(made: Comparison, seen: Contrast) -> Rule:
    return _of_contrast("by participant and item", seen, f"{100 * made.level:g} % two-way t")


def _model(made: Comparison, one: Fitted) -> Rule:
    """The test is that of the difference beside it: the model's log-odds can differ where its mean does not."""
    rule = _of_contrast("mixed model", one.contrast, f"{100 * made.level:g} % t (delta method)")
    if one.margin is None or not np.isfinite(one.margin.p):
        return rule
    return replace(rule, statistic=one.margin.t, df=one.margin.df, p=one.margin.p)


def _items(made: Comparison, seen: Contrast) -> list[Rule]:
    """The smallest and the largest difference without one item, and the one whose two-way test has the largest p."""
    rows = made.rows[made.rows["condition"].isin([seen.first, seen.second])]
    people, things = (pd.factorize(rows[name])[0] for name in ("participant", "item"))
    names = pd.factorize(rows["item"])[1]
    if len(names) < 3:
        return []
    y = rows[made.value].to_numpy(dtype=np.float64)
    first = (rows["condition"] == seen.first).to_numpy()
    found = []
    for item in _worth_leaving_out(y, first, things):
        kept = things != item
        try:
            crossed = crossed_difference(y[kept], first[kept], people[kept], things[kept])
            tested = crossed.t_test()
            low, high = crossed.t_interval(made.level)
        except UndefinedError:
            continue
        found.append(
            Rule(
                f"without “{names[item]}”", crossed.difference, low, high, tested.statistic, tested.df, tested.p,
                tested.unit, f"{100 * made.level:g} % two-way t",
            )
        )  # fmt: skip
    if not found:
        return []
    ordered = sorted(found, key=lambda rule: rule.difference or 0.0)
    least_sure = max(found, key=lambda rule: rule.p or 0.0)
    chosen = [ordered[0], ordered[-1], least_sure]
    said = ("smallest", "largest", "largest p")
    return [
        Rule(
            f"{rule.name} ({what})", rule.difference, rule.low, rule.high, rule.statistic, rule.df, rule.p, rule.unit,
            rule.interval,
        )
        for rule, what in zip(chosen, said, strict=True)
    ]  # fmt: skip


def _worth_leaving_out(y: Values, first: npt.NDArray[np.bool_], things: npt.NDArray[np.intp]) -> list[int]:
    """The items without which both conditions still have answers; of many, those that move the difference most."""
    means = []
    for rows in (first, ~first):
        counts = rows.sum() - np.bincount(things, rows)
        sums = y[rows].sum() - np.bincount(things, y * rows)
        means.append(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
    difference = means[0] - means[1]
    ordered = [int(item) for item in np.argsort(difference) if np.isfinite(difference[item])]
    return sorted(ordered if len(ordered) <= MANY_ITEMS else ordered[:AT_EITHER_END] + ordered[-AT_EITHER_END:])
