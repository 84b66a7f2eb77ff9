"""Infidelity (Yeh et al. 2019) and sensitivity-n (Ancona et al. 2018): does a map foretell what changes do?"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.diagnostics._similarity import correlation
from attribution.networks import Network
from attribution.scores import chunked, scores
from attribution.targets import Target


def infidelity(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    attributions: Tensor,
    perturbations: Tensor,
    *,
    is_normalised: bool = False,
) -> Tensor:
    """(N,) of attributions (N, 3, H, W) and perturbations (n, N, 3, H, W): E (I·φ - (S(x) - S(x - I)))².

    Normalised, φ is multiplied by the one factor an image that makes it smallest: a map's scale is no merit.
    """
    foretold = (perturbations * attributions).flatten(2).sum(2)  # (n, N)
    happened = _falls(network, images, targets, perturbations)
    if is_normalised:
        factor = (foretold * happened).mean(0) / foretold.square().mean(0).clamp(min=1e-30)
        foretold = factor * foretold
    return (foretold - happened).square().mean(0)


def sensitivity(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    maps: Tensor,
    covers: Tensor,
    masks: Tensor,
) -> Tensor:
    """(N,): over masks (n, N, 1, H, W) of covered pixels, the correlation of the map's sum with the fall of S."""
    foretold = (masks * maps.sum(1, keepdim=True)).flatten(2).sum(2)
    happened = _falls(network, images, targets, masks * (images - covers))
    return correlation(foretold.T, happened.T)


def _falls(network: Network, images: Tensor, targets: Sequence[Target], perturbations: Tensor) -> Tensor:
    """S(x) - S(x - I), (n, N) of perturbations (n, N, 3, H, W)."""
    count = len(images)

    def compute(part: slice) -> Tensor:
        pairs = [divmod(pair, count) for pair in range(part.start, part.stop)]
        moved = torch.stack([images[row] - perturbations[number, row] for number, row in pairs])
        return scores(network, moved, [targets[row] for _, row in pairs])

    with torch.no_grad():
        whole = chunked(network, lambda part: scores(network, images[part], targets[part]), count)
        return whole - chunked(network, compute, len(perturbations) * count).view(-1, count)
