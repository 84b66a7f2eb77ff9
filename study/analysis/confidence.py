"""Are people surer when they are right?

Calibration by level of confidence (Lichtenstein, Fischhoff & Phillips 1982) and the area under the type-2 operating
characteristic, how well confidence tells right answers from wrong ones (Fleming & Lau 2014,
doi 10.3389/fnhum.2014.00443); interval by resampling participants and items (Owen 2007).
"""

import numpy as np
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.statistics.bootstrap import two_way_bootstrap
from study.statistics.comparisons import NO_ITEM, condition_mean
from study.statistics.crossed_means import UndefinedError
from study.statistics.detection import roc
from study.statistics.rounding import percent, without_zero

VERSION = 1


def analyse(
    answers: Answers,
    *,
    task: str = "",
    replicates: int = 1000,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """Accuracy at each level of confidence, over all and by condition, and the type-2 area of each."""
    if "confidence" not in answers.responses:
        raise AnalysisError("The answers have no column “confidence”: nobody was asked how sure they were.")
    rows = answers.main_rows("correct", task)
    rows = rows[rows["confidence"].notna()]
    if rows.empty:
        raise AnalysisError("No answer of the main phase has both a key and a confidence.")
    rows = rows.assign(
        correct=rows["correct"].astype(float), confidence=rows["confidence"].astype(float),
        item=rows["item"].fillna(NO_ITEM),
    )  # fmt: skip
    labels = {condition.name: condition.label for condition in answers.conditions}
    names = [name for name in labels if (rows["condition"] == name).any()]
    groups: list[tuple[str | None, pd.DataFrame]] = [(None, rows)]
    if len(names) > 1:
        groups += [(name, rows[rows["condition"] == name]) for name in names]
    areas, said = [], []
    for name, own in groups:
        who = "all answers" if name is None else f"“{labels[name]}”"
        area, problem = _area(name, own, replicates, alpha, seed)
        said.append(_sentence(who, area, problem))
        areas += [area] if area else []
    levels = sorted(rows["confidence"].unique())
    means = [
        condition_mean(rows[rows["confidence"] == level], "correct", f"{level:g}", interval="two_way_95")
        for level in levels
    ]
    first = areas[0] if areas and areas[0].condition is None else None
    return Finding(
        analysis="confidence",
        title="Whether people were surer when they were right",
        estimates=(
            *areas,
            *(
                Estimate(
                    None,
                    f"right at confidence {mean.condition}",
                    mean.interval.estimate,
                    mean.interval.low,
                    mean.interval.high,
                    mean.interval.name,
                    f"{percent(mean.interval.estimate, 1)}%",
                    mean.participants,
                    mean.responses,
                )
                for mean in means
            ),
        ),
        tests=(),
        sentence=said[0],
        answer=_plain(first, means[0].interval.estimate, means[-1].interval.estimate, len(levels)),
        table=pd.DataFrame(
            {
                "confidence": [str(mean.condition) for mean in means],
                "answers": [str(mean.responses) for mean in means],
                "right": [f"{percent(mean.interval.estimate, 1)}%" for mean in means],
                means[0].interval.name: [
                    "undefined"
                    if mean.interval.low is None
                    else f"[{percent(mean.interval.low, 1)}, {percent(mean.interval.high, 1)}]"
                    for mean in means
                ],
            }
        ),
        figure=figures.points_and_means(
            [
                figures.Row(
                    f"confidence {mean.condition}", [], [], mean.interval.estimate, mean.interval.low,
                    mean.interval.high, note=f"{mean.responses} answers",
                )
                for mean in means
            ],
            figures.percent_axis("right answers"),
            title="Right answers by confidence",
            interval=means[0].interval.name,
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            "How well confidence tells right from wrong answers is the area under the type-2 receiver operating "
            f"characteristic (.5: not at all), with percentile intervals of {replicates} samples in which participants "
            "and items were drawn with replacement. Levels of confidence are not probabilities, so accuracy is given "
            "at each of them and no calibration error is computed."
        ),
        notes=tuple(said[1:]),
    )  # fmt: skip


def _area(name: str | None, own: pd.DataFrame, replicates: int, alpha: float, seed: int) -> tuple[Estimate | None, str]:
    sure, right = own["confidence"].to_numpy(), own["correct"].to_numpy()
    if len(np.unique(sure)) < 2:
        return None, "everybody was equally sure of every answer"
    if len(np.unique(right)) < 2:
        return None, f"all answers are {'right' if right[0] else 'wrong'}"
    estimate = roc(sure, right).area
    low = high = None
    problem = ""
    try:
        drawn = two_way_bootstrap(
            lambda weights: roc(sure, right, weights).area,
            own["participant"],
            own["item"],
            replicates=replicates,
            seed=seed,
        )
        (low,), (high,) = drawn.interval(1 - alpha)
    except UndefinedError as error:
        problem = str(error).rstrip(".")
    return Estimate(
        name,
        "type-2 area",
        estimate,
        None if low is None else float(low),
        None if high is None else float(high),
        f"{100 - 100 * alpha:g} % two-way bootstrap",
        without_zero(estimate, 2),
        own["participant"].nunique(),
        len(own),
    ), problem


def _sentence(who: str, area: Estimate | None, problem: str) -> str:
    if area is None:
        return f"Whether people are surer when they are right ({who}) cannot be said: {problem}."
    if area.low is None or area.high is None:
        return (
            f"Whether people are surer when they are right ({who}) is not known beyond these answers (type-2 area "
            f"{area.shown}): {problem[:1].lower()}{problem[1:]}."
        )
    numbers = f"type-2 area {area.shown}, {area.interval} [{without_zero(area.low, 2)}, {without_zero(area.high, 2)}]"
    if area.low > 0.5:
        return f"People are surer when they are right ({who}): {numbers}."
    if area.high < 0.5:
        return f"People are surer when they are wrong ({who}): {numbers}."
    return f"People are not clearly surer when they are right ({who}): {numbers}."


def _plain(area: Estimate | None, lowest: float, highest: float, levels: int) -> str:
    if area is None or area.low is None or area.high is None:
        return "Whether people know when they are right cannot be said."
    shares = f"{percent(highest, 0)} of 100 answers were right where people were surest"
    if levels > 1:
        shares += f", {percent(lowest, 0)} of 100 where they were least sure"
    if area.low > 0.5:
        return f"People knew when they were right: {shares}."
    if area.high < 0.5:
        return f"People were surer when they were wrong: {shares}."
    return f"People did not clearly know when they were right: {shares}."
