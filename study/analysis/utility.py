"""Do pictures help people predict the network, after K examples?

Utility-K of Colin, Fel, Cadène & Serre 2022 (arXiv 2112.04417): accuracy at predicting the network's answers after K
explained examples, against the same without explanation: as ratio and as difference, with their areas over K.
"""

import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.analysis._axes import spanning
from study.statistics.crossed_means import UndefinedError
from study.statistics.rounding import percent, rounded
from study.statistics.utility import Utility, utility

VERSION = 1


def analyse(
    answers: Answers,
    *,
    task: str = "",
    column: str = "k",
    control: str = "",
    replicates: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """Every treatment against ``control`` (the blind control); ``column`` holds how many examples were seen before."""
    rows = answers.main_rows("correct", task)
    if column not in rows or rows[column].isna().all():
        raise AnalysisError(f"The answers do not say how many examples were seen before (no column “{column}”).")
    rows = rows[rows[column].notna()].assign(correct=lambda kept: kept["correct"].astype(float))
    labels = {condition.name: condition.label for condition in answers.conditions}
    control = control or next((c.name for c in answers.conditions if c.role == "blind_control"), "")
    if control not in labels:
        raise AnalysisError("Utility compares with a condition without explanation; name it as the parameter control.")
    treatments = [c.name for c in answers.conditions if c.name != control and c.role == "treatment"]
    said, estimates, table, drawn = [], [], [], []
    for name in treatments:
        both = rows[rows["condition"].isin([name, control])]
        try:
            found = utility(
                list(both["correct"]),
                list(both[column].astype(float)),
                list(both["condition"] == name),
                both["participant"],
                replicates=replicates,
                seed=seed,
                level=1 - alpha,
            )
        except UndefinedError as error:
            problem = str(error).rstrip(".")
            claim = f"How much “{labels[name]}” helps to predict the network cannot be said"
            said.append((claim, f"{problem[:1].lower()}{problem[1:]}"))
            continue
        said.append(_sentence(labels[name], labels[control], found))
        estimates += _estimates(name, control, found, len(both))
        table += _rows(labels[name], found)
        low, high = found.difference_area_interval
        drawn.append(figures.Row(labels[name], [], [], found.difference_area, low, high, reference=0.0))
    if not said:
        raise AnalysisError("There is no treatment beside the condition without explanation.")
    return Finding(
        analysis="utility",
        title="How much pictures help to predict the network",
        estimates=tuple(estimates),
        tests=(),
        sentence=" ".join(f"{claim}: {numbers}." for claim, numbers in said),
        answer=" ".join(f"{claim}." for claim, _ in said),
        table=pd.DataFrame(table),
        figure=figures.points_and_means(
            drawn,
            spanning(
                [0.0, *(x for row in drawn for x in (row.estimate, row.low, row.high))],
                "difference in percentage points, mean over K",
                lambda value: percent(value, 0),
            ),
            title="Accuracy with explanation less accuracy without",
            interval=f"{100 - 100 * alpha:g} % bootstrap over participants",
            reference="no use",
            watermark="simulated participants" if answers.is_simulated else "",
        )
        if drawn
        else "",
        method=(
            "Utility-K is the ratio of the accuracy with to that without explanation after K examples; the difference "
            "stands beside it. Means over K are areas under the line from K to K (trapezoids), so that the first and "
            f"the last K count half. Intervals are percentiles of {replicates} samples of participants within their "
            "arm; the items stay fixed."
        ),
    )


def _sentence(label: str, control: str, found: Utility) -> tuple[str, str]:
    """What is claimed, and the numbers for it."""
    low, high = found.difference_area_interval
    ratio_low, ratio_high = found.ratio_area_interval
    numbers = (
        f"ratio {rounded(found.ratio_area, 2)} [{rounded(ratio_low, 2)}, {rounded(ratio_high, 2)}], difference "
        f"{percent(found.difference_area, 1)} [{percent(low, 1)}, {percent(high, 1)}] percentage points, means over K; "
        f"{found.interval}"
    )
    if low > 0:
        return f"“{label}” helps people to predict the network, compared with “{control}”", numbers
    if high < 0:
        return f"“{label}” keeps people from predicting the network, compared with “{control}”", numbers
    return f"“{label}” does not clearly help people to predict the network, compared with “{control}”", numbers


def _estimates(name: str, control: str, found: Utility, responses: int) -> list[Estimate]:
    def one(term: str, value: float, low: float, high: float, shown: str) -> Estimate:
        return Estimate(
            name, term, float(value), float(low), float(high), found.interval, shown, found.participants, responses
        )

    made = []
    for place, k in enumerate(found.ks):
        ratio, gap = found.ratio[place], found.difference[place]
        made.append(
            one(f"utility at K = {k:g}", ratio, found.ratio_interval[0][place], found.ratio_interval[1][place],
                rounded(ratio, 2))
        )  # fmt: skip
        made.append(
            one(f"difference from {control} at K = {k:g}", gap, found.difference_interval[0][place],
                found.difference_interval[1][place], percent(gap, 1))
        )  # fmt: skip
    made.append(one("utility, mean over K", found.ratio_area, *found.ratio_area_interval, rounded(found.ratio_area, 2)))
    made.append(
        one(f"difference from {control}, mean over K", found.difference_area, *found.difference_area_interval,
            percent(found.difference_area, 1))
    )  # fmt: skip
    return made


def _rows(label: str, found: Utility) -> list[dict[str, str]]:
    return [
        {
            "condition": label,
            "K": f"{k:g}",
            "with explanation": f"{percent(found.with_explanation[place], 1)}%",
            "without": f"{percent(found.without[place], 1)}%",
            "ratio": f"{rounded(found.ratio[place], 2)} [{rounded(found.ratio_interval[0][place], 2)}, "
            f"{rounded(found.ratio_interval[1][place], 2)}]",
            "difference": f"{percent(found.difference[place], 1)} [{percent(found.difference_interval[0][place], 1)}, "
            f"{percent(found.difference_interval[1][place], 1)}]",
        }
        for place, k in enumerate(found.ks)
    ]
