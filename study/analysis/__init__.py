"""Analyses: from answers to a conclusion. ``analyse(answers, *, ...) -> Finding``.

``Answers`` is plain frames, built by ``study.frames`` from the rows and by a reader from the exported files alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

VERB = "analyse"


class AnalysisError(ValueError):
    """The answers do not allow this analysis; the message says what is missing."""


class SeveralTasksError(AnalysisError):
    """Several tasks have the value and none is named; ``tasks`` are theirs."""

    def __init__(self, value: str, tasks: list[str]) -> None:
        super().__init__(f"Several tasks have a {value}: {', '.join(tasks)}. Name one as the parameter task.")
        self.tasks = tasks


@dataclass(frozen=True)
class Condition:
    """What is compared: its name in the data, its label for readers, its role in the design."""

    name: str
    label: str
    role: str = "treatment"  # or blind_control, positive_control


@dataclass(frozen=True)
class Answers:
    """The answers of one study, as the exported files hold them.

    responses: one row a trial: participant, item, condition, arm, task, trial_type, phase, position, attempt, response,
        answer_key, correct, rating, winner, loser, tie, response_ms, is_timed_out, chance, scale_low, scale_high,
        excluded_by, origin, and the columns that a trial type or an import adds. Only rows that are analysed: excluded
        participants are left out beforehand.
    participants: participant, arm, origin, state, excluded_by, started_at, completed_at.
    items: item, strata and measurements as columns.
    regions: what was marked in the main phase, one row a region (``study.marked_regions``).
    maps: (item, condition) -> saliency map (H, W).
    plan: what was frozen before the answers and how often they were looked at (``study.frozen_plan``).
    """

    responses: pd.DataFrame
    participants: pd.DataFrame
    items: pd.DataFrame
    document: Mapping[str, Any]
    regions: pd.DataFrame = field(default_factory=pd.DataFrame)
    maps: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_simulated(self) -> bool:
        return bool((self.participants["origin"] == "simulated").any())

    @property
    def are_conditions_coded(self) -> bool:
        """Whether the arms are blinded: names and roles of conditions are then hidden."""
        return bool(self.document.get("are_conditions_coded"))

    @property
    def conditions(self) -> list[Condition]:
        """Those of the document in its order, then those that only the data name."""
        declared = [
            Condition(str(block["name"]), _text(block.get("label"), str(block["name"])), block.get("role", "treatment"))
            for block in self.document.get("conditions", [])
        ]
        known = {condition.name for condition in declared}
        seen = {str(name) for name in self.responses["condition"].dropna()}
        return declared + [Condition(name, name) for name in sorted(seen - known)]

    @property
    def presented(self) -> list[Condition]:
        """Those under which answers are given: what a condition compares is seen only beside each other."""
        blocks = {str(block["name"]): bool(block.get("compare")) for block in self.document.get("conditions", [])}
        return [one for one in self.conditions if not any(blocks.values()) or blocks.get(one.name, True)]

    def of_items(self, column: str) -> dict[str, Any]:
        """Item -> its value: of the items' own column, or, as in imported tables, of one beside their answers.

        Empty where there is neither. Raises ``AnalysisError`` where the answers give one item two values.
        """
        source = self.items if column in self.items else self.responses
        if column not in source:
            return {}
        told = source.loc[source["item"].notna() & source[column].notna(), ["item", column]].drop_duplicates()
        if len(doubled := told[told["item"].duplicated(keep=False)]):
            item, values = doubled["item"].iloc[0], doubled[column]
            raise AnalysisError(
                f"The item “{item}” has several values in the column “{column}”: {values.iloc[0]}, {values.iloc[1]}."
            )
        return dict(zip(told["item"], told[column], strict=True))

    def main_rows(self, value: str, task: str = "") -> pd.DataFrame:
        """The rows of the main phase that have a ``value``, of one task: the only one, or the one that is named."""
        rows = self.responses
        rows = rows[(rows["phase"] == "main") & rows[value].notna()]
        tasks = sorted(map(str, rows["task"].unique()))
        if task and task not in tasks:
            known = ", ".join(tasks) or "none"
            raise AnalysisError(f"No answers of the task “{task}” have {needed(value)}; tasks: {known}.")
        if not task and len(tasks) > 1:
            raise SeveralTasksError(value, tasks)
        return rows[rows["task"] == task] if task else rows


def needed(value: str) -> str:
    """What an answer has that has a ``value``, in words."""
    return {"correct": "a key to be right or wrong by", "winner": "a preference"}.get(value, f"a {value}")


@dataclass(frozen=True)
class Estimate:
    """One number with its named interval; proportions are fractions, ``shown`` is as the field prints it."""

    condition: str | None
    term: str | None
    estimate: float | None
    low: float | None
    high: float | None
    interval: str  # such as "95 % two-way t"
    shown: str
    participants: int
    responses: int

    @property
    def half_width(self) -> float | None:
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True)
class Test:
    """One test with the unit that varies and its degrees of freedom; ``p_adjusted`` is Holm's over its family."""

    __test__ = False  # not one of pytest's

    name: str
    statistic: float | None
    df: float | None
    p: float | None
    unit: str
    p_adjusted: float | None = None


@dataclass(frozen=True)
class Finding:
    """What an analysis found: numbers, a table, a figure (SVG) and sentences chosen from the numbers."""

    analysis: str
    title: str
    estimates: tuple[Estimate, ...]
    tests: tuple[Test, ...]
    sentence: str  # with the numbers
    answer: str = ""  # for a layperson, in one sentence
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    figure: str = ""  # SVG, without a document type
    method: str = ""  # for the methods paragraph
    notes: tuple[str, ...] = ()
    is_exploratory: bool = False  # it was not in the frozen plan


def _text(label: Any, otherwise: str) -> str:
    if isinstance(label, Mapping):
        return str(label.get("en") or next(iter(label.values()), otherwise))
    return str(label or otherwise)
