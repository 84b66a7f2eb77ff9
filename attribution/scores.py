"""The numbers that are explained: named scalars of targets, their gradients, and work in chunks that fit memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from .networks import Network
from .targets import Target


class TargetError(ValueError):
    """A network has no such class, unit or scalar; the message says what it has."""


def chunked(network: Network, compute: Callable[[slice], Tensor], count: int) -> Tensor:
    """``compute(part)`` for the slices of ``range(count)`` of at most ``network.chunk``, concatenated.

    Where memory runs out the chunk is halved, for later calls too, and the same slice is begun again.
    """
    results, start = [], 0
    while start < count:
        part = slice(start, min(start + network.chunk, count))
        try:
            result = compute(part)
        except RuntimeError as error:
            if network.chunk == 1 or not is_out_of_memory(error):
                raise
            result = None
        if result is None:  # outside the handler, whose traceback would keep the failed chunk's memory alive
            network.chunk = max(network.chunk // 2, 1)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        results.append(result)
        start = part.stop
    return torch.cat(results)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that memory ran out, on a GPU, in its libraries (cuDNN, cuBLAS) or on the CPU."""
    words = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in words or "STATUS_ALLOC_FAILED" in words


def scores(network: Network, images: Tensor, targets: Sequence[Target]) -> Tensor:
    """The scalar (N,) that each target names on its image (N, 3, H, W); differentiable in the images.

    Raises TargetError where the network has no such class, unit or scalar.
    """
    if len(images) != len(targets):
        raise TargetError(f"{len(images)} images need as many targets, not {len(targets)}.")
    values: dict[int, Tensor] = {}
    for place in dict.fromkeys(_place(target) for target in targets):  # one forward pass for all classes
        rows = [row for row, target in enumerate(targets) if _place(target) == place]
        some = images if len(rows) == len(targets) else images[rows]
        wanted = [targets[row] for row in rows]
        if place == "":
            found = of_logits(network(some), wanted)
        elif place == _BEFORE_RELU:
            found = of_logits(logits_before_relu(network, some), [replace(t, scalar="logit") for t in wanted])
        else:
            found = _units(activation(network, place, some), wanted)
        if len(rows) == len(targets):
            return found
        values.update(zip(rows, found, strict=True))
    return torch.stack([values[row] for row in range(len(targets))])


def of_logits(logits: Tensor, targets: Sequence[Target]) -> Tensor:
    """The scalars (N,) of class targets, from the logits (N, K)."""
    classes = [_class(target.index, logits) for target in targets]
    rows = torch.arange(len(targets), device=logits.device)
    own = logits[rows, torch.tensor(classes, device=logits.device)]  # (N,)
    if all(target.scalar == "logit" and target.against is None for target in targets):
        return own
    values = []
    for row, target in enumerate(targets):
        if target.against is not None:
            values.append(own[row] - logits[row, _class(target.against, logits)])
        elif target.scalar == "margin":
            if logits.shape[1] < 2:
                raise TargetError("A margin needs at least two classes; this network has one.")
            others = torch.cat([logits[row, : classes[row]], logits[row, classes[row] + 1 :]])
            values.append(own[row] - others.logsumexp(0))
        elif target.scalar in ("log_probability", "probability"):
            log_probability = logits[row].log_softmax(0)[classes[row]]
            values.append(log_probability if target.scalar == "log_probability" else log_probability.exp())
        else:
            values.append(own[row])
    return torch.stack(values)


def gradients(network: Network, images: Tensor, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
    """Scores (N,) and their derivatives (N, 3, H, W) in the images; one forward and one backward pass, unchunked."""
    with torch.enable_grad():
        inputs = images.detach().requires_grad_()
        values = scores(network, inputs, targets)
        # Each score depends on its own image only, so the sum's derivative holds every score's.
        (derivatives,) = torch.autograd.grad(values.sum(), inputs)
    return values.detach(), derivatives


def resolved(network: Network, images: Tensor, targets: Sequence[Target]) -> list[Target]:
    """The targets with the scalar that can be explained: the score before the last ReLU where the logit is flat at 0.

    SqueezeNet ends in a ReLU and an average pool: a logit of exactly 0 has no derivative. The network's own logit is
    kept wherever it moves, as another scalar has another argmax.
    """
    rows = [row for row, t in enumerate(targets) if t.index is not None and t.scalar == "logit" and t.against is None]
    if not rows or last_relu(network, images[:1]) is None:
        return list(targets)
    with torch.no_grad():
        values = chunked(network, lambda part: scores(network, images[part], targets[part]), len(images))
    return [
        replace(target, scalar="logit_before_relu") if row in rows and float(value) == 0.0 else target
        for row, (target, value) in enumerate(zip(targets, values, strict=True))
    ]


def last_relu(network: Network, image: Tensor) -> nn.Module | None:
    """The ReLU after which only pooling, flattening and dropout make the logits; None where there is no such one."""
    if network not in _LAST_RELU:
        _LAST_RELU[network] = _find_last_relu(network, image.detach())
    return _LAST_RELU[network]


def logits_before_relu(network: Network, images: Tensor) -> Tensor:
    """Logits (N, K) without the ReLU that ends the network; raises TargetError where it ends in none."""
    relu = last_relu(network, images[:1].detach())
    if relu is None:
        raise TargetError("This network does not end in a ReLU, so its logit is the only score: explain the logit.")
    kept: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        kept.append(inputs[0])
        return inputs[0].clone()  # the ReLU may work in place; what it was given goes on instead of what it returns

    hooks = [
        relu.register_forward_pre_hook(keep),
        relu.register_forward_hook(lambda *_: kept.pop()),
    ]
    try:
        logits: Tensor = network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return logits


def activation(network: Network, module: str, images: Tensor) -> Tensor:
    """What ``module`` returns the first time it is used, as (N, C, H, W) or (N, C); the pass ends there."""
    try:
        submodule = network.get_submodule(f"model.{module}")
    except AttributeError:
        known = ", ".join(units_of(network)[:8])
        raise TargetError(f"The network has no module “{module}”; it has, for instance: {known}.") from None
    hook = submodule.register_forward_hook(_stop)
    try:
        network(images)
    except _Reached as reached:
        return channels_first(reached.output, module)
    finally:
        hook.remove()
    raise TargetError(f"The network never uses its module “{module}”.")


def units_of(network: Network) -> list[str]:
    """The names of the modules whose channels can be a target: convolutions, linear layers and activations."""
    model = network.get_submodule("model")
    return [name for name, module in model.named_modules() if name and not any(module.children())]


class _Reached(Exception):  # noqa: N818 - no error: the wanted activation, on its way out of the forward pass
    def __init__(self, output: object) -> None:
        super().__init__()
        self.output = output


def _stop(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
    raise _Reached(output)


def channels_first(output: object, module: str) -> Tensor:
    """What a module returned as (N, C, H, W) or (N, C): also a transformer's tokens and Swin's channels-last grids."""
    if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
        raise TargetError(f"“{module}” returns no tensor (N, C), (N, tokens, C) or (N, C, H, W): it has no channels.")
    if output.ndim == 3:  # tokens of a transformer, the class token first where their number is no square
        side = int((output.shape[1] - 1) ** 0.5 + 1e-6) if output.shape[1] > 1 else 1
        first = output.shape[1] - side * side
        if (whole := round(output.shape[1] ** 0.5)) ** 2 == output.shape[1]:
            side, first = whole, 0
        if first not in (0, 1):
            raise TargetError(f"The {output.shape[1]} tokens of “{module}” are no square grid: they have no position.")
        return output[:, first:].transpose(1, 2).reshape(len(output), -1, side, side)
    if output.ndim == 4 and output.shape[1] == output.shape[2] != output.shape[3]:  # Swin: (N, H, W, C)
        return output.permute(0, 3, 1, 2)
    return output


def _units(values: Tensor, targets: Sequence[Target]) -> Tensor:
    found = []
    for row, target in enumerate(targets):
        channel = target.channel or 0
        if not 0 <= channel < values.shape[1]:
            raise TargetError(f"“{target.module}” has channels 0 to {values.shape[1] - 1}, not {channel}.")
        of_channel = values[row, channel]
        if target.position is None:
            found.append(of_channel.mean())
            continue
        place = target.position
        if of_channel.ndim != 2 or not (0 <= place[0] < of_channel.shape[0] and 0 <= place[1] < of_channel.shape[1]):
            size = " x ".join(str(length) for length in of_channel.shape) or "no"
            raise TargetError(f"“{target.module}” has {size} positions, so none at {place}.")
        found.append(of_channel[place])
    return torch.stack(found)


def _find_last_relu(network: Network, image: Tensor) -> nn.Module | None:
    order: list[nn.Module] = []
    leaves = [module for module in network.modules() if not any(module.children())]
    hooks = [leaf.register_forward_pre_hook(lambda module, _: order.append(module)) for leaf in leaves]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    last = next((module for module in reversed(order) if not isinstance(module, _PASSIVE)), None)
    return last if isinstance(last, nn.ReLU) else None


_LAST_RELU: "WeakKeyDictionary[Network, nn.Module | None]" = WeakKeyDictionary()
_BEFORE_RELU = "logit_before_relu"
_PASSIVE = (nn.AdaptiveAvgPool2d, nn.AvgPool2d, nn.Flatten, nn.Dropout, nn.Dropout2d, nn.Identity)


def _place(target: Target) -> str:
    """Which forward pass a target needs: "" the whole network, else up to a module, or without the last ReLU."""
    return target.module or (_BEFORE_RELU if target.scalar == _BEFORE_RELU else "")


def _class(index: int | None, logits: Tensor) -> int:
    if index is None or not 0 <= index < logits.shape[1]:
        raise TargetError(f"There is no class {index}; the network has classes 0 to {logits.shape[1] - 1}.")
    return index
