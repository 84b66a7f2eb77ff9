"""Prediction difference.

Zintgraf et al. 2017, https://arxiv.org/abs/1702.04595: how much the log-odds of the class fall, in bits, when a square
is not known: it is drawn anew from what surrounds it, by a Gaussian model of this image's patches (the paper's is of
many images). ``difference`` is the mean over the draws, ``variance`` how much the draws differ among themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log

import torch
from torch import Tensor

from attribution.infill import Patches
from attribution.methods import UndefinedError
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, scores
from attribution.smoothing import over_samples
from attribution.targets import Target

VERSION = 1
PASSES = "squares(square, stride) * samples + 1"


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
    places = [(top, left) for top in _starts(height, side, step) for left in _starts(width, side, step)]
    total, squares = (torch.zeros(len(images), len(places), dtype=torch.float64) for _ in range(2))
    with torch.no_grad():
        whole = chunked(network, lambda part: scores(network, images[part], odds[part]), len(images)).double().cpu()

    def add(rows: Tensor, numbers: list[int], drawn: Tensor) -> None:
        batch = images[rows]
        for one, number, patch in zip(batch, numbers, drawn, strict=True):
            top, left = places[number // samples]
            one[:, top : top + side, left : left + side] = patch
        with torch.no_grad():
            values = scores(network, batch, [odds[row] for row in rows.tolist()]).double().cpu()
        falls = (whole[rows.cpu()] - values) / log(2)
        index = (rows.cpu(), torch.tensor([number // samples for number in numbers]))
        total.index_put_(index, falls, accumulate=True)
        squares.index_put_(index, falls.square(), accumulate=True)

    def stream(row: int) -> Iterator[Tensor]:
        model = Patches(images[row], side, generator(seed, images[row]))
        for top, left in places:
            for _ in range(samples):
                yield model.draw(top, left)

    over_samples(network, images, len(places) * samples, stream, add)
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
