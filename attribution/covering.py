"""Scores of an image of which a rectangle at a time is changed: only what a rectangle reaches is computed anew.

Far from the rectangle a convolution, a pooling or a pointwise layer gives what it gives for the whole image. So the
activations of the whole image are computed once, and of each changed one only the part that the change has reached,
layer by layer, until it has spread over most of the map or the network does something else with it: from there on all
of it. The scores are those of full passes but for rounding.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from attribution.changes import Changed, NotFollowedError, Place, Whole, is_in_place, layout, merged
from attribution.networks import Network
from attribution.scores import chunked, scores
from attribution.targets import Target

WORTHWHILE = 0.6  # of a map: where a change has spread over more, all of it is computed


def changed_scores(
    network: Network, image: Tensor, places: Sequence[Place], patches: Callable[[slice], Tensor], target: Target
) -> Tensor:
    """The scalar (N,) of ``image`` (1, 3, H, W) with a patch at each of N places; no gradients.

    ``patches`` gives those of some places (n, 3, h, w), all of one size, wholly within the image.
    """
    whole = Whole()
    # A GPU computes all of it sooner than it is told of many small pieces.
    is_followed = image.device.type == "cpu"

    def work(part: slice) -> Tensor:
        nonlocal is_followed
        changed = Changed.of(image, patches(part), list(places[part]), whole)
        if is_followed:
            try:
                return scores(network, changed, [target] * len(changed))
            except NotFollowedError:
                is_followed = False
        return scores(network, changed.filled(), [target] * len(changed))

    with torch.no_grad():
        return chunked(network, work, len(places))


def _pointwise(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Layers that look at each position alone, and sums and products of changed activations."""
    given = [*args, *kwargs.values()]
    every = [value for value in given if isinstance(value, Changed)]
    is_even = func.__name__ in _BY_CHANNEL or all(
        _is_even(value) for value in given if isinstance(value, Tensor) and not isinstance(value, Changed)
    )
    room = merged(every)
    if room is None or not is_even or kwargs.get("training") or "out" in kwargs:
        return None
    outside, named = _out_of_place(func, kwargs)

    def applied(values: Callable[[Changed], Tensor]) -> Tensor:
        own = [values(value) if isinstance(value, Changed) else value for value in args]
        by_name = {name: values(value) if isinstance(value, Changed) else value for name, value in named.items()}
        result: Tensor = outside(*own, **by_name)
        return result

    first = every[0]
    parts = [value.clean if isinstance(value, Changed) else value for value in (*args, *named, *named.values())]
    clean = first.whole(outside.__name__, parts, lambda: applied(lambda value: value.clean))
    patch = applied(lambda value: value.grown(*room))
    if not is_in_place(func, kwargs):
        return Changed.of(clean, patch, room[0], first.whole)
    if args[:1] and args[0] is not first:
        return None
    first.become(clean, patch, room[0], first.whole)  # it is known by its old name as well
    return first


def _is_even(value: Tensor) -> bool:
    """Whether a tensor is the same at every position and for every image."""
    if value.ndim < 3:
        return value.numel() == 1
    return tuple(value.shape[-2:]) == (1, 1) and (value.ndim == 3 or value.shape[0] == 1)


def _out_of_place(func: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    name = func.__name__
    if name.startswith("__i"):
        return getattr(Tensor, f"__{name[3:]}"), kwargs
    if name.endswith("_") and not name.endswith("__"):
        return getattr(Tensor, name[:-1]), kwargs
    return func, {**kwargs, "inplace": False} if "inplace" in kwargs else kwargs


def _joined(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Channels put together, as in Fire, Inception and dense blocks."""
    tensors = args[0] if args else kwargs.get("tensors", ())
    dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    if dim != 1 or not tensors or not all(isinstance(value, Changed) for value in tensors):
        return None
    room = merged(tensors)
    if room is None:
        return None
    whole, parts = tensors[0].whole, [value.clean for value in tensors]
    clean = whole("cat", parts, lambda: torch.cat(parts, 1))
    return Changed.of(clean, torch.cat([value.grown(*room) for value in tensors], 1), room[0], whole)


def _convolution(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    given = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    given |= dict(zip(names, args, strict=False)) | kwargs
    values = given.pop("input")
    if isinstance(given["padding"], str) or not isinstance(values, Changed):
        return None

    def layer(inputs: Tensor, padding: Any) -> Tensor:
        return functional.conv2d(inputs, **{**given, "padding": padding or 0})

    return _windowed("conv2d", values, layer, given=given, kernel=tuple(given["weight"].shape[-2:]), outside=0.0)


def _largest(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    names = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    given: dict[str, Any] = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
    given |= dict(zip(names, args, strict=False)) | kwargs
    values, kernel = given.pop("input"), _pair(given["kernel_size"])
    given["stride"] = given["stride"] or kernel
    if given["return_indices"] or not isinstance(values, Changed):
        return None

    def layer(inputs: Tensor, padding: Any) -> Tensor:
        is_whole = padding is not None  # a window cut to size has no ragged end
        return functional.max_pool2d(
            inputs, kernel, given["stride"], padding or 0, given["dilation"], is_whole and given["ceil_mode"]
        )

    return _windowed("max_pool2d", values, layer, given=given, kernel=kernel, outside=float("-inf"))


def _mean(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    names = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
    given: dict[str, Any] = {"stride": None, "padding": 0, "ceil_mode": False, "divisor_override": None}
    given |= dict(zip(names, args, strict=False)) | kwargs
    values, kernel = given.pop("input"), _pair(given["kernel_size"])
    given["stride"] = given["stride"] or kernel
    if _pair(given["padding"]) != (0, 0) or given["ceil_mode"] or not isinstance(values, Changed):
        return None

    def layer(inputs: Tensor, padding: Any) -> Tensor:
        return functional.avg_pool2d(inputs, kernel, given["stride"], divisor_override=given["divisor_override"])

    return _windowed("avg_pool2d", values, layer, given=given, kernel=kernel, outside=0.0)


def _windowed(
    name: str,
    values: Changed,
    layer: Callable[[Tensor, Any], Tensor],
    *,
    given: dict[str, Any],
    kernel: tuple[int, ...],
    outside: float,
) -> Tensor:
    """A layer that slides a window: the outputs whose window meets the rectangle, from the inputs that these see.

    ``layer`` takes inputs and a padding, None where the inputs are cut to size and need none.
    """
    strides, paddings, dilations = (_pair(given.get(key, 1)) for key in ("stride", "padding", "dilation"))
    reaches = [dilation * (side - 1) + 1 for dilation, side in zip(dilations, kernel, strict=True)]
    clean = values.whole(name, [values.clean, *given.values()], lambda: layer(values.clean, given["padding"]))
    outputs, sides = clean.shape[-2:], values.clean.shape[-2:]
    lengths = [min((values.side[at] + reaches[at] - 2) // strides[at] + 1, outputs[at]) for at in (0, 1)]
    if lengths[0] * lengths[1] > WORTHWHILE * outputs[0] * outputs[1]:
        return layer(values.filled(), given["padding"])

    def begins(place: Place, at: int) -> int:
        first = -((reaches[at] - 1 - place[at] - paddings[at]) // strides[at])  # rounded up
        return min(max(first, 0), outputs[at] - lengths[at])

    corners = [Place(begins(place, 0), begins(place, 1)) for place in values.places]
    seen = [Place(corner.top * strides[0], corner.left * strides[1]) for corner in corners]
    tall, wide = ((lengths[at] - 1) * strides[at] + reaches[at] for at in (0, 1))
    beyond = [max((outputs[at] - 1) * strides[at] + reaches[at] - sides[at] - paddings[at], 0) for at in (0, 1)]
    around = values.clean
    if any(paddings) or any(beyond):
        edges = (paddings[1], beyond[1], paddings[0], beyond[0])
        around = values.whole(
            "pad",
            [values.clean, edges, outside],
            lambda: functional.pad(values.clean, edges, value=outside).contiguous(memory_format=layout(clean)),
        )
    inputs = values.windows(around, seen, (tall, wide), shift=paddings)
    return Changed.of(clean, layer(inputs, None), corners, values.whole)


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[-1]))


_BY_CHANNEL = ("batch_norm",)  # whose one-dimensional arguments have a number a channel
_POINTWISE = (
    *("relu", "relu_", "relu6", "leaky_relu", "hardtanh", "hardswish", "hardsigmoid", "silu", "gelu", "softplus"),
    *("elu", "sigmoid", "tanh", "clamp", "clamp_", "clone", "neg", "dropout", "feature_dropout", *_BY_CHANNEL),
    *("add", "add_", "__add__", "__radd__", "__iadd__", "sub", "sub_", "__sub__", "__rsub__", "__isub__"),
    *("mul", "mul_", "__mul__", "__rmul__", "__imul__", "div", "div_", "true_divide", "__truediv__", "__itruediv__"),
)
Changed.rules = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    "cat": _joined,
    "conv2d": _convolution,
    "max_pool2d": _largest,
    "avg_pool2d": _mean,
}
