"""What the network says when pixels are taken away or put back, in the order of a map."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import splu
from torch import Tensor

from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, scores
from attribution.targets import Target


def importance(maps: Tensor) -> Tensor:
    """Maps (N, C, H, W) -> (N, H * W): the largest absolute value over colours where there are three, else as it is."""
    return (maps if maps.shape[1] == 1 else maps.abs().amax(1, keepdim=True)).flatten(1)


def curve(
    network: Network,
    images: Tensor,
    covers: Tensor,
    maps: Tensor,
    targets: Sequence[Target],
    shares: Sequence[float],
    *,
    is_insertion: bool = False,
) -> Tensor:
    """The scalar (N, shares) with that share of pixels covered, those with the largest values first.

    Insertion begins with the cover and puts the same pixels of the image in instead.
    """
    order = importance(maps).argsort(dim=1, descending=True, stable=True)  # (N, P)
    pixels = order.shape[1]
    counts = [round(share * pixels) for share in shares]
    below, above = (covers, images) if is_insertion else (images, covers)

    def compute(part: slice) -> Tensor:
        pairs = [divmod(pair, len(counts)) for pair in range(part.start, part.stop)]
        rows = torch.tensor([row for row, _ in pairs], device=images.device)
        changed = torch.zeros(len(pairs), pixels, dtype=torch.bool, device=images.device)
        for place, (row, step) in enumerate(pairs):
            changed[place, order[row, : counts[step]]] = True
        mask = changed.view(-1, 1, *images.shape[-2:])
        return scores(network, torch.where(mask, above[rows], below[rows]), [targets[row] for row, _ in pairs])

    with torch.no_grad():
        return chunked(network, compute, len(images) * len(counts)).view(len(images), -1)


def area(values: Tensor, shares: Sequence[float]) -> list[float]:
    """The area (N) under a curve (N, shares) by trapezoids, over the span of the shares."""
    x = values.new_tensor(list(shares))
    found: list[float] = (torch.trapezoid(values, x, dim=1) / (x[-1] - x[0])).tolist()
    return found


def imputed(image: Tensor, removed: NDArray[np.bool_], *, noise: float, seed: int) -> Tensor:
    """ROAD's noisy linear imputation: each removed pixel is the weighted mean of its eight neighbours, plus noise.

    Rong et al. 2022 (arXiv 2202.00449): weights 1/6 straight and 1/12 across, as far as there is a neighbour; the
    removed pixels are solved for together, so that what is left tells little of where they were.
    """
    height, width = removed.shape
    number = np.full(removed.shape, -1)
    number[removed] = np.arange(int(removed.sum()))
    rows, columns = np.nonzero(removed)
    pixels = image.detach().double().cpu().numpy().reshape(3, height, width)
    known = np.zeros((3, len(rows)))
    total = np.zeros(len(rows))
    starts, ends, weights = [], [], []
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            if not (down or across):
                continue
            weight = 1 / 12 if down and across else 1 / 6
            r, c = rows + down, columns + across
            fits = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            total += weight * fits
            here, r, c = np.nonzero(fits)[0], r[fits], c[fits]
            is_removed = removed[r, c]
            known[:, here[~is_removed]] += weight * pixels[:, r[~is_removed], c[~is_removed]]
            starts.append(here[is_removed])
            ends.append(number[r[is_removed], c[is_removed]])
            weights.append(np.full(int(is_removed.sum()), weight))
    i, j, values = np.concatenate(starts), np.concatenate(ends), np.concatenate(weights)
    neighbours = csr_matrix((values / total[i], (i, j)), shape=(len(rows), len(rows)))
    # A hair of the mean colour keeps the system solvable where nothing at all is left.
    system = (identity(len(rows)) * (1 + 1e-6) - neighbours).tocsc()
    mean = pixels[:, ~removed].mean(axis=1) if not removed.all() else np.full(3, 0.5)
    solved = splu(system).solve((known / total + 1e-6 * mean[:, None]).T)  # (removed, 3)
    filled = pixels.copy()
    drawn = torch.randn(solved.shape, generator=generator(seed, image), dtype=torch.float64).numpy()
    filled[:, rows, columns] = (solved + noise * drawn).T
    return torch.from_numpy(filled).to(image)
