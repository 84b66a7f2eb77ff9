"""Deconvnet.

Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901, in the form of Simonyan et al. 2013, section 4: back-propagation
but for the ReLU, where what comes back passes if it is positive, whatever the input was. It begins at the target.
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.networks import Network
from attribution.rectifiers import ruled_gradients
from attribution.reductions import reduce_colours
from attribution.scores import chunked
from attribution.targets import Target

VERSION = 1


def attribute(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, reduction: str = "max_abs"
) -> Tensor:
    """Maps (N, 1, H, W), or (N, 3, H, W) for ``signed``; refuses a network without ReLUs."""
    return chunked(
        network,
        lambda part: reduce_colours(ruled_gradients(network, images[part], targets[part], "deconvolution"), reduction),
        len(images),
    )
