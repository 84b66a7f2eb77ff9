"""SmoothGrad.

Smilkov et al. 2017, https://arxiv.org/abs/1706.03825: the mean of the gradient over Gaussian noise on the image, which
is the gradient of the scalar's Gaussian average (Stein's lemma). The colours are reduced after the mean.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.smoothing import noisy_gradients
from attribution.targets import Target

VERSION = 1
PASSES = "GRADIENT * samples"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    samples: int = 25,
    deviation: float = 0.15,
    reduction: str = "max_abs",
) -> Tensor:
    """Maps (N, 1, H, W), or (N, 3, H, W) for ``signed``; ``deviation`` in units of the image's [0, 1]."""
    total = torch.zeros_like(images)

    def add(rows: Tensor, numbers: list[int], e: Tensor, derivatives: Tensor) -> None:
        total.index_add_(0, rows, derivatives)

    noisy_gradients(network, images, targets, add, seed=seed, samples=samples, deviation=deviation)
    return reduce_colours(total / samples, reduction)
