"""Centre.

A control that sees neither image nor network: a round blob in the middle, where photographers put their objects. A
pointing game has to beat it (Judd et al. 2009, "Learning to predict where humans look", on the centre's pull).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.targets import Target

VERSION = 1
PASSES = "0"


def attribute(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, deviation: float = 0.25
) -> Tensor:
    """Maps (N, 1, H, W): a Gaussian of ``deviation``, a share of the shorter side, highest at the centre."""
    if deviation <= 0:
        raise ValueError("The blob needs a deviation above 0.")
    height, width = images.shape[-2:]
    spread = deviation * min(height, width)
    rows = torch.arange(height, device=images.device, dtype=images.dtype) - (height - 1) / 2
    columns = torch.arange(width, device=images.device, dtype=images.dtype) - (width - 1) / 2
    blob = (-0.5 * (rows[:, None].square() + columns.square()) / spread**2).exp()
    return blob.expand(len(images), 1, height, width).clone()
