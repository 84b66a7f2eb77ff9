"""Fidelity of the second order.

How much of what a score does under Gaussian changes of an image is told by a constant, by a linear and by a quadratic
model: the Gaussian (Hermite) coefficients c₀ = E S, g = E ∇S, H = E[∇S eᵀ] / s² (Stein's lemma; SmoothHess, Torop et
al. 2023, https://arxiv.org/abs/2306.09618) and the tangent plane at the point, compared on fresh perturbations.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.curvature import agreement, stein
from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, with_summaries
from attribution.diagnostics._fidelity import Model, explained, perturbed, tangent
from attribution.diagnostics._intervals import ALIKE, ANY, FIT
from attribution.smoothing import in_cells

VERSION = 2
MODELS = ("point", "order_0", "order_1", "order_2")


def measure(
    subject: Subject,
    *,
    seed: int,
    deviations: Sequence[float] = (0.05, 0.2),
    grid: int = 6,
    samples: int = 720,
    fresh: int = 256,
) -> list[Row]:
    """A row for each network, image and deviation: R² of each model and ``gain``, order 2 less order 1.

    Noise shifts the cells of a ``grid`` as a whole: of single pixels the estimate would be noise. The Hessian is shrunk
    by how far two halves of the ``samples`` agree (``agreement``). ``image`` None is the mean over images with its
    ``verdict``: "order 2 helps", "order 2 does not help", "too noisy" (the halves of the estimate do not agree) or
    "undecided" (the interval of the gain holds 0).
    """
    images = images_of(subject)
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        targets = answers(network, images)
        values, slopes = tangent(network, images, targets)
        point = in_cells(slopes, grid)
        for number, size in enumerate(deviations):
            found = stein(network, images, targets, seed=seed, samples=samples, deviation=size, grid=grid, full=True)
            if found.hessian is None:
                raise RuntimeError("A full Hessian was asked for and none came.")
            first = (found.gradient[0] + found.gradient[1]) / 2  # (N, 1, g, g)
            second = shrunk(found.hessian)  # (N, d, d)
            # The mean of the scalar comes from draws of its own: neither those of the coefficients nor the fresh ones.
            at_first, _ = perturbed(
                network, images, targets, {}, seed=seed + 1, deviation=size, samples=fresh, grid=grid
            )
            mean = at_first.mean(1).to(images)

            models = _models(values, point, mean, first, second, size)
            true, said = perturbed(
                network, images, targets, models, seed=seed + 2, deviation=size, samples=fresh, grid=grid
            )
            r2 = {model: explained(true, said[model]) for model in MODELS}
            halves = agreement(found.hessian)
            for image in range(len(images)):
                one, two = r2["order_1"][image], r2["order_2"][image]
                rows.append(
                    {
                        "network": name,
                        "image": subject.image_names[image],
                        "deviation": size,
                        "cells": grid**2,
                        **{f"r2_{model}": r2[model][image] for model in MODELS},
                        "gain": None if one is None or two is None else two - one,
                        "agreement": halves[image],
                    }
                )
            told((number + 1) / len(deviations))
    columns = {**{f"r2_{model}": FIT for model in MODELS}, "gain": ANY, "agreement": ALIKE}
    table = with_summaries(rows, ("network", "deviation", "cells"), columns, seed=seed)
    for row in table:
        if row["image"] is None:
            row["verdict"] = verdict(row)
    return table


def _models(
    values: Tensor, point: Tensor, mean: Tensor, first: Tensor, second: Tensor, deviation: float
) -> dict[str, Model]:
    def plane(chosen: Tensor, e: Tensor) -> Tensor:
        return values[chosen] + (point[chosen] * e).flatten(1).sum(1)

    def order_0(chosen: Tensor, e: Tensor) -> Tensor:
        return mean[chosen]

    def order_1(chosen: Tensor, e: Tensor) -> Tensor:
        return mean[chosen] + (first[chosen] * e).flatten(1).sum(1)

    def order_2(chosen: Tensor, e: Tensor) -> Tensor:
        return order_1(chosen, e) + quadratic(second[chosen], e.flatten(1), deviation)

    return {"point": plane, "order_0": order_0, "order_1": order_1, "order_2": order_2}


def shrunk(halves: tuple[Tensor, Tensor]) -> Tensor:
    """The mean (N, d, d) of two halves' estimates, times the share of its square that both halves have in common."""
    mean = (halves[0] + halves[1]) / 2
    common = (halves[0] * halves[1]).flatten(1).sum(1)
    share = (common / mean.square().flatten(1).sum(1).clamp(min=1e-30)).clamp(0, 1)
    return mean * share.view(-1, 1, 1)


def quadratic(hessian: Tensor, e: Tensor, deviation: float) -> Tensor:
    """(eᵀ H e - s² tr H) / 2 of (B, d, d) and (B, d): what the second order adds, 0 on average."""
    trace = hessian.diagonal(dim1=1, dim2=2).sum(1)
    return (torch.einsum("bi,bij,bj->b", e, hessian, e) - deviation**2 * trace) / 2


def verdict(row: Row) -> str:
    """What may be said of order 2, from the gain's interval and the agreement of the halves."""
    gain, low, high, halves = (row.get(name) for name in ("gain", "gain_low", "gain_high", "agreement"))
    if gain is None or halves is None:
        return "undecided"
    if float(halves) < 0.2:
        return "too noisy"
    if low is None or high is None or float(low) <= 0 <= float(high):
        return "undecided"
    return "order 2 helps" if float(low) > 0 else "order 2 does not help"
