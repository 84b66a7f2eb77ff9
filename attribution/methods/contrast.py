"""Contrast: why this class rather than another.

The derivative of a difference of two scores, g_c - g_d (Simonyan et al. 2013 never subtract; the idea is that of a
contrastive question, Miller 2019, https://arxiv.org/abs/1706.07269). Without ``against`` the other class is the one
that this image's score puts closest.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from attribution.methods import Attributed, UndefinedError
from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.scores import chunked, gradients
from attribution.targets import Target

VERSION = 1
PASSES = "GRADIENT + (against < 0)"
EXPLAINS = ("class", "contrast")


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    against: int = -1,
    reduction: str = "max_abs",
) -> Tensor | Attributed:
    """Maps (N, 1, H, W), or (N, 3, H, W) for ``signed``; the notes name the other class. -1 is the closest one."""
    if any(target.index is None for target in targets):
        raise UndefinedError("A contrast is between two classes; a channel or position of a layer has no other class.")
    closest = _closest(network, images, targets) if against < 0 else [against] * len(targets)
    contrasts = [
        replace(target, scalar="logit", against=other if target.against is None else target.against)
        for target, other in zip(targets, closest, strict=True)
    ]
    if any(contrast.index == contrast.against for contrast in contrasts):
        raise UndefinedError(f"A contrast of class {against} with itself is 0 everywhere; name another class.")
    maps = chunked(
        network,
        lambda part: reduce_colours(gradients(network, images[part], contrasts[part])[1], reduction),
        len(images),
    )
    return Attributed(maps, [{"scalar": "logit", "against": contrast.against} for contrast in contrasts])


def _closest(network: Network, images: Tensor, targets: Sequence[Target]) -> list[int]:
    with torch.no_grad():
        logits: Tensor = chunked(network, lambda part: network(images[part]), len(images))
    if logits.shape[1] < 2:
        raise UndefinedError("A contrast needs at least two classes; this network has one.")
    own = torch.tensor([[target.index] for target in targets], device=logits.device)
    closest: list[int] = logits.scatter(1, own, -torch.inf).argmax(1).tolist()
    return closest
