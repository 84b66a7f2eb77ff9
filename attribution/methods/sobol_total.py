"""Sobol total index.

Fel et al. 2021, https://arxiv.org/abs/2111.04138: cells of a grid are faded by random masks; a cell's index is the
share of the scalar's variance that stays when all cells but it are known (Jansen 1999). Every interaction counts.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from attribution.fills import filled
from attribution.methods import Attributed
from attribution.networks import Network
from attribution.scores import chunked, scores
from attribution.smoothing import on_pixels
from attribution.targets import Target

VERSION = 1
PASSES = "designs * (grid**2 + 1)"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    grid: int = 8,
    designs: int = 16,
    fill: str = "mean",
) -> Tensor | Attributed:
    """Maps (N, 1, H, W) of indices, mostly in [0, 1]; designs x (cells + 1) forward passes an image.

    A mask of 1 leaves a cell, 0 puts the ``fill`` there. The masks depend on the seed alone: all images share them.
    """
    height, width = images.shape[-2:]
    cells = grid**2
    if not 1 <= grid <= min(height, width):
        raise ValueError(f"A grid of {grid} x {grid} cells does not fit an image of {height} x {width} pixels.")
    if designs < 2:
        raise ValueError("A variance needs at least two designs.")
    if 2 * cells > SobolEngine.MAXDIM:
        raise ValueError(f"A Sobol sequence has at most {SobolEngine.MAXDIM} dimensions: take a coarser grid.")
    engine = SobolEngine(2 * cells, scramble=True, seed=seed % 2**31)  # type: ignore[no-untyped-call]
    drawn = engine.draw(designs)
    one, other = drawn[:, :cells], drawn[:, cells:]  # (designs, cells)
    cover = filled(network, images, fill)

    def mask(number: int) -> Tensor:
        """The numbered mask (cells,): first every design, then every design with one cell taken from the other."""
        if number < designs:
            return one[number]
        design, cell = divmod(number - designs, cells)
        changed = one[design].clone()
        changed[cell] = other[design, cell]
        return changed

    count = designs * (cells + 1)

    def faded(part: slice) -> Tensor:
        pairs = [divmod(pair, count) for pair in range(part.start, part.stop)]
        rows = torch.tensor([row for row, _ in pairs], device=images.device)
        masks = torch.stack([mask(number) for _, number in pairs]).view(-1, 1, grid, grid).to(images)
        shown = on_pixels(masks, height, width)
        mixed = cover[rows] + shown * (images[rows] - cover[rows])
        return scores(network, mixed, [targets[row] for row, _ in pairs])

    with torch.no_grad():
        values = chunked(network, faded, len(images) * count).view(len(images), count).double()
    whole, changed = values[:, :designs], values[:, designs:].view(len(images), designs, cells)
    variance = whole.var(dim=1)  # (N,)
    index = (whole[:, :, None] - changed).square().mean(1) / 2 / variance.clamp(min=1e-300)[:, None]
    maps = on_pixels(index.view(-1, 1, grid, grid).to(images), height, width)
    return Attributed(maps, [{"variance": one, "forward_passes": count} for one in variance.tolist()])
