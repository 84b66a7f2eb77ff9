"""How far do people agree with each other?

Krippendorff's alpha with a bootstrap interval over items (Krippendorff 2011), and Fleiss' kappa (1971) of named
answers, under each condition.
"""

import numpy as np
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding, needed
from study.analysis._axes import spanning
from study.statistics.agreement import Agreement, fleiss_kappa, krippendorff_alpha
from study.statistics.crossed_means import UndefinedError
from study.statistics.rounding import rounded, without_zero

VERSION = 1


def analyse(
    answers: Answers, *, value: str = "", task: str = "", replicates: int = 2000, alpha: float = 0.05, seed: int = 0
) -> Finding:
    """Agreement on ``value``: rating (ordinal) or response (nominal), whichever the answers have."""
    value = value or _value(answers, task)
    if value not in ("rating", "response", "correct"):
        raise AnalysisError(f"Agreement is about rating, response or correct, not about “{value}”.")
    rows = answers.main_rows(value, task)
    rows = rows[rows["item"].notna()]
    if rows.empty:
        raise AnalysisError(f"No answer of the main phase has both an item and {needed(value)}.")
    is_ordered = value == "rating"
    labels = {condition.name: condition.label for condition in answers.conditions}
    groups: list[tuple[str | None, pd.DataFrame]] = [
        (name, rows[rows["condition"] == name]) for name in labels if (rows["condition"] == name).any()
    ] or [(None, rows)]
    estimates, said, drawn, notes = [], [], [], []
    for name, own in groups:
        label = "" if name is None else labels[name]
        table, counts = _tables(own, value, is_ordered)
        try:
            found = krippendorff_alpha(
                table, "ordinal" if is_ordered else "nominal", replicates=replicates, seed=seed, level=1 - alpha
            )
        except UndefinedError as error:
            problem = str(error).rstrip(".")
            said.append(_with(label, f"it cannot be said how far people agree: {problem[:1].lower()}{problem[1:]}."))
            continue
        estimates.append(_estimate(name, "Krippendorff’s alpha", found, own))
        said.append(_with(label, _claim(found)))
        drawn.append(figures.Row(label or "all answers", [], [], found.estimate, found.low, found.high, reference=0.0))
        if not is_ordered:
            try:
                estimates.append(
                    _estimate(
                        name,
                        "Fleiss’ kappa",
                        fleiss_kappa(counts, replicates=replicates, seed=seed, level=1 - alpha),
                        own,
                    )
                )
            except UndefinedError as error:
                notes.append(f"Fleiss’ kappa of {f'“{label}”' if label else 'all answers'} is undefined: {error}")
    return Finding(
        analysis="agreement",
        title="How far people agreed",
        estimates=tuple(estimates),
        tests=(),
        sentence=" ".join(said),
        answer=said[0] if len(said) == 1 else _plain(estimates, labels) or said[0],
        table=pd.DataFrame(
            [
                {
                    "condition": "all answers" if one.condition is None else labels[one.condition],
                    "coefficient": str(one.term),
                    "participants": str(one.participants),
                    "answers": str(one.responses),
                    "estimate": one.shown,
                    "interval": _limits(one.low, one.high),
                }
                for one in estimates
            ]
        ),
        figure=figures.points_and_means(
            drawn,
            spanning([0.0, 1.0, *(row.low for row in drawn)], "Krippendorff’s alpha", lambda x: rounded(x, 1)),
            title="Agreement by condition",
            interval=f"alpha, {100 - 100 * alpha:g} % bootstrap over items",
            reference="as by chance",
            watermark="simulated participants" if answers.is_simulated else "",
        )
        if drawn
        else "",
        method=(
            f"Agreement on {'answers being right' if value == 'correct' else f'the {value}'} is Krippendorff’s alpha "
            f"({'ordinal' if is_ordered else 'nominal'} distances), with percentile intervals of {replicates} samples "
            "of items."
        ),
        notes=tuple(notes),
    )


def _value(answers: Answers, task: str) -> str:
    rows = answers.responses[answers.responses["phase"] == "main"]
    rows = rows[rows["task"] == task] if task else rows
    for value in ("rating", "response", "correct"):
        if value in rows and rows[value].notna().any():
            return value
    raise AnalysisError("The answers hold no rating, response or correct to agree on.")


def _tables(
    own: pd.DataFrame, value: str, is_ordered: bool
) -> tuple["np.ndarray[tuple[int, int], np.dtype[np.float64]]", "np.ndarray[tuple[int, int], np.dtype[np.float64]]"]:
    """Raters by items, and items by categories; a repeated trial counts once, as first answered."""
    own = own.drop_duplicates(["participant", "item"])
    codes = own[value].astype(float) if is_ordered else pd.Series(pd.factorize(own[value])[0], own.index, dtype=float)
    table = own.assign(code=codes).pivot(index="participant", columns="item", values="code").to_numpy(float)
    counts = pd.crosstab(own["item"], codes).to_numpy(float)
    return table, counts


def _estimate(name: str | None, term: str, found: Agreement, own: pd.DataFrame) -> Estimate:
    return Estimate(
        name,
        term,
        found.estimate,
        found.low,
        found.high,
        found.interval,
        without_zero(found.estimate, 2),
        own["participant"].nunique(),
        found.judgements,
    )


def _limits(low: float | None, high: float | None) -> str:
    return "undefined" if low is None or high is None else f"[{without_zero(low, 2)}, {without_zero(high, 2)}]"


def _strength(alpha: float) -> str:
    """Krippendorff (2004): .800 to rely on, .667 for tentative conclusions."""
    if alpha >= 0.8:
        return "well enough to rely on (.80 and more)"
    return "enough for tentative conclusions (.67 to .80)" if alpha >= 0.667 else "little (under .67)"


def _with(label: str, claim: str) -> str:
    """The claim about a condition, or about all answers."""
    return f"With “{label}” {claim}" if label else claim[:1].upper() + claim[1:]


def _claim(found: Agreement) -> str:
    numbers = f"{found.coefficient.replace(chr(39), '’')} = {without_zero(found.estimate, 2)}"
    if found.low is not None:
        numbers += f", {found.interval} {_limits(found.low, found.high)}"
    if found.low is not None and found.low == found.high and found.estimate < 1:
        return f"it cannot be said how sure people’s agreement is: {numbers}; all samples of the items are alike."
    # Nor is an interval below 0 a claim: of answers by chance to 8 or 10 items, every fifth lies there.
    if found.low is not None and found.low <= 0:
        return f"it is not clear that people agree at all: {numbers}."
    return f"people agree {_strength(found.estimate)}: {numbers}."


def _plain(estimates: list[Estimate], labels: dict[str, str]) -> str:
    known = [one for one in estimates if one.term == "Krippendorff’s alpha"]
    if len(known) < 2:
        return ""
    ordered = sorted(known, key=lambda one: -(one.estimate or 0.0))
    most, least = ordered[0], ordered[-1]
    return (
        f"People agreed most with “{labels[str(most.condition)]}” (alpha {most.shown}) and least with "
        f"“{labels[str(least.condition)]}” ({least.shown}), where 1 is full agreement and 0 that of chance."
    )
