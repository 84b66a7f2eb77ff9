"""Diagnostics: numbers about networks, maps and visualizations: ``measure(subject, *, seed, ...) -> rows``.

A diagnostic reaches methods and visualizations only through ``subject.run``; what it returns is a list of flat rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from attribution.networks import Network

VERB = "measure"
Row = dict[str, str | int | float | bool | None]


class Run(Protocol):
    """Runs a plug-in of another folder: run("methods", "gradient", images=..., targets=..., seed=...)."""

    def __call__(self, folder: str, name: str, **arguments: Any) -> Any: ...


@dataclass
class Subject:
    """What is measured: networks by name, images (N, 3, H, W) with names, labels, boxes and masks, stored maps."""

    networks: Mapping[str, Network]
    images: Tensor | None = None
    image_names: Sequence[str] = ()
    labels: Sequence[int | None] = ()
    boxes: Sequence[Sequence[Sequence[float]]] = ()  # per image, [left, top, right, bottom] in pixels of the view
    masks: Tensor | None = None  # (N, 1, H, W) bool
    maps: Mapping[str, Tensor] = field(default_factory=dict)  # name -> (N, 1, H, W)
    visualizations: Mapping[str, Any] = field(default_factory=dict)
    run: Run | None = None
    progress: Callable[[float], None] = lambda fraction: None
