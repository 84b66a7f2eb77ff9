"""Gradient x input.

Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713: the derivative times what the image adds to a named baseline:
the share of each pixel in the linear model S_c(baseline) + g.(x - baseline).
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.fills import filled
from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.scores import chunked, gradients
from attribution.targets import Target

VERSION = 1


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    baseline: str = "black",
    reduction: str = "sum",
) -> Tensor:
    """Signed maps (N, 1, H, W), or (N, 3, H, W) for ``signed``; one forward and one backward pass."""

    def work(part: slice) -> Tensor:
        some = images[part]
        difference = some - filled(network, some, baseline)
        return reduce_colours(gradients(network, some, targets[part])[1] * difference, reduction)

    return chunked(network, work, len(images))
