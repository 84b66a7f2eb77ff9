"""Grad-CAM.

Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391: the channels of a late layer, each weighted by its mean
derivative, added up; negative sums are cut off. The default layer is the last one with positions.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from attribution.methods import UndefinedError
from attribution.networks import Network
from attribution.scores import TargetError, channels_first, chunked, scores
from attribution.targets import Target

VERSION = 1


def attribute(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, layer: str = "", relu: bool = True
) -> Tensor:
    """Maps (N, 1, H, W), interpolated bilinearly from the layer's positions; refuses a layer without positions."""
    name = layer or last_positions(network, images[:1], targets[0])
    try:
        module = network.get_submodule(f"model.{name}")
    except AttributeError:
        raise UndefinedError(f"The network has no module “{name}”.") from None

    def work(part: slice) -> Tensor:
        kept: list[Tensor] = []

        def keep(_: nn.Module, inputs: object, output: Tensor) -> Tensor:
            kept.append(output if output.requires_grad else output.detach().requires_grad_())
            return kept[-1].clone()  # what follows may work in place

        hook = module.register_forward_hook(keep)
        try:
            with torch.enable_grad():
                values = scores(network, images[part].detach().requires_grad_(), targets[part])
        finally:
            hook.remove()
        if not kept:
            raise UndefinedError(f"The network does not use “{name}” on its way to the target.")
        (derivative,) = torch.autograd.grad(values.sum(), kept[0])
        activations, slopes = (_positions(tensor.detach(), name) for tensor in (kept[0], derivative))
        cam = (slopes.mean((2, 3), keepdim=True) * activations).sum(1, keepdim=True)  # (B, 1, h, w)
        return functional.interpolate(
            cam.relu() if relu else cam, size=images.shape[-2:], mode="bilinear", align_corners=False
        )

    return chunked(network, work, len(images))


def last_positions(network: Network, image: Tensor, target: Target) -> str:
    """The module used last whose positions, more than one, the target depends on; UndefinedError where there is none.

    A transformer reads only its class token at the end: its last layers have positions that nothing depends on.
    """
    used: list[tuple[str, Tensor]] = []

    def watch(name: str) -> Callable[[nn.Module, object, object], Tensor | None]:
        def look(_: nn.Module, inputs: object, output: object) -> Tensor | None:
            if not isinstance(output, Tensor) or output.ndim < 3 or not output.requires_grad:
                return None
            used.append((name, output))
            return output.clone()  # what follows may work in place

        return look

    hooks = [
        module.register_forward_hook(watch(name))
        for name, module in network.get_submodule("model").named_modules()
        if name and not any(module.children())
    ]
    try:
        with torch.enable_grad():
            value = scores(network, image.detach().requires_grad_(), [target])
    finally:
        for hook in hooks:
            hook.remove()
    slopes = torch.autograd.grad(value.sum(), [output for _, output in used], allow_unused=True) if used else ()
    for (name, _), slope in zip(reversed(used), reversed(slopes), strict=True):
        if slope is None:
            continue
        try:
            positions = channels_first(slope, name)
        except TargetError:
            continue
        if positions.ndim == 4 and min(positions.shape[2:]) > 1 and positions.any():
            return name
    raise UndefinedError(
        "Grad-CAM needs a layer whose channels have positions, as convolutions have; this network has none on the way "
        "to its target. Occlusion and the gradient methods need no such layer."
    )


def _positions(values: Tensor, name: str) -> Tensor:
    try:
        positions = channels_first(values, name)
    except TargetError as error:
        raise UndefinedError(str(error)) from None
    if positions.ndim != 4:
        raise UndefinedError(f"The channels of “{name}” have no positions, so there is no map of them.")
    return positions
