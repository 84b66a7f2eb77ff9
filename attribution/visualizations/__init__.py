"""Visualizations: which image does the network answer to?

``visualize(network, target, *, seed, progress, ...) -> Visualized``; one that begins at a photo also has ``start``,
an image (1, 3, H, W). All restarts run as one batch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

VERB = "visualize"
Progress = Callable[[float], None]  # called with the fraction that is done


@dataclass
class Visualized:
    """Images (n, 3, H, W), one a restart, in [0, 1] unless the notes say otherwise; what was measured on the way."""

    images: Tensor
    curves: dict[str, list[list[float]]]  # name -> (steps, n): logit, probability, others, gradient_norm, distance
    path: Tensor | None = None  # (frames, n, 3, H, W): the images along the way, where they mean something
    notes: dict[str, object] = field(default_factory=dict)
