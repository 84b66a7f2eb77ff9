"""Smoothed second derivative.

The diagonal of the Hessian of the scalar's Gaussian average (Stein's lemma; SmoothHess, Torop et al. 2023,
https://arxiv.org/abs/2306.09618): where the answer bends when a cell gets lighter or darker. With ``deviation`` 0 it is
the Hessian at the image itself (Hutchinson 1990), which a ReLU network does not have. The notes tell how far two halves
of the samples agree; near 0 the map is noise.
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.curvature import agreement, hessian_diagonal, stein
from attribution.methods import Attributed
from attribution.networks import Network
from attribution.smoothing import on_pixels
from attribution.targets import Target

VERSION = 1
PASSES = "(GRADIENT if deviation else 3 * GRADIENT) * samples"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    deviation: float = 0.1,
    grid: int = 8,
    samples: int = 640,
) -> Tensor | Attributed:
    """Signed maps (N, 1, H, W) from ``samples`` passes; ``grid`` cells a side are shifted as one, 0 is every pixel.

    ``deviation`` is in units of the image's own [0, 1]; of single pixels the three colours' curvatures are added.
    """
    if deviation == 0:
        halves = hessian_diagonal(network, images, targets, seed=seed, samples=samples)
    else:
        found = stein(network, images, targets, seed=seed, samples=samples, deviation=deviation, grid=grid)
        halves = found.diagonal
    diagonal = (halves[0] + halves[1]) / 2
    maps = diagonal.sum(1, keepdim=True)
    if diagonal.shape[-2:] != images.shape[-2:]:
        maps = on_pixels(maps, images.shape[-2], images.shape[-1])
    return Attributed(maps, [{"split_half_correlation": one} for one in agreement(halves)])
