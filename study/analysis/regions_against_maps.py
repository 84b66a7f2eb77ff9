"""Do people mark what the map marks?

Regions that people drew, rasterised and added up, against the saliency maps of the same items: overlap, pointing and
correlation (Zhang et al. 2018, excitation backprop, for pointing; Bylinskii et al. 2019 for the rest), between another
item's regions (the null) and how well people predict each other (the ceiling).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from study import figures
from study.analysis import AnalysisError, Answers, Estimate, Finding
from study.analysis._axes import spanning
from study.statistics.crossed_means import UndefinedError
from study.statistics.human_maps import Normalised, correlation, normalise, overlap, pointing
from study.statistics.rounding import percent, rounded

VERSION = 1
METRICS = {"correlation": correlation, "overlap": overlap, "pointing": pointing}
Map = npt.NDArray[np.float64]


def analyse(
    answers: Answers,
    *,
    metric: str = "correlation",
    radius: float = 0.05,
    splits: int = 50,
    replicates: int = 1000,
    alpha: float = 0.05,
    seed: int = 0,
) -> Finding:
    """``answers.regions`` has participant, item, kind (point, box or polygon) and points ([[x, y], ...], fractions of
    the width and height); ``answers.maps`` has each item's map (H, W). A point is a disc of ``radius``."""
    if metric not in METRICS:
        raise AnalysisError(f"“{metric}” is no metric of regions; there are: {', '.join(METRICS)}.")
    if answers.regions.empty or not answers.maps:
        raise AnalysisError("There are no regions that people marked, or no maps to hold them against.")
    saliency, people, left_out = _pairs(answers.regions, answers.maps, radius)
    notes = [f"{left_out} items with regions of fewer than two people, or without a map, are left out."] * bool(
        left_out
    )
    try:
        found = normalise(
            saliency, people, METRICS[metric], splits=splits, replicates=replicates, seed=seed, level=1 - alpha
        )
    except UndefinedError as error:
        problem = str(error).rstrip(".")
        said = f"Whether people mark what the maps mark cannot be said: {problem[:1].lower()}{problem[1:]}."
        return Finding("regions_against_maps", _TITLE, (), (), sentence=said, answer=said, notes=tuple(notes))
    number = answers.regions["participant"].nunique()
    estimates = [
        Estimate(None, term, value, None, None, "none", rounded(value, 2), number, len(answers.regions))
        for term, value in ((metric, found.score), ("null", found.null), ("ceiling", found.ceiling))
    ]
    share = Estimate(
        None, "share of the way from null to ceiling", found.share, found.low, found.high, found.interval,
        f"{percent(found.share, 0)}%", number, len(answers.regions),
    )  # fmt: skip
    row = figures.Row("Maps", [], [], found.share, found.low, found.high, reference=0.0)
    return Finding(
        analysis="regions_against_maps",
        title=_TITLE,
        estimates=(*estimates, share),
        tests=(),
        sentence=_sentence(metric, found),
        answer=_sentence(metric, found).split(":")[0] + ".",
        table=pd.DataFrame(
            {
                "metric": [metric],
                "items": [str(found.images)],
                "maps": [rounded(found.score, 2)],
                "another item’s regions": [rounded(found.null, 2)],
                "other people": [rounded(found.ceiling, 2)],
                "share of the way": [f"{share.shown} [{percent(found.low, 0)}, {percent(found.high, 0)}]"],
            }
        ),
        figure=figures.points_and_means(
            [row],
            spanning([0.0, 1.0, found.low, found.high], "0: another item’s regions, 1: other people", None),
            title="Maps between another item’s regions and other people’s",
            interval=found.interval,
            reference="as good as another item’s regions",
            watermark="simulated participants" if answers.is_simulated else "",
        ),
        method=(
            f"Maps were compared with the regions that people marked by {metric}, and put between another item’s "
            f"regions (0) and equal halves of the people (1, Spearman-Brown); interval: {found.interval}."
        ),
        notes=tuple(notes),
    )


_TITLE = "Whether people mark what the maps mark"


def _sentence(metric: str, found: Normalised) -> str:
    numbers = (
        f"{metric} {rounded(found.score, 2)}, another item’s regions {rounded(found.null, 2)}, other people "
        f"{rounded(found.ceiling, 2)}; {percent(found.share, 0)}% of the way, {found.interval} "
        f"[{percent(found.low, 0)}, {percent(found.high, 0)}], {found.images} items"
    )
    if found.low > 0:
        return f"Maps mark what people mark better than another item’s regions do: {numbers}."
    if found.high < 0:
        return f"Maps mark what people mark worse than another item’s regions do: {numbers}."
    return f"Maps mark what people mark not clearly better than another item’s regions do: {numbers}."


def _pairs(regions: pd.DataFrame, maps: Mapping[str, Any], radius: float) -> tuple[list[Map], list[Map], int]:
    """Each item's map (H, W) and its people's regions (people, H, W), and how many items lack either."""
    saliency, people, left_out = [], [], 0
    for item, own in regions.groupby("item"):
        if item not in maps or own["participant"].nunique() < 2:
            left_out += 1
            continue
        shown = np.asarray(maps[str(item)], dtype=np.float64)
        drawn = [
            np.max(
                [
                    region(str(kind), points, shown.shape, radius)
                    for kind, points in zip(his["kind"], his["points"], strict=True)
                ],
                axis=0,
            )
            for _, his in own.groupby("participant")
        ]
        saliency.append(shown)
        people.append(np.stack(drawn))
    if not saliency:
        raise AnalysisError("No item has both a map and regions of at least two people.")
    return saliency, people, left_out


def region(kind: str, points: Sequence[Sequence[float]], shape: tuple[int, ...], radius: float) -> Map:
    """What a region covers, (H, W) of 0 and 1, at the pixels' centres."""
    height, width = shape
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    corners = np.asarray(points, dtype=np.float64)
    if kind == "point":
        (cx, cy), *_ = corners
        return np.asarray((x - cx) ** 2 + (y - cy) ** 2 <= radius**2, dtype=np.float64)
    if kind == "box":
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return np.asarray((x >= left) & (x <= right) & (y >= top) & (y <= bottom), dtype=np.float64)
    if kind == "polygon" and len(corners) >= 3:
        inside = np.zeros(shape, dtype=bool)
        for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            if y1 != y2:
                # Even-odd rule: a side flips the pixels whose ray to the right crosses it.
                inside ^= ((y < y1) != (y < y2)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
        return inside.astype(np.float64)
    raise AnalysisError(f"A region is a point, a box or a polygon of three corners or more, not “{kind}”.")
