"""Count of instances.

How many separate instances does a visualization show: one goose or many? Places where covering lowers the class score
by at least half of the most are put together where they touch. The count is checked on images whose number of boxes is
known. Whether training images with many instances are the cause is asked by “instances_by_training”.
"""

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, run_of
from attribution.diagnostics._instances import components, evidence, validity
from attribution.diagnostics._intervals import mean_interval
from attribution.networks import Network
from attribution.targets import Target

VERSION = 3


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
    a share ``least`` of the image on. A stored visualization named as a class's number stands in for its ascent.
    """
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        wanted = [index] if index >= 0 else list(range(min(classes, len(network.labels))))
        found: list[Row] = []
        for done, one in enumerate(wanted):
            made = subject.visualizations.get(str(one))
            if made is None:
                made = run_of(subject)(
                    "visualizations",
                    "class_model",
                    network=network,
                    target=Target(index=one),
                    seed=seed,
                    parameters={"steps": steps, "restarts": restarts, "penalty": penalty},
                ).images
            places = evidence(subject, network, made, [one] * len(made), square=square, seed=seed)
            found += [
                {
                    "network": name,
                    "kind": "visualization",
                    "index": one,
                    "label": network.labels[one],
                    "image": f"restart {restart}",
                    "count": components(place, threshold=threshold, least=least),
                }
                for restart, place in enumerate(places)
            ]
            told((done + 1) / (len(wanted) + 1))
        rows += found
        checked = _checked(subject, name, network, square=square, seed=seed, threshold=threshold, least=least)
        rows += checked
        mean, low, high, interval = mean_interval(
            [float(row["count"] or 0) for row in found], seed=seed, over="visualizations"
        )
        counts, boxes = ([float(row[column] or 0) for row in checked] for column in ("count", "boxes"))
        rows.append(
            {
                "network": name,
                "kind": "network",
                "image": None,
                "count": mean,
                "count_low": low,
                "count_high": high,
                "visualizations": len(found),
                "count_interval": interval,
                "validity": validity(counts, boxes),
                "images": len(checked),
            }
        )
    return rows


def _checked(
    subject: Subject, name: str, network: Network, *, square: float, seed: int, threshold: float, least: float
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
    images: Tensor = subject.images[torch.tensor(known, device=subject.images.device)]
    labels = [int(subject.labels[image] or 0) for image in known]
    places = evidence(subject, network, images, labels, square=square, seed=seed)
    return [
        {
            "network": name,
            "kind": "image",
            "index": labels[place],
            "image": subject.image_names[image],
            "count": components(places[place], threshold=threshold, least=least),
            "boxes": len(subject.boxes[image]),
        }
        for place, image in enumerate(known)
    ]
