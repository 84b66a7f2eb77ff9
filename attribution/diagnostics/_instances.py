"""How many separate places of evidence for a class an image holds, and what a count over networks tells."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from torch import Tensor

from attribution.diagnostics import Subject
from attribution.diagnostics._asking import run_of
from attribution.networks import Network
from attribution.scores import resolved
from attribution.smoothing import blurred
from attribution.targets import Target

EXACT = 20_000  # ways to share out the networks, up to which all are looked at


def evidence(
    subject: Subject, network: Network, images: Tensor, indices: Sequence[int], *, square: float, seed: int
) -> NDArray[np.float64]:
    """(N, H, W): by how much covering lowers each image's class score, smoothed; never below 0."""
    targets = resolved(network, images, [Target(index=index) for index in indices])
    parameters = {"square": square, "stride": square / 2}
    maps = run_of(subject)(
        "methods", "occlusion", network=network, images=images, targets=targets, seed=seed, parameters=parameters
    )
    found: NDArray[np.float64] = blurred(maps.clamp(min=0), square * images.shape[-1] / 4)[:, 0].double().cpu().numpy()
    return found


def components(evidence: NDArray[np.float64], *, threshold: float, least: float) -> int:
    """How many separate places of evidence (H, W) reach ``threshold`` of its maximum and ``least`` of its area."""
    if float(evidence.max()) <= 0:
        return 0
    labelled, count = ndimage.label(evidence >= threshold * evidence.max(), structure=np.ones((3, 3)))
    sizes = np.bincount(labelled.ravel())[1 : count + 1]
    return int((sizes >= least * evidence.size).sum())


def validity(counts: Sequence[float], boxes: Sequence[float]) -> float | None:
    """Spearman's correlation of counts with known numbers; None below five images or where all show as many."""
    if len(counts) < 5 or len(set(boxes)) < 2:
        return None
    if len(set(counts)) < 2:
        return 0.0
    return float(stats.spearmanr(counts, boxes).statistic)


def t_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Mean and 95 % t limits; no limits of a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, None, None
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
    return mean, mean - half, mean + half


def welch(one: Sequence[float], many: Sequence[float]) -> tuple[float, float, float, float]:
    """The difference of means, many less one, its 95 % limits and two-sided p (Welch 1947)."""
    difference = float(np.mean(many) - np.mean(one))
    shares = [float(np.var(values, ddof=1)) / len(values) for values in (one, many)]
    if sum(shares) < 1e-12:
        return difference, difference, difference, float(difference == 0)
    freedom = sum(shares) ** 2 / sum(s**2 / (len(v) - 1) for s, v in zip(shares, (one, many), strict=True))
    error = sum(shares) ** 0.5
    half = float(stats.t.ppf(0.975, freedom)) * error
    p = 2 * float(stats.t.sf(abs(difference) / error, freedom))
    return difference, difference - half, difference + half, p


def permutation(one: Sequence[float], many: Sequence[float], *, seed: int = 0) -> float:
    """The two-sided p of the difference of means over all ways to share out the networks, or 20,000 drawn ones."""
    pooled = np.asarray([*one, *many], dtype=float)
    seen = abs(np.mean(many) - np.mean(one)) - 1e-12
    count, first = len(pooled), len(one)
    ways = list(itertools.islice(itertools.combinations(range(count), first), EXACT + 1))
    is_exact = len(ways) <= EXACT
    if not is_exact:
        rng = np.random.default_rng(seed)
        ways = [tuple(rng.permutation(count)[:first]) for _ in range(EXACT)]
    means = pooled[np.asarray(ways)].mean(axis=1)
    rest = (pooled.sum() - means * first) / (count - first)
    hits = int((np.abs(rest - means) >= seen).sum())
    return hits / len(ways) if is_exact else (hits + 1) / (len(ways) + 1)
