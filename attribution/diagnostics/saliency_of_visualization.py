"""Saliency map of the visualization.

Where the ascent of S_c(x) - λ|x - x̄|² has come to rest, ∇S_c = 2λ(x - x̄): the saliency map of a class model (Simonyan
et al. 2013, https://arxiv.org/abs/1312.6034) is the class model itself, and does not vanish. How near that comes here,
and how concentrated such a map is beside those of real images.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, logits_of, run_of
from attribution.diagnostics._fidelity import tangent
from attribution.diagnostics._similarity import cosine, gini
from attribution.networks import Network
from attribution.scores import resolved
from attribution.smoothing import noisy_gradients
from attribution.targets import Target

VERSION = 1


def measure(
    subject: Subject,
    *,
    seed: int,
    index: int = -1,
    penalty: float = 0.02,
    steps: int = 300,
    restarts: int = 2,
    deviation: float = 0.02,
    samples: int = 64,
) -> list[Row]:
    """Rows of kind "penalised" and "free" (no penalty), one a restart, and "image", one an image.

    ``cosine`` is that of ∇S with 2λ(x - x̄), ``cosine_smoothed`` that of its Gaussian average, ``gradient_norm`` is
    |∇S| and ``start_norm`` the same at the mean image; ``gini`` tells how concentrated |∇S| is. ``index`` -1 takes
    the network's commonest answer. Neither ascent is clipped: at a border the equation does not hold.
    """
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        chosen = index if index >= 0 else _commonest(network, subject.images)
        target = Target(index=chosen)
        about: Row = {"network": name, "index": chosen, "label": network.labels[chosen]}
        mean = network.mean.expand(1, 3, network.view.size, network.view.size)
        _, at_start = tangent(network, mean, resolved(network, mean, [target]))
        for turn, (kind, weight) in enumerate((("penalised", penalty), ("free", 0.0))):
            found = run_of(subject)(
                "visualizations",
                "class_model",
                network=network,
                target=target,
                seed=seed,
                parameters={"penalty": weight, "steps": steps, "restarts": restarts, "clip": False},
                progress=lambda fraction, turn=turn, told=told: told((turn + fraction) / 3),
            )
            images = found.images
            targets = resolved(network, images, [target] * len(images))
            values, slopes = tangent(network, images, targets)
            smooth = _smoothed(network, images, targets, seed=seed, deviation=deviation, samples=samples)
            away = images - network.mean
            alike, alike_smoothed = cosine(slopes, away).tolist(), cosine(smooth, away).tolist()
            rows += [
                {
                    **about,
                    "kind": kind,
                    "name": str(restart),
                    "penalty": weight,
                    "score": float(values[restart]),
                    "cosine": alike[restart],
                    "cosine_smoothed": alike_smoothed[restart],
                    "distance": float(away[restart].norm()),
                    "gradient_norm": float(slopes[restart].norm()),
                    "start_norm": float(at_start.norm()),
                    "gini": float(gini(slopes[restart : restart + 1])),
                }
                for restart in range(len(images))
            ]
        rows += _of_images(network, subject.images, subject.image_names, about)
    return rows


def _of_images(network: Network, images: Tensor | None, names: Sequence[str], about: Row) -> list[Row]:
    if images is None or not len(images):
        return []
    values, slopes = tangent(network, images, answers(network, images))
    concentrated = gini(slopes).tolist()
    return [
        {
            **about,
            "kind": "image",
            "name": names[image],
            "score": float(values[image]),
            "gradient_norm": float(slopes[image].norm()),
            "gini": concentrated[image],
        }
        for image in range(len(images))
    ]


def _smoothed(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, deviation: float, samples: int
) -> Tensor:
    total = torch.zeros_like(images)

    def add(rows: Tensor, numbers: list[int], e: Tensor, slopes: Tensor) -> None:
        total.index_add_(0, rows, slopes)

    noisy_gradients(network, images, targets, add, seed=seed, samples=samples, deviation=deviation, antithetic=True)
    return total / samples


def _commonest(network: Network, images: Tensor | None) -> int:
    if images is None or not len(images):
        return 0
    return int(logits_of(network, images).argmax(1).mode().values)
