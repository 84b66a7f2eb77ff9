"""Are people right more often where the network was right?

Accuracy split by whether the network's own prediction was right (Kim et al. 2022, HIVE; Taesiri, Nguyen & Nguyen
2022), since a picture that helps only there makes people follow, not understand. Two-way
clustered t (Cameron, Gelbach & Miller 2011).
"""

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.analysis._by_condition import as_test, contrast_estimate
from study.analysis._sentences import Wording, limits
from study.statistics.comparisons import ConditionMean, Contrast, condition_mean, contrasts, scope
from study.statistics.rounding import p_value, percent

VERSION = 1
RIGHT, WRONG = "network right", "network wrong"


def analyse(
    answers: Answers,
    *,
    task: str = "",
    column: str = "network_is_right",
    interval: str = "two_way_95",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """Accuracy where the network was right and where it was wrong, for all and for each condition.

    ``column`` says so of the items, or of each answer where an imported table has it.
    """
    rows = answers.main_rows("correct", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase has a key to be right or wrong by, so there is no accuracy.")
    # Of an imported answer it is said beside it: each condition may have a network of its own.
    told = rows[column] if column in rows else rows["item"].map(answers.of_items(column))
    if told.isna().all():
        raise AnalysisError(
            f"Neither the items nor the answers say whether the network was right (no column “{column}”)."
        )
    rows = rows[told.notna()].assign(
        correct=lambda kept: kept["correct"].astype(float),
        outcome=told[told.notna()].map(lambda value: _outcome(value, column)),
    )
    if rows["outcome"].nunique() < 2:
        only = rows["outcome"].iloc[0] if len(rows) else "none with answers"
        raise AnalysisError(f"The split needs items with a right and items with a wrong network; there are: {only}.")

    def number(fraction: float | None) -> str:
        return percent(fraction, 1)

    labels = {condition.name: condition.label for condition in answers.conditions}
    groups: list[tuple[str | None, pd.DataFrame]] = [(None, rows)]
    names = [name for name in labels if (rows["condition"] == name).any()]
    if len(names) > 1:
        groups += [(name, rows[rows["condition"] == name]) for name in names]
    found = [(name, _means(own, interval, seed), _gap(own, alpha)) for name, own in groups]
    wording = Wording("", "", "", "", number, number, number, "percentage points")
    level = f"{100 - 100 * alpha:g} %"
    _, overall, gap = found[0]
    return Finding(
        analysis="by_network_outcome",
        title="Right answers where the network was right and where it was wrong",
        estimates=tuple(
            estimate
            for name, means, gap in found
            for estimate in (
                *(_estimate(name, mean) for mean in means),
                contrast_estimate(gap, f"{level} two-way t", wording),
            )
        ),
        tests=tuple(as_test(f"{name or 'all answers'}: {RIGHT} − {WRONG}", gap.test) for name, _, gap in found),
        sentence=f"{_sentence(overall, gap, alpha)} {scope(rows)}".strip(),
        answer=f"{_plain(overall, gap, alpha)} {scope(rows)}".strip(),
        table=pd.DataFrame(
            [
                {
                    "condition": "all answers" if name is None else labels[name],
                    **{f"{mean.condition} (answers)": str(mean.responses) for mean in means},
                    **{
                        f"{mean.condition}": f"{number(mean.interval.estimate)}%" if mean.responses else "–"
                        for mean in means
                    },
                    "difference": f"{number(gap.difference)} {limits(gap.low, gap.high, number)}",
                    "p": p_value(gap.test.p).removeprefix("p = ").removeprefix("p ") if gap.test else gap.problem,
                }
                for name, means, gap in found
            ]
        ),
        figure=figures.points_and_means(
            [
                figures.Row(
                    mean.condition or "" if name is None else f"{labels[name]}, {mean.condition}",
                    mean.by_participant,
                    mean.by_item,
                    mean.interval.estimate if mean.responses else None,
                    mean.interval.low,
                    mean.interval.high,
                    note="" if mean.responses else "no answers",
                )
                for name, means, _ in (found[1:] or found)
                for mean in means
            ],
            figures.percent_axis("right answers"),
            title="Right answers by whether the network was right",
            interval=overall[0].interval.name,
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            "Accuracy where the network was right was compared with that where it was wrong by t with "
            "two-way clustered variances (participants and items), two-sided, each split uncorrected and exploratory."
        ),
    )


def _outcome(told: object, column: str) -> str:
    text = str(told).strip().lower()
    if text in ("true", "1", "1.0"):
        return RIGHT
    if text in ("false", "0", "0.0"):
        return WRONG
    raise AnalysisError(f"The column “{column}” should say true or false (or 1 or 0), not “{told}”.")


def _means(own: pd.DataFrame, interval: str, seed: int) -> list[ConditionMean]:
    return [
        condition_mean(own[own["outcome"] == outcome], "correct", outcome, interval=interval, seed=seed)
        for outcome in (RIGHT, WRONG)
    ]


def _gap(own: pd.DataFrame, alpha: float) -> Contrast:
    return contrasts(own.assign(condition=own["outcome"]), "correct", [(RIGHT, WRONG)], level=1 - alpha)[0]


def _estimate(name: str | None, mean: ConditionMean) -> Estimate:
    found = mean.interval
    return Estimate(
        name,
        mean.condition,
        found.estimate if mean.responses else None,
        found.low,
        found.high,
        found.name,
        percent(found.estimate if mean.responses else None, 1),
        mean.participants,
        mean.responses,
    )


def _sentence(means: list[ConditionMean], gap: Contrast, alpha: float) -> str:
    right, wrong = (percent(mean.interval.estimate, 1) for mean in means)
    if gap.test is None:
        return f"Whether people depend on the network’s being right cannot be said: {gap.problem}."
    numbers = (
        f"{right}% where the network was right, {wrong}% where it was wrong; difference {percent(gap.difference, 1)} "
        f"percentage points, {100 - 100 * alpha:g} % two-way t interval "
        f"{limits(gap.low, gap.high, lambda x: percent(x, 1))}, t({gap.test.df:.1f}) = {gap.test.statistic:.2f}, "
        f"{p_value(gap.test.p)}"
    ).replace("= -", "= −")
    if gap.test.p >= alpha:
        return f"People are not clearly more or less often right where the network was right: {numbers}."
    word = "more" if (gap.difference or 0) > 0 else "less"
    return f"People are {word} often right where the network was right: {numbers}."


def _plain(means: list[ConditionMean], gap: Contrast, alpha: float) -> str:
    right, wrong = (percent(mean.interval.estimate, 0) for mean in means)
    both = f"{right} of 100 answers where the network was right, {wrong} of 100 where it was wrong"
    if gap.test is None:
        return f"People were right in {both}; whether that is a difference cannot be said."
    return f"People were right in {both}; the difference is {'clear' if gap.test.p < alpha else 'not clear'}."
