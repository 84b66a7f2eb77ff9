"""Count of instances.

How many separate instances does a visualization show: one goose or many? Places where covering lowers the class score
by at least half of the most are put together where they touch. The count is checked on images whose number of boxes is
known. Whether training images with many instances are the cause needs networks trained on one and on many: the network
is the unit of that comparison.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import spearmanr
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, interval, run_of
from attribution.networks import Network
from attribution.scores import resolved
from attribution.smoothing import blurred
from attribution.targets import Target

VERSION = 1


def measure(
    subject: Subject,
    *,
    seed: int,
    index: int = -1,
    classes: int = 4,
    steps: int = 120,
    restarts: int = 2,
    penalty: float = 0.02,
    square: float = 0.143,
    threshold: float = 0.5,
    least: float = 0.004,
) -> list[Row]:
    """Rows of kind "visualization" (network, index, restart) and "image" (with ``boxes``, how many it has): ``count``.

    Then one of kind "network" for each network: the mean count over its visualizations, and Spearman's ``validity``,
    between count and boxes over the images. ``index`` -1 takes the first ``classes`` classes; a component counts from
    a share ``least`` of the image on.
    """
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        wanted = [index] if index >= 0 else list(range(min(classes, len(network.labels))))
        parameters = {"square": square, "stride": square / 2}
        found: list[Row] = []
        for done, one in enumerate(wanted):
            made = run_of(subject)(
                "visualizations",
                "class_model",
                network=network,
                target=Target(index=one),
                seed=seed,
                parameters={"steps": steps, "restarts": restarts, "penalty": penalty},
            ).images
            counts = _counts(subject, network, made, [one] * len(made), parameters, seed, threshold, least)
            found += [
                {
                    "network": name,
                    "kind": "visualization",
                    "index": one,
                    "label": network.labels[one],
                    "image": f"restart {restart}",
                    "count": count,
                }
                for restart, count in enumerate(counts)
            ]
            told((done + 1) / (len(wanted) + 1))
        rows += found
        checked = _checked(subject, name, network, parameters, seed, threshold, least)
        rows += checked
        mean, low, high = interval([float(row["count"] or 0) for row in found], seed=seed)
        rows.append(
            {
                "network": name,
                "kind": "network",
                "image": None,
                "count": mean,
                "count_low": low,
                "count_high": high,
                "visualizations": len(found),
                "interval": "95 % bootstrap over visualizations",
                "validity": _validity(checked),
                "images": len(checked),
            }
        )
    return rows


def components(evidence: NDArray[np.float64], *, threshold: float, least: float) -> int:
    """How many separate places of evidence (H, W) reach ``threshold`` of its maximum and ``least`` of its area."""
    if float(evidence.max()) <= 0:
        return 0
    labelled, count = ndimage.label(evidence >= threshold * evidence.max(), structure=np.ones((3, 3)))
    sizes = np.bincount(labelled.ravel())[1 : count + 1]
    return int((sizes >= least * evidence.size).sum())


def _counts(
    subject: Subject,
    network: Network,
    images: Tensor,
    indices: list[int],
    parameters: dict[str, float],
    seed: int,
    threshold: float,
    least: float,
) -> list[int]:
    targets = resolved(network, images, [Target(index=index) for index in indices])
    maps = run_of(subject)(
        "methods", "occlusion", network=network, images=images, targets=targets, seed=seed, parameters=parameters
    )
    smooth = blurred(maps.clamp(min=0), parameters["square"] * images.shape[-1] / 4)[:, 0].double().cpu().numpy()
    return [components(evidence, threshold=threshold, least=least) for evidence in smooth]


def _checked(
    subject: Subject,
    name: str,
    network: Network,
    parameters: dict[str, float],
    seed: int,
    threshold: float,
    least: float,
) -> list[Row]:
    if subject.images is None:
        return []
    known = [
        image
        for image in range(len(subject.images))
        if image < len(subject.boxes)
        and subject.boxes[image]
        and image < len(subject.labels)
        and subject.labels[image] is not None
    ]
    if not known:
        return []
    images = subject.images[torch.tensor(known, device=subject.images.device)]
    labels = [int(subject.labels[image] or 0) for image in known]
    counts = _counts(subject, network, images, labels, parameters, seed, threshold, least)
    return [
        {
            "network": name,
            "kind": "image",
            "index": labels[place],
            "image": subject.image_names[image],
            "count": counts[place],
            "boxes": len(subject.boxes[image]),
        }
        for place, image in enumerate(known)
    ]


def _validity(rows: list[Row]) -> float | None:
    counts, boxes = ([float(row[column] or 0) for row in rows] for column in ("count", "boxes"))
    if len(rows) < 5 or len(set(boxes)) < 2:
        return None
    if len(set(counts)) < 2:
        return 0.0
    return float(spearmanr(counts, boxes).statistic)
