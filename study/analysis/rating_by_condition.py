"""How high do people rate each condition?

Means with named intervals; differences by two-way clustered t (Cameron, Gelbach & Miller 2011,
doi 10.1198/jbes.2010.07136) with Holm's correction. A rating has no truth: it is plausibility, not performance.
"""

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Finding
from study.analysis._by_condition import (
    Compared,
    as_test,
    compare,
    comparison_columns,
    conclusion,
    contrast_estimate,
    mean_estimate,
)
from study.analysis._sentences import Wording, limits
from study.statistics.rounding import rounded

VERSION = 1


def analyse(
    answers: Answers,
    *,
    task: str = "",
    control: str = "",
    interval: str = "two_way_95",
    decimals: int = 2,
    rounding: str = "half_even",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """The mean rating under each condition, against the control or, without one, in all pairs."""
    rows = answers.main_rows("rating", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase holds a rating.")
    rows = rows.assign(rating=rows["rating"].astype(float))
    scale = _scale(rows)
    low, high = scale or _range(rows["rating"])
    on_scale = f" on the scale from {low:g} to {high:g}" if scale else ""

    def number(value: float | None) -> str:
        return rounded(value, decimals, rounding)

    wording = Wording(
        more="gave higher ratings",
        less="gave lower ratings",
        most="gave the highest ratings",
        least="the lowest",
        mean=number,
        plain=lambda value: f"{rounded(value, 1)}{on_scale}",
        number=number,
        unit="points",
    )
    found = compare(answers, rows, "rating", control=control, interval=interval, alpha=alpha, seed=seed)
    if found.contrasts:
        sentence, answer = conclusion(found, wording, alpha)
    else:
        mean = found.means[0]
        within = limits(mean.interval.low, mean.interval.high, number)
        told = f"{mean.interval.name} {within}" if not mean.interval.problem else f"{mean.interval.problem}"
        sentence = f"The mean rating is {mean_estimate(mean, wording).shown}{on_scale}; {told}."
        answer = f"People’s mean rating was {wording.plain(mean.interval.estimate)}."
    level = f"{100 - 100 * alpha:g} %"
    return Finding(
        analysis="rating_by_condition",
        title="How people rated it",
        estimates=(
            *(mean_estimate(mean, wording) for mean in found.means),
            *(contrast_estimate(one, f"{level} two-way t", wording) for one in found.all_contrasts),
        ),
        tests=tuple(
            as_test(f"{one.first} − {one.second}", one.test, one.p_adjusted if one.test else None)
            for one in found.all_contrasts
        ),
        sentence=found.scoped(sentence),
        answer=found.scoped(answer),
        table=_table(found, wording),
        figure=figures.points_and_means(
            found.figure_rows,
            figures.scale_axis(low, high, "rating"),
            title="Ratings by condition: participants, items and means",
            interval=found.means[0].interval.name,
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            f"Ratings{f' ({low:g} to {high:g})' if scale else ''} were averaged; differences between conditions were "
            "tested by t with two-way clustered variances (participants and items; Cameron, Gelbach & Miller, 2011), "
            f"two-sided, corrected by Holm’s method; alpha = {alpha:g}. Intervals of means are "
            f"{found.means[0].interval.name}; those of differences {level} two-way t."
        ),
        notes=(found.mismatch,) if found.mismatch else (),
    )


def _scale(rows: pd.DataFrame) -> tuple[float, float] | None:
    """The ends of the one scale that all ratings share; None where none is declared, as an import may leave it."""
    ends = rows[["scale_low", "scale_high"]].astype(float).drop_duplicates()
    if len(ends) > 1:
        scales = ", ".join(f"{low:g} to {high:g}" for low, high in ends.itertuples(index=False))
        raise AnalysisError(f"The ratings are on several scales ({scales}), so they have no common mean.")
    low, high = ends.iloc[0]
    return (float(low), float(high)) if low < high else None


def _range(ratings: "pd.Series[float]") -> tuple[float, float]:
    """Between what the ratings lie, for the figure."""
    low, high = float(ratings.min()), float(ratings.max())
    return (low, high) if low < high else (low - 1, high + 1)


def _table(found: Compared, wording: Wording) -> pd.DataFrame:
    columns = {
        "condition": [found.label(mean.condition) for mean in found.means],
        "participants": [str(mean.participants) for mean in found.means],
        "items": [str(mean.items) for mean in found.means],
        "ratings": [str(mean.responses) for mean in found.means],
        "mean": [mean_estimate(mean, wording).shown for mean in found.means],
        found.means[0].interval.name: [
            limits(mean.interval.low, mean.interval.high, wording.number) for mean in found.means
        ],
    }
    if found.control:
        columns |= comparison_columns(found, wording)
    return pd.DataFrame(columns)
