"""How often are people right, by a mixed model of participants crossed with items?

Logistic mixed model (Jaeger 2008, doi 10.1016/j.jml.2007.11.007) with random slopes where the condition varies within
the unit (Barr, Levy, Scheepers & Tily 2013, doi 10.1016/j.jml.2012.11.001); average marginal effects in percentage
points (Williams 2012).
"""

from study.analysis import AnalysisError, Answers, Finding
from study.analysis._by_condition import compare
from study.analysis._model_finding import finding
from study.analysis._modelled import modelled
from study.analysis._sentences import Wording
from study.statistics.rounding import percent, rounded

VERSION = 1


def analyse(
    answers: Answers,
    *,
    task: str = "",
    control: str = "",
    decimals: int = 1,
    rounding: str = "half_even",
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """The difference that a condition makes to the odds of a right answer, and in percentage points."""
    rows = answers.main_rows("correct", task)
    if rows.empty:
        raise AnalysisError("No answer of the main phase has a key to be right or wrong by, so there is no accuracy.")
    rows = rows.assign(correct=rows["correct"].astype(float))

    def number(fraction: float | None) -> str:
        return percent(fraction, decimals, rounding)

    wording = Wording(
        more="were right more often",
        less="were right less often",
        most="were right most often",
        least="least often",
        mean=lambda fraction: f"{number(fraction)}%",
        plain=lambda fraction: f"{rounded((fraction or 0) * 100, 0, 'half_up')} of 100 answers",
        number=number,
        unit="percentage points",
        interval="t (delta method)",
    )
    observed = compare(answers, rows, "correct", control=control, interval="two_way_95", alpha=alpha, seed=seed)
    found = modelled(observed, rows, "correct", family="binary", alpha=alpha)
    return finding(
        answers,
        found,
        wording,
        analysis="accuracy_model",
        title="How often people were right, by a mixed model",
        link="log-odds",
        tick=lambda value: percent(value, 0),
        method=(
            "For each comparison a logistic mixed model with random intercepts of participants and items, and random "
            "slopes of the condition over those within which it varies, was fitted to the answers under its two "
            "conditions (Laplace approximation, restricted likelihood). Log-odds were tested by t with the degrees of "
            "freedom of the unit that varies, two-sided, corrected by Holm’s method "
            f"(alpha = {alpha:g}); differences in percentage points are average marginal effects over participants and "
            "items, with intervals by the delta method. Shares beside the conditions are the observed ones."
        ),
        alpha=alpha,
    )
