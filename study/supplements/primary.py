"""The primary comparison of a study by the two-way test alone: quick enough to be repeated under many rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy import stats

from study.analysis import AnalysisError, Answers, SeveralTasksError
from study.analysis._by_condition import Compared, compare
from study.statistics.comparisons import NO_ITEM
from study.statistics.rounding import percent, rounded

VALUES = {
    "accuracy_by_condition": "correct",
    "accuracy_model": "correct",
    "rating_by_condition": "rating",
    "rating_model": "rating",
}


@dataclass(frozen=True)
class Primary:
    """Rows (participant, item, condition, ``value``) of one task, and what compares them."""

    rows: pd.DataFrame
    value: str
    task: str
    compared: Compared
    alpha: float

    @property
    def unit(self) -> str:
        return "percentage points" if self.value == "correct" else "points"

    def number(self, value: float | None) -> str:
        return percent(value, 1) if self.value == "correct" else rounded(value, 2)


def primary(answers: Answers, *, task: str = "") -> Primary | None:
    """That of the document's primary analysis, or of another ``task``; None where it compares nothing."""
    block = answers.document.get("analysis", {})
    value = VALUES.get(block.get("primary", ""))
    if value is None:
        return None
    declared = [one for one in block.get("analyses", []) if one["name"] == block["primary"]]
    given: Mapping[str, Any] = declared[0].get("parameters", {}) if declared else {}
    alpha = given.get("alpha", block.get("alpha", 0.05))
    wanted = task or given.get("task", "")
    try:
        return _made(answers, value, wanted, given.get("control", ""), alpha)
    except SeveralTasksError as error:
        # The report's main result is then that of the first task.
        return _made(answers, value, error.tasks[0], given.get("control", ""), alpha)
    except AnalysisError:
        return None  # the primary finding says why


def _made(answers: Answers, value: str, task: str, control: str, alpha: float) -> Primary | None:
    rows = answers.main_rows(value, task)
    rows = rows[["participant", "item", "condition", "task", value, "scale_low", "scale_high"]]
    if rows.empty or (value == "rating" and len(rows[["scale_low", "scale_high"]].drop_duplicates()) > 1):
        return None
    rows = rows.assign(**{value: rows[value].astype(float)}, item=rows["item"].fillna(NO_ITEM))
    found = compare(answers, rows, value, control=control, interval="two_way_95", alpha=alpha, seed=0)
    return Primary(rows, value, str(rows["task"].iloc[0]), found, alpha) if found.all_contrasts else None


def effects(answers: Answers) -> list[dict[str, Any]]:
    """The primary comparisons as other studies' can be pooled with them: effect, standard error, df, unit, design."""
    made = primary(answers)
    if made is None:
        return []
    unit = "difference in the share of right answers"
    if made.value == "rating":
        low, high = (made.rows[name].astype(float).iloc[0] for name in ("scale_low", "scale_high"))
        scale = f"a rating scale from {low:g} to {high:g}" if low < high else "a rating scale whose ends are not known"
        unit = f"difference on {scale}"
    design = "within participants" if made.compared.contrasts[0].is_paired else "between participants"
    return [
        {
            "term": f"{one.first} − {one.second}",
            "labels": [made.compared.label(one.first), made.compared.label(one.second)],
            "estimate": one.difference,
            "standard_error": (one.high - one.low) / 2 / float(stats.t.isf(made.alpha / 2, one.test.df)),
            "df": one.test.df,
            "p": one.test.p,
            "p_adjusted": one.p_adjusted,
            "unit": unit,
            "design": design,
            "analysis": answers.document["analysis"]["primary"],
            "task": made.task,
            "participants": one.participants,
            "items": int(made.rows.loc[made.rows["condition"].isin([one.first, one.second]), "item"].nunique()),
            "responses": one.responses,
        }
        for one in made.compared.contrasts
        if one.test is not None and one.low is not None and one.high is not None
    ]
