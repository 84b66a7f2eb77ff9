"""Edges.

A control that asks no network: where the image's brightness changes (Sobel & Feldman 1968). Adebayo et al. 2018,
https://arxiv.org/abs/1810.03292, found several methods' maps to look like it.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from attribution.networks import Network
from attribution.targets import Target

VERSION = 1
PASSES = "0"


def attribute(network: Network, images: Tensor, targets: Sequence[Target], *, seed: int) -> Tensor:
    """Maps (N, 1, H, W): the length of the Sobel gradient of the luminance (Rec. 709), borders repeated."""
    weights = images.new_tensor([0.2126, 0.7152, 0.0722]).view(1, 3, 1, 1)
    luminance = functional.pad((images * weights).sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    across = images.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
    kernels = across.new_empty(2, 1, 3, 3)
    kernels[0, 0], kernels[1, 0] = across, across.T
    return functional.conv2d(luminance, kernels).square().sum(1, keepdim=True).sqrt()
