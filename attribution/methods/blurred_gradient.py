"""Blurred gradient.

A control: the gradient's map (Simonyan et al. 2013, https://arxiv.org/abs/1312.6034) made as smooth as other methods'
maps are, so that a study can tell what smoothness alone does for people.
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.scores import chunked, gradients
from attribution.smoothing import blurred
from attribution.targets import Target

VERSION = 1


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    deviation: float = 0.03,
    reduction: str = "max_abs",
) -> Tensor:
    """Maps (N, 1, H, W) blurred after the reduction; ``deviation`` of the Gaussian as a share of the shorter side."""
    pixels = deviation * min(images.shape[-2:])

    def work(part: slice) -> Tensor:
        return blurred(reduce_colours(gradients(network, images[part], targets[part])[1], reduction), pixels)

    return chunked(network, work, len(images))
