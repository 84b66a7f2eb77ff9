"""How high do people rate each condition, by a mixed model for ordered categories?

Cumulative logit mixed model (Christensen 2019; Liddell & Kruschke 2018, doi 10.1016/j.jesp.2018.08.009) with random
slopes where the condition varies within the unit; differences of mean ratings are average marginal effects.
"""

from study.analysis import AnalysisError, Answers, Finding
from study.analysis._by_condition import compare
from study.analysis._model_finding import finding
from study.analysis._modelled import modelled
from study.analysis._sentences import Wording
from study.statistics.mixed_models.model import Family
from study.statistics.rounding import rounded

VERSION = 1
MOST_CATEGORIES = 11  # with more, categories are so narrow that a linear model says the same at a hundredth of the time


def analyse(
    answers: Answers,
    *,
    task: str = "",
    control: str = "",
    decimals: int = 2,
    rounding: str = "half_even",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """The difference that a condition makes to the odds of a higher rating, and to the mean rating."""
    rows = answers.main_rows("rating", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase holds a rating.")
    rows = rows.assign(rating=rows["rating"].astype(float))
    if len(rows[["scale_low", "scale_high"]].drop_duplicates()) > 1:
        raise AnalysisError("The ratings are on several scales, so no one model holds for them; name one task.")
    family: Family = "ordinal" if rows["rating"].nunique() <= MOST_CATEGORIES else "gaussian"

    def number(value: float | None) -> str:
        return rounded(value, decimals, rounding)

    wording = Wording(
        more="gave higher ratings",
        less="gave lower ratings",
        most="gave the highest ratings",
        least="the lowest",
        mean=number,
        plain=lambda value: f"a mean of {rounded(value, 1)}",
        number=number,
        unit="points",
        interval="t (delta method)",
    )
    observed = compare(answers, rows, "rating", control=control, interval="two_way_95", alpha=alpha, seed=seed)
    found = modelled(observed, rows, "rating", family=family, alpha=alpha)
    kind, scale = {
        "ordinal": ("cumulative logit mixed model", "log-odds of a higher rating"),
        "gaussian": ("linear mixed model", "points"),
    }[family]
    return finding(
        answers,
        found,
        wording,
        analysis="rating_model",
        title="How people rated it, by a mixed model",
        link=scale if family == "ordinal" else "coefficient",
        tick=None,
        method=(
            f"For each comparison a {kind} with random intercepts of participants and items, and random slopes of the "
            "condition over those within which it varies, was fitted to the ratings under its two conditions "
            f"(restricted likelihood). The {scale} were tested by t with the degrees of freedom of the unit that "
            f"varies, two-sided, corrected by Holm’s method (alpha = {alpha:g}); differences in points are average "
            "marginal effects, with intervals by the delta method. Means beside the conditions are the observed ones."
        ),
        alpha=alpha,
    )
