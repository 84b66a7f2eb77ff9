"""Prediction difference.

Zintgraf et al. 2017, https://arxiv.org/abs/1702.04595: how much the log-odds of the class fall, in bits, when a square
is not known: it is drawn anew from what surrounds it, by a Gaussian model of this image's patches (the paper's is of
many images). ``difference`` is the mean over the draws, ``variance`` how much the draws differ among themselves.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log

import torch
from torch import Tensor

from attribution.changes import Place
from attribution.covering import changed_scores
from attribution.infill import Patches
from attribution.methods import UndefinedError
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, scores
from attribution.targets import Target

VERSION = 1
PASSES = "squares(square, stride) * samples + 1"
EXPLAINS = ("class",)


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    square: float = 0.0715,
    stride: float = 0.0715,
    samples: int = 8,
    value: str = "difference",
) -> Tensor:
    """Signed maps (N, 1, H, W): a pixel has the mean of the squares that cover it; ``samples`` passes a square.

    Square and stride are shares of the shorter side.
    """
    if value not in ("difference", "variance"):
        raise ValueError(f"There is no value “{value}”; there are: difference, variance.")
    if samples < 2:
        raise ValueError("A variance needs at least two draws a square: samples >= 2.")
    if not 0 < square <= 0.5 or not 0 < stride <= square:
        raise ValueError(f"0 < stride <= square <= 0.5 must hold; got {stride} and {square}.")
    if any(target.index is None or target.against is not None for target in targets):
        raise UndefinedError("Log-odds are those of a class, not of a contrast, a channel or a position of a layer.")
    # The log-odds of a softmax class are its margin over the logsumexp of the others.
    odds = [replace(target, scalar="margin") for target in targets]
    height, width = images.shape[-2:]
    side, step = (max(round(share * min(height, width)), 1) for share in (square, stride))
    places = [Place(top, left) for top in _starts(height, side, step) for left in _starts(width, side, step)]
    corners = [place for place in places for _ in range(samples)]
    total, squares = (torch.zeros(len(images), len(places), dtype=torch.float64) for _ in range(2))
    with torch.no_grad():
        whole = chunked(network, lambda part: scores(network, images[part], odds[part]), len(images)).double().cpu()

    for row, image in enumerate(images):
        model = Patches(image, side, generator(seed, image))
        drawn: dict[int, Tensor] = {}  # in their order, and kept until all of a chunk are scored

        def draws(part: slice, model: Patches = model, drawn: dict[int, Tensor] = drawn) -> Tensor:
            for number in [number for number in drawn if number < part.start]:
                del drawn[number]
            for number in range(part.start, part.stop):
                if number not in drawn:
                    drawn[number] = model.draw(*corners[number])
            return torch.stack([drawn[number] for number in range(part.start, part.stop)])

        values = changed_scores(network, images[row : row + 1], corners, draws, odds[row]).double().cpu()
        falls = (whole[row] - values.view(len(places), samples)) / log(2)
        total[row], squares[row] = falls.sum(1), falls.square().sum(1)
    found = total / samples
    if value == "variance":
        found = (squares / samples - found.square()).clamp(min=0) * samples / (samples - 1)
    found = found.to(images)
    maps, count = images.new_zeros(len(images), 1, height, width), images.new_zeros(1, 1, height, width)
    for place, (top, left) in enumerate(places):
        maps[:, :, top : top + side, left : left + side] += found[:, place, None, None, None]
        count[:, :, top : top + side, left : left + side] += 1
    return maps / count


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where the squares begin: every step, and one that ends at the border."""
    return [*range(0, length - side, step), length - side]
