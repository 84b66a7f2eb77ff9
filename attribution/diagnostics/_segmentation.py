"""From a map to a box: seeds, Gaussian mixtures of colours, a minimal cut, the largest component (Simonyan 2013).

The cut is that of Boykov & Jolly 2001: what a pixel costs on either side is its colour's negative log likelihood, what
it costs to part neighbours falls with the difference of their colours.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

Values = NDArray[np.float64]
UNITS = 1000  # capacities are whole numbers
LONGEST = 96  # pixels a side that are cut; larger images are averaged down


def box_of(
    image: Values, saliency: Values, *, foreground: float = 0.95, background: float = 0.3, smoothness: float = 8.0
) -> list[float] | None:
    """[left, top, right, bottom] in pixels of ``image`` (3, H, W) in [0, 1] from its map (H, W); None where it is flat.

    ``foreground`` and ``background`` are quantiles of the map beyond which a pixel is a seed.
    """
    step = -(-max(image.shape[1:]) // LONGEST)
    small, coarse = _averaged(image, step), _averaged(saliency[None], step)[0]
    if float(coarse.max()) <= float(coarse.min()):
        return None
    mask = segment(
        small, coarse > np.quantile(coarse, foreground), coarse < np.quantile(coarse, background), smoothness
    )
    found = largest_box(mask)
    if found is None:
        return None
    height, width = image.shape[1:]
    return [min(side * step, most) for side, most in zip(found, (width, height, width, height), strict=True)]


def segment(
    image: Values, inside: NDArray[np.bool_], outside: NDArray[np.bool_], smoothness: float
) -> NDArray[np.bool_]:
    """The cheapest mask (H, W) of an image (3, H, W) that holds the seeds ``inside`` and leaves those ``outside``."""
    height, width = image.shape[1:]
    colours = image.reshape(3, -1).T  # (P, 3)
    if inside.sum() < 4 or outside.sum() < 4:
        return inside
    cost_in = -log_likelihood(colours, colours[inside.ravel()])
    cost_out = -log_likelihood(colours, colours[outside.ravel()])
    lowest = np.minimum(cost_in, cost_out)
    hard = 20 * smoothness + float(np.abs(cost_in - cost_out).max())
    to_source = np.where(inside.ravel(), hard, np.where(outside.ravel(), 0, cost_out - lowest))
    to_sink = np.where(outside.ravel(), hard, np.where(inside.ravel(), 0, cost_in - lowest))
    number = np.arange(height * width).reshape(height, width)
    ones = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    others = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    apart = ((colours[ones] - colours[others]) ** 2).sum(axis=1)
    between = smoothness * np.exp(-apart / max(2 * float(apart.mean()), 1e-12))
    source, sink, pixels = height * width, height * width + 1, number.ravel()
    starts = np.concatenate([ones, others, np.full(len(pixels), source), pixels])
    ends = np.concatenate([others, ones, pixels, np.full(len(pixels), sink)])
    capacity = np.rint(UNITS * np.concatenate([between, between, to_source, to_sink])).astype(np.int32)
    graph = csr_array(coo_array((capacity, (starts, ends)), shape=(sink + 1, sink + 1)))
    left = graph - maximum_flow(graph, source, sink).flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = breadth_first_order(left, source, return_predecessors=False)
    mask = np.zeros(sink + 1, dtype=bool)
    mask[reached] = True
    return mask[:source].reshape(height, width)


def log_likelihood(colours: Values, samples: Values, *, parts: int = 3, rounds: int = 12) -> Values:
    """Of colours (P, 3) under a Gaussian mixture that is fitted to samples (M, 3) by expectation and maximisation."""
    order = np.argsort(samples.sum(axis=1))
    groups = np.array_split(order, min(parts, len(samples) // 2))
    means = np.stack([samples[group].mean(axis=0) for group in groups])
    covariances = np.stack([np.cov(samples.T) + 1e-3 * np.eye(3) for _ in groups])
    weights = np.full(len(groups), 1 / len(groups))
    for _ in range(rounds):
        joint = _joint(samples, weights, means, covariances)
        shares = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))  # (M, parts)
        total = shares.sum(axis=0) + 1e-9
        weights = total / total.sum()
        means = shares.T @ samples / total[:, None]
        for part in range(len(groups)):
            centred = samples - means[part]
            covariances[part] = (shares[:, part, None] * centred).T @ centred / total[part] + 1e-3 * np.eye(3)
    likelihood: Values = np.logaddexp.reduce(_joint(colours, weights, means, covariances), axis=1)
    return likelihood


def largest_box(mask: NDArray[np.bool_]) -> list[float] | None:
    """[left, top, right, bottom] of the largest connected component of a mask (H, W); None where it is empty."""
    components, count = ndimage.label(mask)
    if not count:
        return None
    largest = 1 + int(np.argmax(np.bincount(components.ravel())[1:]))
    rows, columns = np.nonzero(components == largest)
    return [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)]


def overlap(one: list[float], other: list[float]) -> float:
    """Intersection over union of two boxes."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(across, 0.0) * max(down, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / max(sum(areas) - shared, 1e-12)


def _joint(colours: Values, weights: Values, means: Values, covariances: Values) -> Values:
    columns = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        centred = colours - mean
        distance = np.einsum("pi,ij,pj->p", centred, np.linalg.inv(covariance), centred)
        columns.append(np.log(weight) - 0.5 * (distance + np.linalg.slogdet(2 * np.pi * covariance)[1]))
    return np.stack(columns, axis=1)


def _averaged(values: Values, step: int) -> Values:
    if step == 1:
        return values
    height, width = (length // step * step for length in values.shape[1:])
    parts = values[:, :height, :width].reshape(len(values), height // step, step, width // step, step)
    averaged: Values = parts.mean(axis=(2, 4))
    return averaged
