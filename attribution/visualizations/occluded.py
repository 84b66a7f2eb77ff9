"""Occluded image.

The image without the squares that the scalar falls most by (Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901),
covered by a fill or drawn anew from their surroundings (Zintgraf et al. 2017, https://arxiv.org/abs/1702.04595); the
notes tell where they are and how far the scalar falls.
"""

import torch
from torch import Tensor

from attribution.changes import Place
from attribution.covering import changed_scores
from attribution.fills import FILLS, filled
from attribution.infill import Patches
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import resolved, scores
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.windows import windows

VERSION = 1
PASSES = "squares(square, stride) + 1"


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    start: Tensor,
    square: float = 0.143,
    stride: float = 0.0715,
    fill: str = "surroundings",
    count: int = 3,
) -> Visualized:
    """Images (count, 3, S, S): the start (1, 3, S, S) without one square each, the one that counts most first.

    Square and stride are shares of the side; ``fill`` is surroundings or one of occlusion's fills.
    """
    if count < 1:
        raise ValueError("At least one occluded image must be asked for: count >= 1.")
    if fill != "surroundings" and fill not in FILLS:
        raise ValueError(f"There is no fill “{fill}”; there are: surroundings, {', '.join(FILLS)}.")
    every = windows(start.shape[-2], start.shape[-1], square, stride)
    side = every[0].bottom
    # Those cut at the border hide less, and would be compared with the others unfairly.
    places = [place for place in every if (place.bottom - place.top, place.right - place.left) == (side, side)]
    if fill == "surroundings":
        patches = Patches(start[0], side, generator(seed, start[0]))
        covers = [patches.draw(place.top, place.left) for place in places]
    else:
        cover = filled(network, start, fill)[0]
        covers = [cover[:, place.top : place.bottom, place.left : place.right] for place in places]

    def without(number: int) -> Tensor:
        image = start[0].clone()
        place = places[number]
        image[:, place.top : place.bottom, place.left : place.right] = covers[number]
        return image

    [explained] = resolved(network, start, [target])

    def shown(part: slice) -> Tensor:
        progress(part.start / len(places))
        return torch.stack(covers[part])

    with torch.no_grad():
        whole = float(scores(network, start, [explained])[0])
    values = changed_scores(network, start, [Place(place.top, place.left) for place in places], shown, explained)
    progress(1)
    chosen: list[int] = []
    for number in values.argsort().tolist():
        if len(chosen) < count and not any(_overlap(places[number], places[other], side) for other in chosen):
            chosen.append(number)
    notes: dict[str, object] = {
        "scalar": explained.scalar,
        "score_before": whole,
        "score": [float(values[number]) for number in chosen],
        "change": [float(values[number]) - whole for number in chosen],
        "squares": [list(places[number]) for number in chosen],  # top, left, bottom, right
        "fill": fill,
    }
    return Visualized(images=torch.stack([without(number) for number in chosen]), curves={}, notes=notes)


def _overlap(one: tuple[int, ...], other: tuple[int, ...], side: int) -> bool:
    return abs(one[0] - other[0]) < side and abs(one[1] - other[1]) < side
