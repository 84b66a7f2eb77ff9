"""The features that a network's last layer sees."""

import torch
from torch import Tensor, nn

from attribution.networks import Network
from attribution.scores import channels_first, chunked


def penultimate(network: Network, images: Tensor) -> Tensor:
    """What the last layer with weights is given (N, d), averaged over positions."""
    last = _last_layer(network, images[:1])
    kept: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].detach().clone()))

    def compute(part: slice) -> Tensor:
        kept.clear()
        network(images[part])
        values = channels_first(kept[-1], "the last layer")
        return values.flatten(2).mean(2) if values.ndim > 2 else values

    try:
        with torch.no_grad():
            return chunked(network, compute, len(images))
    finally:
        hook.remove()


def _last_layer(network: Network, image: Tensor) -> nn.Module:
    used: list[nn.Module] = []
    layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    hooks = [layer.register_forward_pre_hook(lambda module, _: used.append(module)) for layer in layers]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    if not used:
        raise ValueError("The network has no linear or convolutional layer, so it has no features before the last one.")
    return used[-1]
