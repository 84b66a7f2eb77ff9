"""Do people mark what the map marks?

Regions that people drew, rasterised and added up, against each condition's saliency maps of the same items: overlap,
pointing, AUC, NSS and correlation (Zhang et al. 2018, excitation backprop, for pointing; Bylinskii et al. 2019 for the
rest), between another item's regions (the null) and how well people predict each other (the ceiling).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Condition, Estimate, Finding, SeveralTasksError
from study.analysis._axes import spanning
from study.statistics.crossed_means import UndefinedError
from study.statistics.human_maps import Normalised, auc_judd, correlation, normalise, nss, overlap, pointing
from study.statistics.regions import union
from study.statistics.rounding import percent, rounded

VERSION = 2
METRICS = {"correlation": correlation, "overlap": overlap, "pointing": pointing, "auc": auc_judd, "nss": nss}
SAME = "photo"  # the panels of a screen that shows nothing of the condition
Maps = list[npt.NDArray[Any]]


@dataclass(frozen=True)
class Compared:
    """A condition's maps against people's regions, or the reason why nothing can be said."""

    condition: Condition
    found: Normalised | None
    problem: str
    left_out: int
    participants: int
    answers: int


def analyse(
    answers: Answers,
    *,
    metric: str = "correlation",
    task: str = "",
    radius: float = 0.05,
    splits: int = 50,
    replicates: int = 1000,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """``answers.regions`` as ``study.marked_regions`` makes them; ``answers.maps``: (item, condition) -> map (H, W).

    A point is a disc of ``radius`` picture widths. Regions marked on the photo alone count for every condition.
    """
    if metric not in METRICS:
        raise AnalysisError(f"“{metric}” is no metric of regions; there are: {', '.join(METRICS)}.")
    if answers.regions.empty or not answers.maps:
        raise AnalysisError("There are no regions that people marked, or no maps to hold them against.")
    regions = _of_task(answers.regions, task)
    having = {condition for _, condition in answers.maps}
    options = {"splits": splits, "replicates": replicates, "seed": seed, "level": 1 - alpha}
    compared = [
        _compare(condition, regions, answers.maps, radius, metric, options)
        for condition in answers.conditions
        if condition.name in having
    ]
    if not any(one.answers for one in compared):
        raise AnalysisError("No item has both a map and regions of at least two people.")
    said = [(one, one.found) for one in compared if one.found]
    sentences = [_sentence(one, metric) for one in compared]
    return Finding(
        analysis="regions_against_maps",
        title="Whether people mark what the maps mark" + (f" (task “{task}”)" if task else ""),
        estimates=tuple(estimate for one, found in said for estimate in _estimates(one, found, metric)),
        tests=(),
        sentence=" ".join(f"{claim}: {numbers}." for claim, numbers in sentences),
        answer=" ".join(f"{claim}." for claim, _ in sentences),
        table=pd.DataFrame([_row(one, found, metric) for one, found in said]),
        figure=_figure(said, answers.is_simulated),
        method=(
            f"Maps were compared with the regions that people marked by {metric}, and put between another item’s "
            f"regions (0) and equal halves of the people (1, Spearman-Brown for correlations); the interval is a "
            f"bootstrap over items."
        ),
        notes=tuple(
            f"“{one.condition.label}”: {one.left_out} items with regions of fewer than two people, or without a map, "
            "are left out."
            for one in compared
            if one.left_out
        ),
    )


def _of_task(regions: pd.DataFrame, task: str) -> pd.DataFrame:
    tasks = sorted(map(str, regions["task"].unique()))
    if task and task not in tasks:
        raise AnalysisError(f"No answers of the task “{task}” mark regions; tasks: {', '.join(tasks)}.")
    if not task and len(tasks) > 1:
        raise SeveralTasksError("marked region", tasks)
    return regions[regions["task"] == (task or tasks[0])]


def _compare(
    condition: Condition,
    regions: pd.DataFrame,
    maps: Mapping[tuple[str, str], Any],
    radius: float,
    metric: str,
    options: Mapping[str, Any],
) -> Compared:
    own = regions[(regions["condition"] == condition.name) | (regions["panels"] == SAME)]
    saliency: Maps = []
    people: Maps = []
    kept, left_out = [], 0
    for item, marked in own.groupby("item"):
        if (item, condition.name) not in maps or marked["participant"].nunique() < 2:
            left_out += 1
            continue
        shown = np.asarray(maps[str(item), condition.name], dtype=np.float64)
        saliency.append(shown)
        people.append(np.stack([drawn(rows, shown.shape, radius) for _, rows in marked.groupby("participant")]))
        kept.append(marked)
    rows = pd.concat(kept) if kept else own.iloc[:0]
    number = rows["participant"].nunique()
    answered = len(rows[["participant", "position", "attempt"]].drop_duplicates())
    found, problem = None, "no item has both a map and regions of at least two people"
    if kept:
        try:
            found = normalise(saliency, people, METRICS[metric], **options)
        except UndefinedError as error:
            problem = str(error).rstrip(".")
            problem = f"{problem[:1].lower()}{problem[1:]}"
    return Compared(condition, found, problem, left_out, number, answered)


def drawn(marked: pd.DataFrame, shape: tuple[int, ...], radius: float) -> npt.NDArray[np.bool_]:
    """What one participant's regions on one picture cover: (H, W)."""
    kind = str(marked["kind"].iloc[0])
    width = float(marked["width"].iloc[0]) if kind == "brush" else 2 * radius
    return union(kind, list(marked["points"]), shape, width)


def _estimates(one: Compared, found: Normalised, metric: str) -> list[Estimate]:
    name, counted = one.condition.name, (one.participants, one.answers)
    values = ((metric, found.score), ("null", found.null), ("ceiling", found.ceiling))
    plain = [Estimate(name, term, value, None, None, "none", rounded(value, 2), *counted) for term, value in values]
    term, shown = "share of the way from null to ceiling", f"{percent(found.share, 0)}%"
    return [*plain, Estimate(name, term, found.share, found.low, found.high, found.interval, shown, *counted)]


def _row(one: Compared, found: Normalised, metric: str) -> dict[str, str]:
    return {
        "maps": one.condition.label,
        "items": str(found.images),
        metric: rounded(found.score, 2),
        "another item’s regions": rounded(found.null, 2),
        "other people": rounded(found.ceiling, 2),
        "share of the way": f"{percent(found.share, 0)}% [{percent(found.low, 0)}, {percent(found.high, 0)}]",
    }


def _figure(said: list[tuple[Compared, Normalised]], is_simulated: bool) -> str:
    if not said:
        return ""
    limits = [limit for _, found in said for limit in (found.low, found.high)]
    return figures.points_and_means(
        [figures.Row(one.condition.label, [], [], f.share, f.low, f.high, reference=0.0) for one, f in said],
        spanning([0.0, 1.0, *limits], "0: another item’s regions, 1: other people", None),
        title="Maps between another item’s regions and other people’s",
        interval=said[0][1].interval,
        reference="as good as another item’s regions",
        watermark="simulated participants" if is_simulated else "",
    )


def _sentence(one: Compared, metric: str) -> tuple[str, str]:
    """What is claimed, and the numbers for it (or why there are none)."""
    maps, found = f"maps of “{one.condition.label}”", one.found
    if found is None:
        return f"Whether people mark what the {maps} mark cannot be said", one.problem
    numbers = (
        f"{metric} {rounded(found.score, 2)}, another item’s regions {rounded(found.null, 2)}, other people "
        f"{rounded(found.ceiling, 2)}; {percent(found.share, 0)}% of the way, {found.interval} "
        f"[{percent(found.low, 0)}, {percent(found.high, 0)}], {found.images} items"
    )
    how = "better" if found.low > 0 else "worse" if found.high < 0 else "not clearly better"
    return f"M{maps[1:]} mark what people mark {how} than another item’s regions do", numbers
