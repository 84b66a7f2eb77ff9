"""Saturation.

Where the first derivative says little, and why: at the output (the softmax is near 0 or 1, and its derivative fades
while that of the score does not) or inside (ReLUs that are shut). κ = g·(x - x₀) / (S(x) - S(x₀)) is 1 where the score
is a straight line from x₀ to x; it is 1 for every bias-free ReLU network at x₀ = 0, so several x₀ are shown. The
critique of gradients is that of Shrikumar et al. 2017 (https://arxiv.org/abs/1704.02685).
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from attribution.curvature import softmax_products
from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, with_summaries
from attribution.diagnostics._fidelity import tangent
from attribution.diagnostics._intervals import ANY, SHARE, Kind
from attribution.diagnostics._rectified import passing
from attribution.fills import filled
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, scores
from attribution.targets import Target

VERSION = 3
SHARES = ("probability", "shut", "flipped_")


def measure(
    subject: Subject,
    *,
    seed: int,
    starts: Sequence[str] = ("mean", "black", "blurred"),
    deviations: Sequence[float] = (0.01, 0.05, 0.2),
    samples: int = 8,
) -> list[Row]:
    """A row for each network and image; ``image`` None is the mean over images.

    ``probability``, ``margin``, ``ratio`` (the norm of the gradient of p over that of S), ``curvature`` (of log p along
    the gradient of p, over the squared norm of that of S, as far as the softmax makes it: all of it on a ReLU network;
    a second order that fades with the first as p nears 1), ``kappa_START``, ``flipped_S`` (share of ReLU inputs that
    change side under Gaussian noise of deviation S), ``shut`` (share of ReLU inputs below 0); the shares are None
    where the network has no ReLU.
    """
    images = images_of(subject)
    if samples < 1 or any(size <= 0 for size in deviations):
        raise ValueError("Flips are counted with at least one sample and at deviations above 0.")
    rows: list[Row] = []
    values: dict[str, Kind] = {}
    for name, network, told in each_network(subject):
        targets = answers(network, images)
        score, slopes = tangent(network, images, targets)
        probabilities = [replace(target, scalar="probability") for target in targets]
        p, p_slopes = tangent(network, images, probabilities)
        margins = _margins(network, images, targets)
        columns: dict[str, list[float | None]] = {
            "probability": p.tolist(),
            "score": score.tolist(),
            "margin": margins.tolist(),
            "ratio": (_norms(p_slopes) / _norms(slopes)).tolist(),
            "curvature": _curvatures(network, images, slopes, p_slopes).tolist(),
        }
        for start in starts:
            columns[f"kappa_{start}"] = _kappas(network, images, targets, score, slopes, start)
        told(0.3)
        columns |= _flips(network, images, deviations, samples, seed)
        values = {name: SHARE if name.startswith(SHARES) else ANY for name in columns}
        rows += [
            {
                "network": name,
                "image": subject.image_names[image],
                "index": targets[image].index,
                "label": network.labels[targets[image].index or 0],
                "scalar": targets[image].scalar,
                **{column: numbers[image] for column, numbers in columns.items()},
            }
            for image in range(len(images))
        ]
    return with_summaries(rows, ("network",), values, seed=seed)


def _margins(network: Network, images: Tensor, targets: Sequence[Target]) -> Tensor:
    asked = [replace(target, scalar="margin") for target in targets]
    with torch.no_grad():
        return chunked(network, lambda part: scores(network, images[part], asked[part]), len(images))


def _norms(derivatives: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(derivatives.flatten(1), dim=1)
    return norms.clamp(min=1e-15)


def _curvatures(network: Network, images: Tensor, slopes: Tensor, p_slopes: Tensor) -> Tensor:
    along = p_slopes / _norms(p_slopes).view(-1, 1, 1, 1)  # (N, 3, H, W), of length 1, or 0 where p is 1 in rounding
    bent = chunked(network, lambda part: softmax_products(network, images[part], along[part]), len(images))
    return (along * bent).flatten(1).sum(1) / _norms(slopes).square()


def _kappas(
    network: Network, images: Tensor, targets: Sequence[Target], score: Tensor, slopes: Tensor, start: str
) -> list[float | None]:
    from_here = filled(network, images, start)
    with torch.no_grad():
        began = chunked(network, lambda part: scores(network, from_here[part], targets[part]), len(images))
    along = (slopes * (images - from_here)).flatten(1).sum(1)
    risen = score - began
    return [
        float(one) / float(other) if abs(float(other)) > 1e-6 else None for one, other in zip(along, risen, strict=True)
    ]


def _flips(
    network: Network, images: Tensor, deviations: Sequence[float], samples: int, seed: int
) -> dict[str, list[float | None]]:
    columns: dict[str, list[float | None]] = {name: [] for name in ("shut", *(f"flipped_{s:g}" for s in deviations))}
    for image in images:
        at_image = passing(network, image[None])
        draws = torch.randn(samples, *image.shape, generator=generator(seed, image)).to(image.device)
        units = sum(layer.shape[1] for layer in at_image)
        columns["shut"].append(1 - sum(int(layer.sum()) for layer in at_image) / units if units else None)
        for size in deviations:
            changed = 0
            for part in torch.split(draws, network.chunk):
                there = passing(network, image + size * part)
                changed += sum(int((now != then).sum()) for now, then in zip(there, at_image, strict=True))
            columns[f"flipped_{size:g}"].append(changed / (units * samples) if units else None)
    return columns
