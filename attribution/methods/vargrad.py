"""VarGrad: curvature.

Adebayo et al. 2018, https://arxiv.org/abs/1810.03307: the variance of the gradient over Gaussian noise on the image. It
leaves the linear part out altogether, so it shows where the scalar bends and not what it answers to.
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
    # Doubles, because a small variance is the difference of two large numbers.
    total, squares = torch.zeros_like(images, dtype=torch.float64), torch.zeros_like(images, dtype=torch.float64)

    def add(rows: Tensor, numbers: list[int], e: Tensor, derivatives: Tensor) -> None:
        total.index_add_(0, rows, derivatives.double())
        squares.index_add_(0, rows, derivatives.double().square())

    noisy_gradients(network, images, targets, add, seed=seed, samples=samples, deviation=deviation)
    variance = (squares / samples - (total / samples).square()).clamp(min=0)
    return reduce_colours(variance.to(images.dtype), reduction)
