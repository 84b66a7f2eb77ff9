"""What the analyses by condition share: which conditions to compare, the estimates, and the words for the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Condition, Estimate, Test
from study.analysis._sentences import (
    Wording,
    contrast_sentence,
    gate_sentence,
    limits,
    pairwise_sentence,
    plain_answer,
    plain_pairwise,
)
from study.statistics.comparisons import ConditionMean, Contrast, condition_mean, contrasts, scope
from study.statistics.crossed_means import Tested
from study.statistics.intervals import Interval
from study.statistics.rounding import p_value


def pairs_to_compare(conditions: Sequence[Condition], control: str) -> tuple[list[tuple[str, str]], str]:
    """Every other condition against the control (named, or the blind control); without one, all pairs."""
    names = [condition.name for condition in conditions]
    blind = control or next((c.name for c in conditions if c.role == "blind_control"), "")
    if blind:
        others = [c.name for c in conditions if c.name != blind and c.role != "positive_control"]
        return [(name, blind) for name in others], blind
    pairs = [(first, second) for place, first in enumerate(names) for second in names[place + 1 :]]
    return pairs, ""


@dataclass(frozen=True)
class Compared:
    """The means of all conditions and their contrasts: with the control, or in all pairs."""

    means: tuple[ConditionMean, ...]
    contrasts: tuple[Contrast, ...]  # the family
    positive: tuple[Contrast, ...]  # positive controls against the control: the gate, not part of the family
    control: str
    labels: dict[str, str]
    scope: str = ""  # what the answers cannot speak of

    def scoped(self, text: str) -> str:
        return f"{text} {self.scope}".strip()

    @property
    def all_contrasts(self) -> tuple[Contrast, ...]:
        return self.contrasts + self.positive

    def label(self, condition: str | None) -> str:
        return "all answers" if condition is None else self.labels[condition]

    def named(self, condition: str | None) -> str:
        return "all answers" if condition is None else f"“{self.labels[condition]}”"

    @property
    def mismatch(self) -> str:
        """Said where the means are of participants’ or items’ own means, and the differences are not theirs."""
        means = {mean.condition: mean.interval.estimate for mean in self.means}
        told = [one for one in self.all_contrasts if one.difference is not None]
        if not any(abs(means[one.first] - means[one.second] - (one.difference or 0.0)) > 1e-9 for one in told):
            return ""
        return (
            "The means are averages of participants’ (or items’) own means, the differences and their tests are of all "
            "answers: where there are more answers from some than from others, the two do not match."
        )

    @property
    def figure_rows(self) -> list[figures.Row]:
        return [
            figures.Row(
                label=self.label(mean.condition),
                participants=mean.by_participant,
                items=mean.by_item,
                estimate=mean.interval.estimate if mean.responses else None,
                low=mean.interval.low,
                high=mean.interval.high,
                note="" if mean.responses else "no answers",
            )
            for mean in self.means
        ]


def compare(
    answers: Answers,
    rows: pd.DataFrame,
    value: str,
    *,
    control: str,
    interval: str,
    alpha: float,
    seed: int,
    chances: Mapping[str | None, float | None] | None = None,
) -> Compared:
    """Means and contrasts of ``value`` over the study's conditions; rows without a condition are one group."""
    chances = chances or {}
    conditions = answers.presented if rows["condition"].notna().any() else []
    names = [condition.name for condition in conditions]
    if control and control not in names:
        raise AnalysisError(f"There is no condition “{control}” to be the control; there are: {', '.join(names)}.")
    groups: list[tuple[str | None, pd.DataFrame]] = [(name, rows[rows["condition"] == name]) for name in names]
    if not groups:
        groups = [(None, rows)]
    means = tuple(
        condition_mean(group, value, name, interval=interval, chance=chances.get(name), seed=seed)
        for name, group in groups
    )
    pairs, blind = pairs_to_compare(conditions, control)
    level = 1 - alpha
    gates = [(c.name, blind) for c in conditions if blind and c.role == "positive_control" and c.name != blind]
    return Compared(
        means=means,
        contrasts=tuple(contrasts(rows, value, pairs, level=level)),
        positive=tuple(contrasts(rows, value, gates, level=level)),
        control=blind,
        labels=_labels(conditions),
        scope=scope(rows) or _alone(groups, _labels(conditions)),
    )


def _alone(groups: Sequence[tuple[str | None, pd.DataFrame]], labels: Mapping[str, str]) -> str:
    """Which conditions rest on one participant, in a sentence; "" where none does."""
    alone = [f"“{labels[name]}”" for name, group in groups if name and group["participant"].nunique() == 1]
    if not alone:
        return ""
    return f"Only one participant answered under {_and(alone)}, which says nothing about other people."


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def conclusion(found: Compared, wording: Wording, alpha: float) -> tuple[str, str]:
    """The sentence with the numbers, and the one for a layperson."""
    values = {mean.condition or "": mean.interval.estimate for mean in found.means if mean.responses}
    exact = {found.labels[name]: wording.mean(value) for name, value in values.items() if name}
    plain = {found.labels[name]: wording.plain(value) for name, value in values.items() if name}
    exact |= {label: "no answers" for label in found.labels.values() if label not in exact}
    plain |= {label: "no answers" for label in found.labels.values() if label not in plain}
    family = [_relabelled(one, found.labels) for one in found.contrasts]
    if not family:
        return "", ""
    if not found.control and len(family) > 1:
        ordered = [found.labels[name] for name in sorted(filter(None, values), key=lambda name: -values[name])]
        return (
            pairwise_sentence(family, ordered, exact, alpha),
            plain_pairwise(family, ordered, plain, wording, alpha),
        )
    sentences = [contrast_sentence(one, exact, wording, alpha, len(family)) for one in family]
    if not found.control:
        return sentences[0], plain_answer(family, family[0].second, plain, wording, alpha)
    control = found.labels[found.control]
    unclear = [one for one in family if one.test is not None and not one.is_significant(alpha)]
    positive = _relabelled(found.positive[0], found.labels) if found.positive else None
    gate = gate_sentence(control, positive, unclear, alpha, wording.number, wording.unit)
    return " ".join([*sentences, gate]).strip(), plain_answer(family, control, plain, wording, alpha)


def shown_interval(found: Interval, wording: Wording) -> str:
    """“65.50 ± 7.46” where the interval is printed so, otherwise the mean alone."""
    if found.is_half_width and found.low is not None and found.high is not None:
        return f"{wording.number(found.estimate)} ± {wording.number((found.high - found.low) / 2)}"
    return wording.number(found.estimate)


def mean_estimate(found: ConditionMean, wording: Wording) -> Estimate:
    interval = found.interval
    return Estimate(
        condition=found.condition,
        term=None,
        estimate=None if found.responses == 0 else interval.estimate,
        low=interval.low,
        high=interval.high,
        interval=interval.name,
        shown=shown_interval(interval, wording),
        participants=found.participants,
        responses=found.responses,
    )


def contrast_estimate(contrast: Contrast, interval: str, wording: Wording) -> Estimate:
    return Estimate(
        condition=None,
        term=f"{contrast.first} − {contrast.second}",
        estimate=contrast.difference,
        low=contrast.low,
        high=contrast.high,
        interval=interval,
        shown=wording.number(contrast.difference),
        participants=contrast.participants,
        responses=contrast.responses,
    )


def as_test(name: str, tested: Tested | None, p_adjusted: float | None = None) -> Test:
    if tested is None:
        return Test(name, None, None, None, "undefined")
    df = None if tested.df != tested.df else tested.df
    return Test(name, tested.statistic, df, tested.p, tested.unit, p_adjusted)


def comparison_columns(found: "Compared", wording: Wording) -> dict[str, list[str]]:
    """Two columns of a table over conditions: difference from the control, and its adjusted p."""
    by_name = {contrast.first: contrast for contrast in found.all_contrasts}
    differences, tests = [], []
    for mean in found.means:
        contrast = by_name.get(mean.condition or "")
        if contrast is None:
            differences.append("(the control)" if mean.condition == found.control else "–")
            tests.append("–")
        else:
            within = limits(contrast.low, contrast.high, wording.number)
            differences.append(f"{wording.number(contrast.difference)} {within}")
            tests.append(
                p_value(contrast.p_adjusted).removeprefix("p = ").removeprefix("p ")
                if contrast.test
                else contrast.problem
            )
    return {"difference from control": differences, "p (Holm)": tests}


def _labels(conditions: Sequence[Condition]) -> dict[str, str]:
    """Labels for readers; with the name where two conditions share one."""
    labels = [condition.label for condition in conditions]
    return {c.name: c.label if labels.count(c.label) == 1 else f"{c.label} ({c.name})" for c in conditions}


def _relabelled(contrast: Contrast, labels: dict[str, str]) -> Contrast:
    return replace(contrast, first=labels[contrast.first], second=labels[contrast.second])
