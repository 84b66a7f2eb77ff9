"""What stands where nothing shall be seen: the named baselines of paths and covers."""

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.smoothing import blurred

FILLS = ("mean", "black", "grey", "white", "blurred")


def filled(network: Network, images: Tensor, fill: str) -> Tensor:
    """Images (N, 3, H, W) of the fill: the network's mean colour, a shade, or the images blurred by a tenth of a side.

    Raises ValueError for another name.
    """
    shades = {"black": 0.0, "grey": 0.5, "white": 1.0}
    if fill == "mean":
        return network.mean.expand_as(images)
    if fill == "blurred":
        return blurred(images, 0.1 * min(images.shape[-2:]))
    if fill not in shades:
        raise ValueError(f"There is no fill “{fill}”; there are: {', '.join(FILLS)}.")
    return torch.full_like(images, shades[fill])
