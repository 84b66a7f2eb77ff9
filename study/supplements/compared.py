"""The primary comparison of a study, as arrays and as a mixed model: what its supplements look at again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.analysis import AnalysisError, Answers, SeveralTasksError
from study.analysis._by_condition import Compared, compare
from study.analysis._modelled import Fitted, modelled
from study.statistics.comparisons import NO_ITEM
from study.statistics.mixed_models.model import Family
from study.statistics.rounding import percent, rounded

VALUES = {
    "accuracy_by_condition": "correct",
    "accuracy_model": "correct",
    "rating_by_condition": "rating",
    "rating_model": "rating",
}
MOST_CATEGORIES = 12  # beyond these a rating is taken for continuous


@dataclass(frozen=True)
class Comparison:
    """Rows (participant, item, condition, ``value``), what compares them, and a model of each comparison."""

    rows: pd.DataFrame
    value: str
    family: Family
    compared: Compared
    fitted: tuple[Fitted, ...]
    alpha: float

    @property
    def level(self) -> float:
        return 1 - self.alpha

    @property
    def unit(self) -> str:
        return "percentage points" if self.value == "correct" else "points"

    @property
    def link(self) -> str:
        return {"binary": "log-odds", "ordinal": "log-odds of a higher rating", "gaussian": "points"}[self.family]

    def number(self, value: float | None) -> str:
        return percent(value, 1) if self.value == "correct" else rounded(value, 2)

    @property
    def column(self) -> str:
        """What heads the names of the comparisons in a table."""
        control = self.compared.control
        return f"against {self.compared.named(control)}" if control else "comparison"

    def named(self, fitted: Fitted) -> str:
        """A comparison under ``column``."""
        first, second = (self.compared.label(name) for name in (fitted.contrast.first, fitted.contrast.second))
        return first if self.compared.control else f"{first} − {second}"

    def said(self, fitted: Fitted) -> str:
        """A comparison in a sentence."""
        first, second = (self.compared.named(name) for name in (fitted.contrast.first, fitted.contrast.second))
        return f"{first} against {second}"


def comparison(answers: Answers) -> Comparison | None:
    """That of the document's primary analysis; None where it is of another kind or compares nothing."""
    block = answers.document.get("analysis", {})
    value = VALUES.get(block.get("primary", ""))
    if value is None:
        return None
    declared = [one for one in block.get("analyses", []) if one["name"] == block["primary"]]
    given: Mapping[str, Any] = declared[0].get("parameters", {}) if declared else {}
    alpha = given.get("alpha", block.get("alpha", 0.05))
    try:
        return _made(answers, value, given, alpha)
    except SeveralTasksError as error:
        # The report's main result is then that of the first task.
        return _made(answers, value, {**given, "task": error.tasks[0]}, alpha)
    except AnalysisError:
        return None  # the primary finding says why


def _made(answers: Answers, value: str, given: Mapping[str, Any], alpha: float) -> Comparison | None:
    rows = answers.main_rows(value, given.get("task", ""))
    rows = rows[["participant", "item", "condition", value, "scale_low", "scale_high"]]
    if rows.empty or (value == "rating" and len(rows[["scale_low", "scale_high"]].drop_duplicates()) > 1):
        return None
    rows = rows.assign(**{value: rows[value].astype(float)}, item=rows["item"].fillna(NO_ITEM))
    found = compare(answers, rows, value, control=given.get("control", ""), interval="two_way_95", alpha=alpha, seed=0)
    if not found.all_contrasts:
        return None
    family: Family = "binary"
    if value == "rating":
        family = "ordinal" if rows["rating"].nunique() <= MOST_CATEGORIES else "gaussian"
    return Comparison(
        rows, value, family, found, modelled(found, rows, value, family=family, alpha=alpha).fitted, alpha
    )
