"""Which ReLUs pass at an image, and what arrives at each layer when the ReLUs follow a rule."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from attribution.networks import Network
from attribution.rectifiers import _RECTIFIERS, NothingToActOnError, Rule, _Ruled
from attribution.scores import scores
from attribution.targets import Target


class Signs(TorchFunctionMode):
    """While entered, notes which inputs of every ReLU are above 0: ``noted`` holds one (N, units) a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in _RECTIFIERS:
            values = args[0] if args else kwargs["input"]
            self.noted.append((values > 0).flatten(1))  # before a ReLU that works in place
        return func(*args, **kwargs)


def passing(network: Network, images: Tensor) -> list[Tensor]:
    """For each ReLU in the order of the forward pass, which of its inputs are above 0: (N, units) bool."""
    with torch.no_grad(), Signs() as signs:
        network(images)
    noted: list[Tensor] = signs.noted
    return noted


def arriving(network: Network, images: Tensor, targets: Sequence[Target], rule: Rule) -> list[tuple[str, str, Tensor]]:
    """Name, kind and what arrives at the output of each layer (N, ...), from the image up; the image is “image”.

    One forward, one backward pass, unchunked. Raises NothingToActOnError where the rule meets no ReLU.
    """
    kept: list[tuple[str, str, Tensor]] = []

    def keep(name: str, module: nn.Module, output: object) -> Tensor | None:
        if not isinstance(output, Tensor) or not output.requires_grad:
            return None
        kept.append((name, type(module).__name__, output))
        return output.clone()  # a ReLU that works in place works on the copy

    leaves = [(name, module) for name, module in network.model.named_modules() if not any(module.children())]
    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: keep(name, module, output))
        for name, module in leaves
    ]
    try:
        with torch.enable_grad(), _Ruled(rule) as ruled:
            inputs = images.detach().requires_grad_()
            values = scores(network, inputs, targets)
            layers = [("image", "Image", inputs), *kept]
            found = torch.autograd.grad(values.sum(), [tensor for *_, tensor in layers], allow_unused=True)
    finally:
        for hook in hooks:
            hook.remove()
    if not ruled.met:
        raise NothingToActOnError(
            f"The {rule} rule acts at ReLUs, and this network has none on the way to its answer: there is nothing to "
            "compare."
        )
    return [(name, kind, value) for (name, kind, _), value in zip(layers, found, strict=True) if value is not None]
