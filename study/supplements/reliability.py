"""How repeatable are the answers: between halves of the participants, and of a participant asked twice?

Split halves of participants, item by item, stepped up to all of them (Spearman 1910; Brown 1910): the ceiling for
anything that is to predict which items are easy or rated high.
"""

import pandas as pd

from study.analysis import Answers, Estimate, Finding
from study.analysis._sentences import limits
from study.statistics.agreement import Measurement
from study.statistics.crossed_means import UndefinedError
from study.statistics.reliability import Reliability, self_consistency, split_half
from study.statistics.rounding import percent, without_zero

SPLITS, REPLICATES = 50, 400
WHAT = {"correct": "answers being right", "rating": "ratings"}


def reliability(answers: Answers) -> list[Finding]:
    """One finding over all tasks and conditions; none where nothing can be said of any, or an analysis says it."""
    asked = any(one["name"] == "reliability" for one in answers.document.get("analysis", {}).get("analyses", []))
    if asked and sum(answers.responses[value].notna().any() for value in WHAT) == 1:  # an analysis is of one value
        return []
    rows = answers.responses[answers.responses["phase"].isin(["main", "repeat"])]
    rows = rows.assign(condition=rows["condition"].astype(object).where(rows["condition"].notna(), ""))
    is_one_task = rows["task"].nunique() == 1
    table: list[dict[str, str]] = []
    estimates: list[Estimate] = []
    notes: list[str] = []
    labels = {one.name: one.label for one in answers.conditions}
    for value in WHAT:
        given = rows[rows[value].notna() & rows["item"].notna()]
        for (task, condition), group in given.groupby(["task", "condition"], sort=True):
            group = group.assign(**{value: group[value].astype(float)})
            who = labels.get(str(condition), str(condition)) or "all answers"
            named = who if is_one_task else f"{who}, {task}"
            _halves(group[group["phase"] == "main"], value, str(condition), str(task), named, table, estimates, notes)
            _repeats(group, value, str(condition), str(task), named, table, estimates)
    if not estimates:
        return []
    return [
        Finding(
            analysis="reliability",
            title="How repeatable the answers are",
            estimates=tuple(estimates),
            tests=(),
            sentence=_sentence(estimates),
            table=pd.DataFrame(table).fillna("–"),
            method=(
                "Reliability is the mean correlation of items’ means between random halves of the participants "
                f"({SPLITS} splits), stepped up by the Spearman-Brown formula, with a bootstrap interval over items"
                + (
                    "; self-consistency the share of trials that a participant answered alike both times."
                    if any("consistency" in (one.term or "") for one in estimates)
                    else "."
                )
            ),
            notes=("Intervals of split halves are 95 % bootstrap over items.", *notes),
        )
    ]


def _sentence(estimates: list[Estimate]) -> str:
    halves = sorted((one for one in estimates if one.interval), key=lambda one: one.estimate or 0.0)
    if not halves:
        return "Participants who were asked the same twice answered alike as often as the table says."
    if len(halves) == 1:
        told = f"The reliability of the items’ means is {halves[0].shown}"
    else:
        told = f"The reliability of the items’ means lies between {halves[0].shown} and {halves[-1].shown}"
    scale = "at 1 another group of participants would put the items into the same order, at 0 into any order"
    return f"{told}: {scale}{', and below 0 no less so' if (halves[0].estimate or 0.0) < 0 else ''}."


def _halves(
    group: pd.DataFrame, value: str, condition: str, task: str, named: str,
    table: list[dict[str, str]], estimates: list[Estimate], notes: list[str],
) -> None:  # fmt: skip
    crossed = group.groupby(["item", "participant"], observed=True)[value].mean().unstack()
    cells = {"of": f"{named}: {WHAT[value]}", "measure": "split half"}
    try:
        found: Reliability = split_half(crossed.to_numpy(), splits=SPLITS, replicates=REPLICATES)
    except UndefinedError as error:
        table.append({**cells, "estimate": "undefined", "interval": "–"})
        notes.append(f"{cells['of']}: {error}")
        return
    shown = without_zero(found.estimate, 2)
    estimates.append(
        Estimate(
            condition or None, f"split half: {task}", found.estimate, found.low, found.high, found.interval, shown,
            found.raters, len(group),
        )
    )  # fmt: skip
    interval = limits(found.low, found.high, lambda number: without_zero(number, 2))
    table.append({**cells, "estimate": shown, "interval": interval})


def _repeats(
    group: pd.DataFrame, value: str, condition: str, task: str, named: str,
    table: list[dict[str, str]], estimates: list[Estimate],
) -> None:  # fmt: skip
    """Trials that a participant saw twice: the same item under the same condition in the same task."""
    ordered = group.sort_values(["participant", "position", "attempt"])
    occasion = ordered.groupby(["participant", "item"], observed=True).cumcount()
    pairs = ordered.assign(occasion=occasion).pivot_table(
        index=["participant", "item"], columns="occasion", values=value, aggfunc="first"
    )
    if 1 not in pairs.columns:
        return
    pairs = pairs[[0, 1]].dropna()
    measurement: Measurement = "nominal" if value == "correct" else "interval"
    same = float((pairs[0] == pairs[1]).mean())
    try:
        alpha = without_zero(self_consistency(pairs[0], pairs[1], measurement)[1].estimate, 2)
    except UndefinedError:
        alpha = "undefined"
    people = pairs.index.get_level_values("participant").nunique()
    estimates.append(
        Estimate(
            condition or None,
            f"self-consistency: {task}",
            same,
            None,
            None,
            "",
            f"{percent(same, 0)} %",
            people,
            len(pairs),
        )
    )
    table.append(
        {
            "of": f"{named}: {WHAT[value]}",
            "measure": "self-consistency",
            "estimate": f"{percent(same, 0)} % alike",
            "interval": f"{len(pairs)} trials answered twice, alpha {alpha}",
        }
    )
