"""Occlusion.

Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901, section 4.2: how much the scalar falls when a square is covered.
A pixel's value is the mean fall over the squares that cover it; square and stride are shares of the shorter side.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from attribution.changes import Place
from attribution.covering import changed_scores
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
    """Signed maps (N, 1, H, W): positive where covering lowers the scalar; a forward pass a window and image.

    Less than one where convolutions come first: far from the window these are computed once for all windows.
    """
    height, width = images.shape[-2:]
    places = windows(height, width, square, stride)
    cover = filled(network, images, fill)

    tall, wide = places[0].bottom, places[0].right
    # Those cut at the border are made as large as the others, with the image's own pixels.
    corners = [Place(min(place.top, height - tall), min(place.left, width - wide)) for place in places]

    def covers(row: int, part: slice) -> Tensor:
        batch = []
        for corner, place in zip(corners[part], places[part], strict=True):
            square = images[row, :, corner.top : corner.top + tall, corner.left : corner.left + wide].clone()
            square[:, place.top - corner.top :, place.left - corner.left :] = cover[
                row, :, place.top : place.bottom, place.left : place.right
            ]
            batch.append(square)
        return torch.stack(batch)

    with torch.no_grad():
        whole = chunked(network, lambda part: scores(network, images[part], targets[part]), len(images))
        covered = [
            changed_scores(network, images[row : row + 1], corners, partial(covers, row), target)
            for row, target in enumerate(targets)
        ]
        falls = whole[:, None] - torch.stack(covered)  # (N, W)
    total = images.new_zeros(len(images), 1, height, width)
    count = images.new_zeros(1, 1, height, width)
    for place, window in enumerate(places):
        total[:, :, window.top : window.bottom, window.left : window.right] += falls[:, place, None, None, None]
        count[:, :, window.top : window.bottom, window.left : window.right] += 1
    return total / count.clamp(min=1)
