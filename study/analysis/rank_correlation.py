"""Do ratings go with a covariate?

Spearman's rank correlation over all answers, as in Schuff et al. 2022 (FAccT) of ratings with saliency; interval by
resampling participants and items (Owen 2007), test over the participants' own correlations.
"""

from collections.abc import Callable

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding, Test
from study.statistics.crossed_means import UndefinedError
from study.statistics.response_correlation import Correlation, spearman
from study.statistics.rounding import p_value, rounded, without_zero

VERSION = 1
Number = Callable[[float | None], str]
SAID = {"correct": "share of right answers", "response_ms": "response time"}  # of other values, their names
FIXED = {"position", "attempt", "response_ms", "chance", "scale_low", "scale_high", "correct", "rating"}


def analyse(
    answers: Answers,
    *,
    value: str = "rating",
    covariate: str = "",
    task: str = "",
    decimals: int = 3,
    rounding: str = "half_even",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """Spearman's rho of ``value`` with a numeric ``covariate`` (the only one, or the one named)."""
    covariate = covariate or _only(answers)
    for column, other in ((value, covariate), (covariate, value)):
        if column not in answers.responses:
            raise AnalysisError(f"The answers have no column “{column}” to go with {other}.")
    rows = answers.main_rows(value, task)
    said = SAID.get(value, value)
    rows = rows[rows[covariate].notna()]
    for column in (value, covariate):
        texts = rows[column][pd.to_numeric(rows[column], errors="coerce").isna()]
        if len(texts):
            raise AnalysisError(f"A rank correlation is of numbers; the column “{column}” holds “{texts.iloc[0]}”.")
    if rows.empty:
        raise AnalysisError(f"No answer of the main phase has both {value} and {covariate}.")
    groups: list[tuple[str | None, pd.DataFrame]] = [(None, rows)]
    names = [c.name for c in answers.conditions if (rows["condition"] == c.name).any()]
    if len(names) > 1:
        groups += [(name, rows[rows["condition"] == name]) for name in names]
    labels = {condition.name: condition.label for condition in answers.conditions}

    def number(rho: float | None) -> str:
        return without_zero(rho, decimals, rounding)

    estimates, tests, sentences, drawn = [], [], [], []
    for name, group in groups:
        who = "all answers" if name is None else labels[name]
        try:
            found = spearman(
                group[value].astype(float),
                group[covariate].astype(float),
                group["participant"],
                group["item"].fillna(""),
                level=1 - alpha,
                seed=seed,
            )
        except UndefinedError as error:
            sentences.append(f"Whether {said} goes with {covariate} ({who}) cannot be said: {error}.")
            continue
        estimates.append(_estimate(name, covariate, found, group, number))
        tests.append(_test(who, found))
        sentences.append(_sentence(said, covariate, who, found, number))
        drawn.append(figures.Row(who, [], [], found.rho, found.low, found.high, reference=0.0))
    return Finding(
        analysis="rank_correlation",
        title=f"Whether {said} goes with {covariate}",
        estimates=tuple(estimates),
        tests=tuple(tests),
        sentence=sentences[0],
        answer=_plain(said, covariate, estimates[0]) if estimates and estimates[0].condition is None else sentences[0],
        table=pd.DataFrame(
            {
                "answers": ["all" if one.condition is None else labels[one.condition] for one in estimates],
                "participants": [str(one.participants) for one in estimates],
                "number of answers": [str(one.responses) for one in estimates],
                "Spearman’s rho": [one.shown for one in estimates],
                estimates[0].interval if estimates else "interval": [
                    "undefined" if one.low is None else f"[{number(one.low)}, {number(one.high)}]" for one in estimates
                ],
            }
        ),
        figure=figures.points_and_means(
            drawn,
            figures.Axis(-1.0, 1.0, tuple((k / 2, rounded(k / 2, 1)) for k in range(-2, 3)), "Spearman’s rho"),
            title=f"Rank correlation of {said} with {covariate}",
            interval=estimates[0].interval if estimates else "",
            reference="no correlation",
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            f"Spearman’s rank correlation of {said} with {covariate} was taken over all answers; its interval comes "
            "from 2,000 samples in which participants and items were drawn with replacement. The participants’ own "
            "correlations (as Fisher’s z) were tested against 0 by t over participants."
        ),
        notes=tuple(sentences[1:]),
    )


def _only(answers: Answers) -> str:
    """The one numeric column that nobody declared but the import or a trial type added."""
    responses = answers.responses
    found = [c for c in responses.columns if c not in FIXED and pd.api.types.is_numeric_dtype(responses[c])]
    found = [column for column in found if responses[column].notna().any()]
    if len(found) != 1:
        named = f"there are: {', '.join(found)}" if found else "there is none"
        raise AnalysisError(f"A rank correlation needs one numeric covariate ({named}); name it as covariate.")
    return found[0]


def _estimate(name: str | None, covariate: str, found: Correlation, rows: pd.DataFrame, number: Number) -> Estimate:
    return Estimate(
        condition=name,
        term=covariate,
        estimate=found.rho,
        low=found.low,
        high=found.high,
        interval=found.interval,
        shown=number(found.rho),
        participants=rows["participant"].nunique(),
        responses=len(rows),
    )


def _test(who: str, found: Correlation) -> Test:
    name = f"{who}: the participants’ own correlations are 0"
    if found.within is None:
        return Test(name, None, None, None, "undefined")
    return Test(name, found.within.statistic, found.within.df, found.within.p, found.within.unit)


def _sentence(value: str, covariate: str, who: str, found: Correlation, number: Number) -> str:
    numbers = f"Spearman’s rho = {number(found.rho)}"
    if found.low is None or found.high is None:
        return (
            f"In the answers of {who} the rank correlation is {numbers}; it has no interval, because {found.problem}."
        )
    numbers += f", {found.interval} [{number(found.low)}, {number(found.high)}]"
    if found.within:
        numbers += (
            f"; participants’ own correlations: t({found.within.df:.0f}) = {rounded(found.within.statistic, 2)}, "
            f"{p_value(found.within.p)}"
        )
    verb = "rises with" if found.low > 0 else "falls with" if found.high < 0 else "does not clearly go with"
    return f"The {value} {verb} {covariate} ({who}): {numbers}."


def _plain(value: str, covariate: str, one: Estimate) -> str:
    if one.low is None or one.high is None or one.low <= 0 <= one.high:
        return f"Whether the {value} goes with {covariate} is not clear."
    size = abs(one.estimate or 0.0)
    strength = "strongly" if size >= 0.5 else "moderately" if size >= 0.3 else "weakly"
    direction = "higher" if one.low > 0 else "lower"
    return f"The higher the {covariate}, the {direction} the {value}: they go together {strength}."
