"""Linearity.

How far around an image the linear model of Simonyan, Vedaldi & Zisserman 2013 (https://arxiv.org/abs/1312.6034,
section 3) holds: S(x+e) against S(x) + g·e for Gaussian e of several sizes, and the size at which R² falls below 0.9.
"""

from collections.abc import Sequence
from math import exp, log

from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, summaries, with_summaries
from attribution.diagnostics._fidelity import explained, perturbed, tangent
from attribution.diagnostics._intervals import ANY, FIT

VERSION = 2


def measure(
    subject: Subject,
    *,
    seed: int,
    deviations: Sequence[float] = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    samples: int = 48,
    threshold: float = 0.9,
) -> list[Row]:
    """A row for each network, image and deviation: ``r2``; then ``radius`` (in [0, 1] units) of each image.

    ``image`` None is the mean over images. ``is_beyond``: R² is above the threshold at every deviation, so that
    ``radius`` is the largest of them; where it is below at every one, ``radius`` is the smallest and ``is_within``.
    """
    images = images_of(subject)
    sizes = sorted(deviations)
    if not sizes or sizes[0] <= 0 or samples < 8:
        raise ValueError("Linearity is measured at deviations above 0 and with at least 8 samples.")
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        targets = answers(network, images)
        values, slopes = tangent(network, images, targets)

        def plane(chosen: Tensor, e: Tensor, values: Tensor = values, slopes: Tensor = slopes) -> Tensor:
            return values[chosen] + (slopes[chosen] * e).flatten(1).sum(1)

        of_image: list[list[float | None]] = [[] for _ in images]
        found: list[Row] = []
        for number, size in enumerate(sizes):
            true, said = perturbed(
                network, images, targets, {"plane": plane}, seed=seed, deviation=size, samples=samples
            )
            for image, r2 in enumerate(explained(true, said["plane"])):
                of_image[image].append(r2)
                found.append(
                    {
                        "network": name,
                        "image": subject.image_names[image],
                        "deviation": size,
                        "r2": r2,
                        "index": targets[image].index,
                        "scalar": targets[image].scalar,
                    }
                )
            told((number + 1) / len(sizes))
        radii: list[Row] = []
        for image, r2s in enumerate(of_image):
            where, is_within, is_beyond = radius(sizes, r2s, threshold)
            radii.append(
                {
                    "network": name,
                    "image": subject.image_names[image],
                    "radius": where,
                    "log_radius": None if where is None else log(where),
                    "is_within": is_within,
                    "is_beyond": is_beyond,
                    "threshold": threshold,
                }
            )
        rows += with_summaries(found, ("network", "deviation"), {"r2": FIT}, seed=seed) + radii
        for row in summaries(radii, ("network", "threshold"), {"log_radius": ANY}, seed=seed):
            for end in ("", "_low", "_high"):  # a geometric mean: radii differ by factors
                value = row.pop(f"log_radius{end}")
                row[f"radius{end}"] = None if value is None else exp(float(value))
            for about in ("_interval", "_images"):
                row[f"radius{about}"] = row.pop(f"log_radius{about}")
            rows.append(row)
    return rows


def radius(sizes: Sequence[float], r2s: Sequence[float | None], threshold: float) -> tuple[float | None, bool, bool]:
    """Where R² first falls below the threshold, straight between sizes on a log scale; is it within, or beyond, all?"""
    if any(r2 is None for r2 in r2s):
        return None, False, False
    known = [float(r2) for r2 in r2s if r2 is not None]
    for place, r2 in enumerate(known):
        if r2 < threshold:
            if place == 0:
                return sizes[0], True, False
            share = (known[place - 1] - threshold) / (known[place - 1] - r2)
            return exp(log(sizes[place - 1]) * (1 - share) + log(sizes[place]) * share), False, False
    return sizes[-1], False, True
