"""Occlusion.

Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901, section 4.2: how much the scalar falls when a square is covered.
A pixel's value is the mean fall over the squares that cover it; square and stride are shares of the shorter side.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.fills import filled
from attribution.networks import Network
from attribution.scores import chunked, scores
from attribution.targets import Target
from attribution.windows import windows

VERSION = 1
PASSES = "squares(square, stride) + 1"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    square: float = 0.143,
    stride: float = 0.0715,
    fill: str = "mean",
) -> Tensor:
    """Signed maps (N, 1, H, W): positive where covering lowers the scalar; one forward pass a window and image."""
    height, width = images.shape[-2:]
    places = windows(height, width, square, stride)
    cover = filled(network, images, fill)

    def covered(part: slice) -> Tensor:
        pairs = [divmod(pair, len(places)) for pair in range(part.start, part.stop)]
        rows = torch.tensor([row for row, _ in pairs], device=images.device)
        batch = images[rows]
        for occluded, (row, place) in zip(batch, pairs, strict=True):
            top, left, bottom, right = places[place]
            occluded[:, top:bottom, left:right] = cover[row, :, top:bottom, left:right]
        return scores(network, batch, [targets[row] for row, _ in pairs])

    with torch.no_grad():
        whole = chunked(network, lambda part: scores(network, images[part], targets[part]), len(images))
        falls = whole[:, None] - chunked(network, covered, len(images) * len(places)).view(len(images), -1)  # (N, W)
    total = images.new_zeros(len(images), 1, height, width)
    count = images.new_zeros(1, 1, height, width)
    for place, window in enumerate(places):
        total[:, :, window.top : window.bottom, window.left : window.right] += falls[:, place, None, None, None]
        count[:, :, window.top : window.bottom, window.left : window.right] += 1
    return total / count.clamp(min=1)
