"""What the lost participants could change at most: worst-case bounds (Horowitz & Manski 2000; Manski 1990).

Nothing is assumed of those who did not finish or were left out, but that their mean lies on the scale.
"""

import pandas as pd

from study.analysis import Answers, Finding
from study.statistics.dropout import worst_case
from study.supplements.primary import primary


def losses(everything: Answers, answers: Answers) -> list[Finding]:
    """One finding for the primary comparisons; none where nobody was lost, or where no scale bounds the answers."""
    made = primary(answers)
    people = everything.participants
    lost = people[people["excluded_by"].notna()]
    if made is None or lost.empty:
        return []
    low, high = 0.0, 1.0
    if made.value == "rating":
        low, high = (float(made.rows[name].astype(float).iloc[0]) for name in ("scale_low", "scale_high"))
    if not low < high:
        return []
    arm_of = dict(zip(people["participant"], people["arm"], strict=True))
    means: dict[str, list[float]] = {}
    gone: dict[str, int] = {}
    for condition, rows in made.rows.groupby("condition", observed=True):
        means[str(condition)] = list(rows.groupby("participant", observed=True)[made.value].mean())
        arms = {arm_of.get(one) for one in rows["participant"].unique()}
        gone[str(condition)] = int(lost["arm"].isin(arms).sum())
    table, surviving = [], []
    for one in made.compared.contrasts:
        if one.difference is None or one.test is None:
            continue
        bounds = worst_case(means[one.first], gone[one.first], means[one.second], gone[one.second], low, high)
        named = f"{made.compared.label(one.first)} − {made.compared.label(one.second)}"
        table.append(
            {
                "comparison": named,
                "lost": f"{gone[one.first]} and {gone[one.second]}",
                f"difference ({made.unit})": made.number(one.difference),
                "worst case": made.number(bounds[0]),
                "best case": made.number(bounds[1]),
            }
        )
        surviving.append(bounds[0] > 0 or bounds[1] < 0)
    if not table:
        return []
    return [
        Finding(
            analysis="losses",
            title="What those who were lost could change",
            estimates=(),
            tests=(),
            sentence=_sentence(surviving),
            table=pd.DataFrame(table),
            method=(
                "Worst-case bounds give all participants who were recruited and not analysed the lowest mean under one "
                "condition and the highest under the other (Horowitz & Manski, 2000)."
            ),
            notes=("Bounds are of the mean over participants, without sampling error.",),
        )
    ]


def _sentence(surviving: list[bool]) -> str:
    if all(surviving):
        return "Whatever the lost participants would have answered, the sign of the difference stays."
    if any(surviving):
        return (
            f"In {sum(surviving)} of {len(surviving)} comparisons the sign of the difference stays, whatever the lost "
            "participants would have answered; in the others they could turn it round."
        )
    return "If the lost participants differed as much as they can, the sign of the difference could be another."
