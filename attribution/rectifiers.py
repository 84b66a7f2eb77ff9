"""What goes back through a ReLU: the three rules of back-propagation, deconvolution and guided back-propagation.

With input z and upstream R: back-propagation R [z > 0], deconvolution R [R > 0], guided R [z > 0] [R > 0]. They differ
nowhere else: convolution, linear and max-pool layers send back the same.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from attribution.networks import Network
from attribution.scores import gradients
from attribution.targets import Target

Rule = Literal["back-propagation", "deconvolution", "guided"]


class NothingToActOnError(ValueError):
    """The network has no ReLU on the way to this target, so the rule would silently equal the plain gradient."""


def ruled_gradients(network: Network, images: Tensor, targets: Sequence[Target], rule: Rule) -> Tensor:
    """What arrives at the images (N, 3, H, W) when every ReLU on the way follows ``rule``; one forward, one backward.

    It begins at the target's scalar. ReLUs are met where they are called: in place, used twice, or as functions. Raises
    NothingToActOnError where there is none.
    """
    with _Ruled(rule) as ruled:
        _, arrived = gradients(network, images, targets)
    if not ruled.met:
        raise NothingToActOnError(
            f"The {rule} rule acts at ReLUs, and on its way to this target the network has none (GELU, SiLU and "
            "softplus are not ReLUs): the result would be the plain gradient under another name. Take “gradient”."
        )
    return arrived


class _Ruled(TorchFunctionMode):
    """While entered, every ReLU that torch is asked for follows the rule; modules and hooks are left alone."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule
        self.met = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func not in _RECTIFIERS:
            return func(*args, **kwargs)
        values, *positional = args or [kwargs["input"]]
        names, defaults = _RECTIFIERS[func]
        options = defaults | dict(zip(names, positional, strict=False)) | kwargs
        if options["min_val"] != 0:  # a hardtanh from another number is no rectifier
            return func(*args, **kwargs)
        self.met += 1
        return _Rectify.apply(values, self.rule, float(options["max_val"]), bool(options["inplace"]))  # type: ignore[no-untyped-call]


class _Rectify(torch.autograd.Function):
    """min(max(z, 0), top) whose backward pass follows the rule."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, rule: Rule, top: float, in_place: bool) -> Tensor:
        ctx.rule, ctx.top = rule, top
        if in_place:
            ctx.mark_dirty(z)
        if top == math.inf:
            passed = z.relu_() if in_place else z.relu()
        else:
            passed = z.clamp_(0, top) if in_place else z.clamp(0, top)
        if rule != "deconvolution":
            ctx.save_for_backward(passed)
        return passed

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None, None]:
        (back,) = upstream
        if ctx.rule != "back-propagation":
            back = back.clamp(min=0)
        if ctx.rule != "deconvolution":
            (passed,) = ctx.saved_tensors
            if ctx.rule == "guided":  # what was just clamped is nobody else's: one fewer tensor to fill
                torch.ops.aten.threshold_backward.grad_input(back, passed, 0, grad_input=back)
            else:
                back = torch.ops.aten.threshold_backward(back, passed, 0)
            if ctx.top != math.inf:
                back = back * (passed < ctx.top)
        return back, None, None, None


_PLAIN = {"min_val": 0.0, "max_val": float("inf"), "inplace": False}
_IN_PLACE = _PLAIN | {"inplace": True}
# Function -> the names of its arguments after the first, and what they are where it is not told.
_RECTIFIERS: dict[Callable[..., Any], tuple[tuple[str, ...], dict[str, Any]]] = {
    functional.relu: (("inplace",), _PLAIN),
    functional.relu_: ((), _IN_PLACE),
    torch.relu: ((), _PLAIN),
    torch.relu_: ((), _IN_PLACE),
    Tensor.relu: ((), _PLAIN),
    Tensor.relu_: ((), _IN_PLACE),
    functional.relu6: (("inplace",), _PLAIN | {"max_val": 6.0}),
    functional.hardtanh: (("min_val", "max_val", "inplace"), {"min_val": -1.0, "max_val": 1.0, "inplace": False}),
}
