"""Gradient.

Simonyan, Vedaldi & Zisserman 2013, https://arxiv.org/abs/1312.6034, section 3: the derivative of the scalar in the
image; the paper takes the largest absolute value over the colours (``max_abs``). ``signed`` keeps the three colours.
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.scores import chunked, gradients
from attribution.targets import Target

VERSION = 1


def attribute(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, reduction: str = "max_abs"
) -> Tensor:
    """Maps (N, 1, H, W), or (N, 3, H, W) for ``signed``; one forward and one backward pass."""
    return chunked(
        network,
        lambda part: reduce_colours(gradients(network, images[part], targets[part])[1], reduction),
        len(images),
    )
