"""How many instances do people see: one, or many?

Whether a class model shows one goose or a flock (the class models of Simonyan, Vedaldi & Zisserman 2013, arXiv
1312.6034, repeat their object); the distribution of the counts, and the share of one. Two-way clustered t (Cameron,
Gelbach & Miller 2011).
"""

from dataclasses import replace

import pandas as pd

from study.analysis import AnalysisError, Answers, Finding
from study.analysis._shares import shares
from study.statistics.rounding import percent

VERSION = 1
TRIAL_TYPE = "count_instances"
NUMBERS = {"one": 1, "two": 2, "three": 3}
MANY = ("more", "many")


def analyse(answers: Answers, *, task: str = "", control: str = "", alpha: float = 0.05, seed: int = 0) -> Finding:
    """The share of “one” among the answers that give a number; “cannot tell” is counted and left out of it."""
    is_own = answers.responses["trial_type"] == TRIAL_TYPE
    rows = (answers if task else replace(answers, responses=answers.responses[is_own])).main_rows("response", task)
    if rows.empty:
        raise AnalysisError(f"No answer of the main phase counts instances (trial type {TRIAL_TYPE}).")
    said = rows["response"].map(_counted)
    if said.isna().all():
        raise AnalysisError("No answer says how many: one, two, three, more, or a number.")
    rows = rows.assign(said=said)
    kept = rows[rows["said"].notna()].assign(is_one=lambda own: (own["said"] == "one").astype(float))
    unclear = len(rows) - len(kept)
    found = shares(
        answers,
        kept,
        "is_one",
        analysis="counts",
        title="How many instances people saw",
        did="saw exactly one",
        axis="answers “one”",
        method="The share of “one” is taken among the answers that give a number.",
        control=control,
        alpha=alpha,
        seed=seed,
        notes=[f"{unclear} of {len(rows)} answers could not tell how many; they are left out of the shares."]
        if unclear
        else [],
    )
    return replace(found, table=_with_distribution(found.table, answers, rows))


def _counted(response: object) -> str | None:
    """one, two, three or more; None for whatever gives no number."""
    text = str(response).strip().lower()
    if text in NUMBERS:
        return text
    if text in MANY:
        return "more"
    try:
        number = float(text)
    except ValueError:
        return None
    if number != number or number < 1:
        return None
    return next((name for name, value in NUMBERS.items() if value == number), "more")


def _with_distribution(table: pd.DataFrame, answers: Answers, rows: pd.DataFrame) -> pd.DataFrame:
    """One column more for each count, in percent of all the condition's answers."""
    names = [condition.name for condition in answers.presented] if rows["condition"].notna().any() else [None]
    columns = {}
    for count in (*NUMBERS, "more", "cannot tell"):
        cells = []
        for name in names:
            own = rows if name is None else rows[rows["condition"] == name]
            hits = own["said"].isna().sum() if count == "cannot tell" else (own["said"] == count).sum()
            cells.append(f"{percent(hits / len(own), 0)}%" if len(own) else "–")
        columns[f"says {count}"] = cells
    return table.assign(**columns)
