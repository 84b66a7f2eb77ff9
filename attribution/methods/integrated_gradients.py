"""Integrated gradients.

Sundararajan, Taly & Yan 2017, https://arxiv.org/abs/1703.01365: the gradient averaged along the straight path from a
named baseline, times the way; Gauss-Legendre steps. The pixels add up to S(x) - S(baseline), but for the integration
error, which the notes tell (``completeness_gap``).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attribution.fills import filled
from attribution.methods import Attributed
from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.scores import chunked, gradients, scores
from attribution.targets import Target

VERSION = 1
PASSES = "GRADIENT * steps + 2"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    steps: int = 32,
    baseline: str = "mean",
    reduction: str = "sum",
) -> Tensor | Attributed:
    """Signed maps (N, 1, H, W), or (N, 3, H, W) for ``signed``; ``steps`` forward and backward passes."""
    if steps < 1:
        raise ValueError("Integrated gradients need at least one step.")
    places, weights = np.polynomial.legendre.leggauss(steps)  # on [-1, 1]
    alphas = images.new_tensor((places + 1) / 2)
    shares = images.new_tensor(weights / 2)
    start = filled(network, images, baseline)
    total = torch.zeros_like(images)

    def along(part: slice) -> Tensor:
        pairs = torch.arange(part.start, part.stop, device=images.device)
        rows, numbers = pairs // steps, pairs % steps
        alpha = alphas[numbers].view(-1, 1, 1, 1)
        points = start[rows] + alpha * (images[rows] - start[rows])
        _, derivatives = gradients(network, points, [targets[row] for row in rows.tolist()])
        total.index_add_(0, rows, derivatives * shares[numbers].view(-1, 1, 1, 1))
        return images.new_zeros(0)

    chunked(network, along, len(images) * steps)
    shared = total * (images - start)
    with torch.no_grad():
        high = chunked(network, lambda part: scores(network, images[part], targets[part]), len(images))
        low = chunked(network, lambda part: scores(network, start[part], targets[part]), len(images))
    gaps = (shared.flatten(1).sum(1) - (high - low)).tolist()
    notes = [
        {"completeness_gap": gap, "score_difference": difference}
        for gap, difference in zip(gaps, (high - low).tolist(), strict=True)
    ]
    return Attributed(reduce_colours(shared, reduction), notes)
