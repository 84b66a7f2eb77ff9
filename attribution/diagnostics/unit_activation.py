"""Activation of units.

Which images excite a channel most and least: what a unit seems to be for, next to the image that is made for it
(Erhan et al. 2009; Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901, figure 2).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, images_of
from attribution.networks import Network
from attribution.scores import TargetError, activation, chunked

VERSION = 1


def measure(
    subject: Subject, *, seed: int, module: str = "", channels: Sequence[int] = (), top: int = 4, most: int = 6
) -> list[Row]:
    """A row for each channel, end ("most" or "least") and rank: the image, its ``activation``, the place of its peak.

    ``module`` "" is the last convolution; ``channels`` () takes the ``most`` channels that vary most over the images.
    The activation is the largest over positions; ``row`` and ``column`` say where, None in a layer without positions.
    """
    images = images_of(subject)
    rows: list[Row] = []
    for name, network, _ in each_network(subject):
        place = module or last_convolution(network)
        values = chunked(network, lambda part, n=network, m=place: _activations(n, m, images[part]), len(images))  # type: ignore[misc]
        grid = values.flatten(2) if values.ndim > 2 else values[:, :, None]  # (N, C, positions)
        peaks, where = grid.max(dim=2)
        if any(not 0 <= channel < peaks.shape[1] for channel in channels):
            raise TargetError(f"“{place}” has channels 0 to {peaks.shape[1] - 1}.")
        spread = peaks.std(0) if len(images) > 1 else peaks.mean(0)
        chosen = list(channels) or spread.topk(min(most, len(spread))).indices.tolist()
        for channel in chosen:
            order = peaks[:, channel].argsort(descending=True, stable=True)
            for end, ranked in (("most", order), ("least", order.flip(0))):
                for rank, image in enumerate(ranked[:top].tolist()):
                    width = values.shape[-1]
                    at = int(where[image, channel]) if values.ndim == 4 else None
                    rows.append(
                        {
                            "network": name,
                            "module": place,
                            "channel": channel,
                            "end": end,
                            "rank": rank + 1,
                            "image": subject.image_names[image],
                            "activation": float(peaks[image, channel]),
                            "row": None if at is None else at // width,
                            "column": None if at is None else at % width,
                            "positions": grid.shape[2],
                        }
                    )
    return rows


def last_convolution(network: Network) -> str:
    """The name of the last convolution, or of the last layer of units where there is none."""
    leaves = [(name, module) for name, module in network.model.named_modules() if name and not any(module.children())]
    convolutions: list[str] = [name for name, module in leaves if isinstance(module, nn.Conv2d)]
    if not convolutions and not leaves:
        raise TargetError("The network has no module whose channels could be looked at.")
    return convolutions[-1] if convolutions else str(leaves[-1][0])


def _activations(network: Network, module: str, images: Tensor) -> Tensor:
    with torch.no_grad():
        return activation(network, module, images)
