"""Saliency maps against what people marked or looked at: overlap, pointing, AUC-Judd, NSS, correlation.

Definitions as Bylinskii, Judd, Oliva, Torralba & Durand 2019 (What do different evaluation metrics tell us about
saliency models?); pointing game: Zhang et al. 2018. A score means something only between a null (the human map of
another image: what the photographer's centre bias alone gives) and a ceiling (how well half of the people predict the
other half, stepped up to all): (score - null)/(ceiling - null). Kullback-Leibler divergence has no ceiling to divide by
and is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from study.statistics.bootstrap import checked
from study.statistics.crossed_means import UndefinedError, Values

Metric = Callable[[Values, Values], float]


@dataclass(frozen=True)
class Normalised:
    """Means over images: the score, its null and ceiling, and the share of the way between them with its interval."""

    score: float
    null: float
    ceiling: float
    share: float
    low: float
    high: float
    interval: str
    images: int


def overlap(saliency: npt.ArrayLike, human: npt.ArrayLike) -> float:
    """Intersection over union of people's region (H, W, marked where > 0) and the map's most salient equal area."""
    s, h = _pair(saliency, human)
    marked = h > 0
    size = int(marked.sum())
    if size in (0, marked.size):
        raise UndefinedError("Overlap is undefined: people marked nothing, or everything.")
    order = np.argsort(-s.ravel(), kind="stable")
    # Pixels as salient as the last chosen one count by their share: a map of few values has no order of its own.
    edge = s.ravel()[order[size - 1]]
    chosen = s.ravel() > edge
    level = s.ravel() == edge
    share = (size - chosen.sum()) / level.sum()
    weight = chosen + share * level
    inside = float(weight @ marked.ravel())
    return inside / (2 * size - inside)


def pointing(saliency: npt.ArrayLike, human: npt.ArrayLike, *, tolerance: int = 0) -> float:
    """Whether the most salient pixel lies in people's region, up to ``tolerance`` pixels: 1, 0, or a share at ties."""
    s, h = _pair(saliency, human)
    marked = h > 0
    if not marked.any():
        raise UndefinedError("Pointing is undefined: people marked nothing.")
    rows, columns = np.nonzero(s == s.max())
    inside, outside = np.nonzero(marked)
    distance = (rows[:, None] - inside) ** 2 + (columns[:, None] - outside) ** 2
    return float((distance.min(axis=1) <= tolerance**2).mean())


def auc_judd(saliency: npt.ArrayLike, fixations: npt.ArrayLike) -> float:
    """Area under the curve of the map as a classifier of fixated pixels (H, W, counts), ties counted half."""
    s, f = _pair(saliency, fixations)
    fixated = f.ravel() > 0
    if fixated.all() or not fixated.any():
        raise UndefinedError("AUC is undefined: no pixel was fixated, or every one.")
    _, codes = np.unique(s.ravel(), return_inverse=True)
    positive = np.bincount(codes, fixated)
    negative = np.bincount(codes, ~fixated)
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def nss(saliency: npt.ArrayLike, fixations: npt.ArrayLike) -> float:
    """Mean standardised saliency at fixations (H, W, counts)."""
    s, f = _pair(saliency, fixations)
    if f.sum() <= 0:
        raise UndefinedError("NSS is undefined: no pixel was fixated.")
    return float((f * (s - s.mean())).sum() / f.sum() / _deviation(s))


def correlation(saliency: npt.ArrayLike, human: npt.ArrayLike) -> float:
    """Pearson correlation of two maps (H, W)."""
    s, h = _pair(saliency, human)
    return float(((s - s.mean()) * (h - h.mean())).mean() / _deviation(s) / _deviation(h))


def spearman_brown(half: float) -> float:
    """The correlation expected between the maps of all people, from that between two halves of equal size."""
    return 2 * half / (1 + half) if half > -1 else float("nan")


def split_half_ceiling(maps: npt.ArrayLike, metric: Metric = correlation, *, splits: int = 100, seed: int = 0) -> float:
    """How well the mean map of half of the people predicts the other half's, for maps (people, H, W) of one image.

    Halves are of equal size; of a correlation the mean over splits is stepped up to all people (Spearman-Brown), other
    metrics have no such law and stay as they are. Raises ``UndefinedError`` with fewer than two people.
    """
    people = np.asarray(maps, dtype=np.float64)
    if people.ndim != 3 or len(people) < 2:
        raise UndefinedError("A ceiling needs the maps of at least two people.")
    rng = np.random.default_rng(seed)
    size = len(people) // 2
    orders = np.array([rng.permutation(len(people))[: 2 * size] for _ in range(splits)]).reshape(2 * splits, size)
    weights = np.zeros((2 * splits, len(people)))
    np.put_along_axis(weights, orders, 1 / size, axis=1)
    # All halves by one matrix product: (2 splits, people) of (people, pixels).
    halves = (weights @ people.reshape(len(people), -1)).reshape(2 * splits, *people.shape[1:])
    mean = float(np.mean([metric(first, second) for first, second in zip(halves[::2], halves[1::2], strict=True)]))
    return spearman_brown(mean) if metric is correlation else mean


def normalise(
    saliency: Sequence[npt.ArrayLike],
    people: Sequence[npt.ArrayLike],
    metric: Metric = correlation,
    *,
    splits: int = 100,
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Normalised:
    """(score - null)/(ceiling - null) over images: saliency maps (H, W), and each image's human maps (people, H, W).

    The null of an image is the mean score of the other images' human maps against its own; all maps have one size. Of
    scores, nulls and ceilings the means over images are taken before dividing; the interval is a bootstrap over images.
    Raises ``UndefinedError`` with fewer than two images or where the ceiling is no higher than the null.
    """
    if len(saliency) != len(people) or len(saliency) < 2:
        raise UndefinedError("Normalising needs as many saliency maps as images, and at least two.")
    means = [np.asarray(one, dtype=np.float64).mean(axis=0) for one in people]
    rows = []
    for image, (map_, maps, mean) in enumerate(zip(saliency, people, means, strict=True)):
        others = [metric(other, mean) for place, other in enumerate(means) if place != image]
        ceiling = split_half_ceiling(maps, metric, splits=splits, seed=seed + image)
        rows.append((metric(np.asarray(map_, dtype=np.float64), mean), float(np.mean(others)), ceiling))
    table = np.array(rows)
    score, null, ceiling = (float(value) for value in table.mean(axis=0))
    if not ceiling > null:
        raise UndefinedError(
            f"People predict each other no better ({ceiling:.2f}) than another image's people do ({null:.2f}): "
            "there is no ceiling to measure against."
        )
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), replicates) / len(table)
    drawn = weights @ table
    room = drawn[:, 2] - drawn[:, 1]
    share = np.where(room > 0, (drawn[:, 0] - drawn[:, 1]) / np.where(room > 0, room, 1.0), np.nan)
    estimate = (score - null) / (ceiling - null)
    found = checked(np.array([estimate]), share[:, None], "images")
    (low,), (high,) = found.interval(level)
    return Normalised(score, null, ceiling, estimate, float(low), float(high), found.name(level), len(table))


def _pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Values, Values]:
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != two.shape or one.ndim != 2:
        raise UndefinedError(f"Two maps of one size are needed, not {one.shape} and {two.shape}.")
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise UndefinedError("A map has values that are not finite.")
    return one, two


def _deviation(values: Values) -> float:
    deviation = float(values.std())
    if deviation <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise UndefinedError("A map is flat: it points nowhere.")
    return deviation
