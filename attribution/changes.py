"""An activation that is known for a whole image, and of which a rectangle differs in each image of a batch."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor


class Place(NamedTuple):
    """The upper left corner of a rectangle, in pixels of an image or of an activation."""

    top: int
    left: int


class NotFollowedError(TypeError):
    """The network changes in place, by other means than the rules know, what its later layers read."""


class Whole:
    """The activations of the whole image by what they are computed from: each is computed once for all rectangles."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], tuple[Tensor, Any]] = {}

    def __call__(self, name: str, of: Sequence[Any], compute: Callable[[], Tensor]) -> Tensor:
        key = (name, *(id(value) if isinstance(value, Tensor) else repr(value) for value in of))
        if key not in self.known:
            self.known[key] = (compute(), list(of))  # kept, so that no other tensor is given the same id
        return self.known[key][0]


Rule = Callable[[Callable[..., Any], Sequence[Any], dict[str, Any]], Any]


class Changed(Tensor):
    """A batch (B, C, H, W) as the whole image's activation (1, C, H, W), and a patch (C, h, w) at a place in each.

    A function without a rule, or whose rule gives None, is asked of the whole batch as an ordinary tensor.
    """

    rules: ClassVar[dict[str, Rule]] = {}
    clean: Tensor
    patch: Tensor  # (B, C, h, w)
    places: list[Place]
    whole: Whole
    batch: Tensor | None

    @staticmethod
    def of(clean: Tensor, patch: Tensor, places: list[Place], whole: Whole) -> "Changed":
        shape = (len(patch), *clean.shape[1:])
        made: Changed = Tensor._make_wrapper_subclass(Changed, shape, dtype=clean.dtype, device=clean.device)
        made.become(clean, patch, places, whole)
        return made

    def become(self, clean: Tensor, patch: Tensor, places: list[Place], whole: Whole) -> None:
        """Take other values, as a function that works in place gives it."""
        self.clean, self.patch, self.places, self.whole, self.batch = clean, patch, places, whole, None

    @property
    def side(self) -> tuple[int, int]:
        """Height and width of the rectangles."""
        return self.patch.shape[-2], self.patch.shape[-1]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        raise NotFollowedError(f"{func} was asked of an activation that is not there as a whole.")

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _OF_SHAPE:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **kwargs)
        rule = cls.rules.get(func.__name__)
        found = rule(func, args, kwargs) if rule is not None else None
        if found is not None:
            return found
        if is_in_place(func, kwargs) and not func.__name__.startswith("__i"):  # a += b takes what it is given
            raise NotFollowedError(f"{func.__name__} changes in place what it is given, and there is no rule for it.")
        return func(*_filled(list(args)), **_filled(kwargs))

    def filled(self) -> Tensor:
        """All of it (B, C, H, W), as an ordinary tensor."""
        if self.batch is None:
            height, width = self.clean.shape[-2:]
            self.batch = self.windows(self.clean, [Place(0, 0)] * len(self.places), (height, width))
        return self.batch

    def windows(
        self, around: Tensor, corners: Sequence[Place], size: tuple[int, int], shift: tuple[int, int] = (0, 0)
    ) -> Tensor:
        """What stands in the windows (B, C, *size) whose ``corners`` are in ``around``: the clean one, padded by shift.

        A window's row may reach into the patch, lie beside it or hold it.
        """
        (height, width), (tall, wide) = size, self.side
        shape = (len(self.places), around.shape[1], height, width)
        kept = torch.empty(shape, dtype=around.dtype, device=around.device, memory_format=layout(around))
        for into, patch, corner, place in zip(kept, self.patch, corners, self.places, strict=True):
            into.copy_(around[0, :, corner.top : corner.top + height, corner.left : corner.left + width])
            top, left = place.top + shift[0] - corner.top, place.left + shift[1] - corner.left
            inner = into[:, max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + wide, 0)]
            if inner.numel():
                row, column = max(-top, 0), max(-left, 0)
                inner.copy_(patch[:, row : row + inner.shape[1], column : column + inner.shape[2]])
        return kept

    def grown(self, corners: list[Place], size: tuple[int, int]) -> Tensor:
        """The patches as larger rectangles that hold them."""
        same = corners == self.places and size == self.side
        return self.patch if same else self.windows(self.clean, corners, size)


def is_in_place(func: Callable[..., Any], kwargs: dict[str, Any]) -> bool:
    """Whether the function changes its first argument."""
    name = func.__name__
    named = name.endswith("_") and not name.endswith("__")
    return named or name.startswith("__i") or name == "__setitem__" or bool(kwargs.get("inplace")) or "out" in kwargs


def merged(every: Sequence[Changed]) -> tuple[list[Place], tuple[int, int]] | None:
    """The places and the size of rectangles that hold those of all; None where the maps are of different sizes."""
    first = every[0]
    if any(each.shape[-2:] != first.shape[-2:] or len(each) != len(first) for each in every):
        return None
    if all(each.places == first.places and each.side == first.side for each in every):
        return first.places, first.side
    together = list(zip(*(each.places for each in every), strict=True))
    corners = [Place(min(place.top for place in some), min(place.left for place in some)) for some in together]
    tall, wide = (
        max(
            place[axis] + each.side[axis] - corner[axis]
            for corner, some in zip(corners, together, strict=True)
            for each, place in zip(every, some, strict=True)
        )
        for axis in (0, 1)
    )
    height, width = first.shape[-2:]
    return [Place(min(corner.top, height - tall), min(corner.left, width - wide)) for corner in corners], (tall, wide)


def layout(values: Tensor) -> torch.memory_format:
    """Colours last where the values are so, since convolutions are faster then."""
    is_last = values.shape[1] > 1 and values.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if is_last else torch.contiguous_format


def _filled(value: Any) -> Any:
    if isinstance(value, Changed):
        return value.filled()
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items()}
    return type(value)(map(_filled, value)) if type(value) in (list, tuple) else value


_OF_SHAPE = {
    Tensor.shape.__get__,  # type: ignore[attr-defined]
    Tensor.ndim.__get__,  # type: ignore[attr-defined]
    Tensor.dtype.__get__,  # type: ignore[attr-defined]
    Tensor.device.__get__,
    Tensor.requires_grad.__get__,  # type: ignore[attr-defined]
    Tensor.size,
    Tensor.dim,
    Tensor.__len__,
}
