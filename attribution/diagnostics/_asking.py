"""What every diagnostic asks of its subject, and how it sums up over images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attribution.diagnostics import Row, Run, Subject
from attribution.diagnostics._intervals import Kind, mean_interval
from attribution.networks import Network
from attribution.scores import chunked, resolved
from attribution.targets import Target


def images_of(subject: Subject) -> Tensor:
    """The images (N, 3, H, W); raises ValueError where there are none."""
    if subject.images is None or not len(subject.images):
        raise ValueError("This is measured on images; none were given.")
    return subject.images


def run_of(subject: Subject) -> Run:
    """What runs methods and visualizations; raises ValueError where the subject cannot."""
    if subject.run is None:
        raise ValueError("This needs to run methods or visualizations, which this subject cannot.")
    return subject.run


def logits_of(network: Network, images: Tensor) -> Tensor:
    """Logits (N, K) without a gradient."""

    def compute(part: slice) -> Tensor:
        logits: Tensor = network(images[part])
        return logits

    with torch.no_grad():
        return chunked(network, compute, len(images))


def answers(network: Network, images: Tensor) -> list[Target]:
    """The network's own first answer to each image, with the scalar that can be explained."""
    first = logits_of(network, images).argmax(1).tolist()
    return resolved(network, images, [Target(index=index) for index in first])


def each_network(subject: Subject) -> Iterator[tuple[str, Network, Callable[[float], None]]]:
    """Name, network and what its share of the progress is told to."""
    count = len(subject.networks)
    for place, (name, network) in enumerate(subject.networks.items()):

        def told(fraction: float, place: int = place) -> None:
            subject.progress((place + min(fraction, 1.0)) / count)

        yield name, network, told
        told(1.0)


def with_summaries(rows: list[Row], by: Sequence[str], values: Mapping[str, Kind], *, seed: int) -> list[Row]:
    """The rows of single images, then for each group one whose ``image`` is None: see ``summaries``."""
    return rows + summaries(rows, by, values, seed=seed)


def summaries(rows: Sequence[Row], by: Sequence[str], values: Mapping[str, Kind], *, seed: int) -> list[Row]:
    """A row for each group: each value's mean over its images with ``_low``, ``_high``, ``_interval`` and ``_images``.

    ``values`` say of each what it can be; ``_interval`` names the limits, "" where there are none.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in by), []).append(row)
    found: list[Row] = []
    for key, members in groups.items():
        summary: Row = {**dict(zip(by, key, strict=True)), "image": None, "images": len(members)}
        for name, kind in values.items():
            known = [float(value) for row in members if (value := row.get(name)) is not None and np.isfinite(value)]
            mean, low, high, interval = mean_interval(known, seed=seed, kind=kind)
            summary |= {
                name: mean,
                f"{name}_low": low,
                f"{name}_high": high,
                f"{name}_interval": interval,
                f"{name}_images": len(known),
            }
        found.append(summary)
    return found
