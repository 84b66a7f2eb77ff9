"""A share of answers under each condition, such as those that count one: means, contrasts, and the words for them."""

from collections.abc import Sequence

import pandas as pd

from study import figures
from study.analysis import Answers, Finding
from study.analysis._by_condition import (
    as_test,
    compare,
    comparison_columns,
    conclusion,
    contrast_estimate,
    mean_estimate,
)
from study.analysis._sentences import Wording, limits
from study.statistics.rounding import percent, rounded


def shares(
    answers: Answers,
    rows: pd.DataFrame,
    value: str,
    *,
    analysis: str,
    title: str,
    did: str,
    axis: str,
    method: str,
    control: str,
    alpha: float,
    seed: int,
    notes: Sequence[str] = (),
) -> Finding:
    """The share of ``rows`` with ``value`` 1, in all words as in “People ``did`` more often with”."""

    def number(fraction: float | None) -> str:
        return percent(fraction, 1)

    wording = Wording(
        more=f"{did} more often",
        less=f"{did} less often",
        most=f"{did} most often",
        least="least often",
        mean=lambda fraction: f"{number(fraction)}%",
        plain=lambda fraction: f"{rounded((fraction or 0) * 100, 0, 'half_up')} of 100 answers",
        number=number,
        unit="percentage points",
    )
    found = compare(answers, rows, value, control=control, interval="two_way_95", alpha=alpha, seed=seed)
    if found.contrasts:
        sentence, answer = conclusion(found, wording, alpha)
    else:
        mean = found.means[0]
        within = limits(mean.interval.low, mean.interval.high, number)
        told = mean.interval.problem or f"{mean.interval.name} {within}"
        sentence = f"People {did} in {number(mean.interval.estimate)}% of the answers; {told}."
        answer = f"People {did} in {wording.plain(mean.interval.estimate)}."
    level = f"{100 - 100 * alpha:g} %"
    columns = {
        "condition": [found.label(mean.condition) for mean in found.means],
        "participants": [str(mean.participants) for mean in found.means],
        "answers": [str(mean.responses) for mean in found.means],
        axis: [f"{mean_estimate(mean, wording).shown}%" if mean.responses else "–" for mean in found.means],
        found.means[0].interval.name: [
            limits(mean.interval.low, mean.interval.high, number) if mean.responses else "–" for mean in found.means
        ],
    }
    if found.control:
        columns |= comparison_columns(found, wording)
    return Finding(
        analysis=analysis,
        title=title,
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
        table=pd.DataFrame(columns),
        figure=figures.points_and_means(
            found.figure_rows,
            figures.percent_axis(axis),
            title=f"{title}: participants, items and means",
            interval=found.means[0].interval.name,
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            f"{method} Differences between conditions were tested by t with two-way clustered variances (participants "
            f"and items; Cameron, Gelbach & Miller, 2011), two-sided, corrected by Holm’s method; alpha = {alpha:g}."
        ),
        notes=tuple(notes),
    )
