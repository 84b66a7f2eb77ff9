"""How repeatable are the answers?

Split halves of the participants, stepped up (Spearman 1910; Brown 1910): the ceiling for what predicts items' means;
one answer's share of variance between items, ICC(2,1) (Shrout & Fleiss 1979); and answers to trials that were repeated.
"""

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.analysis._axes import spanning
from study.statistics.agreement import Measurement
from study.statistics.crossed_means import UndefinedError
from study.statistics.reliability import Reliability, self_consistency, split_half, variance_share
from study.statistics.rounding import percent, rounded, without_zero

VERSION = 1


def analyse(
    answers: Answers,
    *,
    value: str = "",
    task: str = "",
    splits: int = 100,
    replicates: int = 500,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """Of ``value`` (rating or correct, whichever the answers have), under each condition."""
    main = answers.responses[answers.responses["phase"] == "main"]
    main = main[main["task"] == task] if task else main
    value = value or next((name for name in ("rating", "correct") if main[name].notna().any()), "rating")
    if value not in ("rating", "correct"):
        raise AnalysisError(f"Reliability is of rating or correct, not of “{value}”.")
    rows = answers.main_rows(value, task)
    rows = rows[rows["item"].notna()]
    if rows.empty:
        raise AnalysisError("No answer of the main phase has both an item and a rating or a key.")
    rows = rows.assign(rating=rows[value].astype(float))
    labels = {condition.name: condition.label for condition in answers.conditions}
    groups: list[tuple[str | None, pd.DataFrame]] = [
        (name, rows[rows["condition"] == name]) for name in labels if (rows["condition"] == name).any()
    ] or [(None, rows)]
    estimates, said, notes, drawn = [], [], [], []
    for name, own in groups:
        who = "all answers" if name is None else f"“{labels[name]}”"
        once = own.drop_duplicates(["participant", "item"])
        table = once.pivot(index="item", columns="participant", values="rating").to_numpy(float)
        try:
            half = split_half(table, splits=splits, replicates=replicates, seed=seed, level=1 - alpha)
            estimates.append(_estimate(name, "split half, Spearman-Brown", half, once))
            said.append(_sentence(who, half))
            drawn.append(figures.Row(who.strip("“”"), [], [], half.estimate, half.low, half.high, reference=0.0))
        except UndefinedError as error:
            problem = str(error).rstrip(".")
            said.append(
                (f"How repeatable items’ means are with {who} cannot be said", f"{problem[0].lower()}{problem[1:]}")
            )
        try:
            share = variance_share(once[["participant", "item", "rating"]])
            estimates.append(_estimate(name, "ICC(2,1)", share, once))
            notes += [f"ICC(2,1) of {who}: {note}" for note in share.notes]
        except UndefinedError as error:
            notes.append(f"ICC(2,1) of {who} is undefined: {error}")
    everything = answers.responses
    again = everything[(everything["phase"] == "repeat") & everything["task"].isin(rows["task"])]
    again = again[again["item"].notna() & again[value].notna()].assign(rating=lambda kept: kept[value].astype(float))
    same, repeated = _repeated(pd.concat([rows, again]), value, alpha, seed)
    return Finding(
        analysis="reliability",
        title="How repeatable the answers are",
        estimates=(*estimates, *same),
        tests=(),
        sentence=" ".join([*(f"{claim}: {numbers}." for claim, numbers in said), repeated]).strip(),
        answer=" ".join(f"{claim}." for claim, _ in said),
        table=pd.DataFrame(
            [
                {
                    "condition": "all answers" if one.condition is None else labels[one.condition],
                    "coefficient": str(one.term),
                    "participants": str(one.participants),
                    "answers": str(one.responses),
                    "estimate": one.shown,
                    "interval": "none" if one.low is None else f"[{_shown(one.low)}, {_shown(one.high)}]",
                }
                for one in (*estimates, *same)
            ]
        ),
        figure=figures.points_and_means(
            drawn,
            spanning([0.0, 1.0, *(row.low for row in drawn)], "reliability of items’ means", lambda x: rounded(x, 1)),
            title="Reliability of items’ means by condition",
            interval=f"split half, {100 - 100 * alpha:g} % bootstrap over items",
            reference="chance",
            watermark="simulated participants" if answers.is_simulated else "",
        )
        if drawn
        else "",
        method=(
            f"Items’ {'shares of right answers' if value == 'correct' else 'mean ratings'} were correlated between "
            f"random halves of the participants ({splits} splits) and stepped up by the Spearman-Brown formula, with "
            f"percentile intervals of {replicates} samples of items; ICC(2,1) is the share of items in the variance of "
            "one answer, by a linear mixed model."
        ),
        notes=tuple(notes),
    )


def _shown(value: float | None) -> str:
    return without_zero(value, 2)


def _estimate(name: str | None, term: str, found: Reliability, own: pd.DataFrame) -> Estimate:
    return Estimate(
        name,
        term,
        found.estimate,
        found.low,
        found.high,
        found.interval or "none",
        _shown(found.estimate),
        own["participant"].nunique(),
        len(own),
    )


def _sentence(who: str, found: Reliability) -> tuple[str, str]:
    """What is claimed, and the numbers for it."""
    numbers = f"split half {_shown(found.estimate)}"
    if found.low is not None:
        numbers += f", {found.interval} [{_shown(found.low)}, {_shown(found.high)}]"
    if found.low is not None and found.low <= 0:
        return f"With {who} other people may well order the items differently", numbers
    degree = (
        "much the same" if found.estimate >= 0.8 else "roughly the same" if found.estimate >= 0.5 else "hardly the same"
    )
    return f"With {who} as many other people would order the items {degree} way", numbers


def _repeated(rows: pd.DataFrame, value: str, alpha: float, seed: int) -> tuple[list[Estimate], str]:
    """What the answers to trials that a participant got twice say; nothing where none was repeated."""
    key = ["participant", "item", "condition"]
    order = [column for column in ("position", "attempt") if column in rows]
    twice = rows.sort_values(order, kind="stable").groupby(key, dropna=False)["rating"]
    pairs = twice.agg(["first", "size", _second])
    pairs = pairs[pairs["size"] > 1]
    if pairs.empty:
        return [], ""
    measurement: Measurement = "ordinal" if value == "rating" else "nominal"
    people = pairs.index.get_level_values("participant").nunique()
    first, second = pairs["first"].to_numpy(float), pairs["_second"].to_numpy(float)
    share = float((first == second).mean())
    estimates = [
        Estimate(
            None,
            "repeated trials answered alike",
            share,
            None,
            None,
            "none",
            f"{percent(share, 0)}%",
            people,
            len(pairs),
        )
    ]
    sentence = f"Of {len(pairs)} repeated trials people answered {percent(share, 0)}% as before"
    try:
        found = self_consistency(first, second, measurement)[1]
    except UndefinedError as error:
        problem = str(error).rstrip(".")
        return estimates, f"{sentence}; beyond that nothing can be said: {problem[0].lower()}{problem[1:]}."
    estimates.append(
        Estimate(
            None,
            "repeated trials, alpha",
            found.estimate,
            None,
            None,
            "none",
            _shown(found.estimate),
            people,
            len(pairs),
        )
    )
    return estimates, f"{sentence} (alpha {_shown(found.estimate)})."


def _second(given: "pd.Series[float]") -> float:
    return float(given.iloc[1]) if len(given) > 1 else float("nan")
