"""Random map with the look of a method's map.

A control that style does not give away: the amplitude spectrum and the histogram of the method's own map on this image
and target, with the phases of white noise. Theiler et al. 1992 (phase randomisation); spectrum and histogram are
matched in turns as by Schreiber & Schmitz 1996, https://arxiv.org/abs/chao-dyn/9909041.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from attribution.methods import Attributed, run
from attribution.networks import Network
from attribution.randomness import generator
from attribution.spectrum import scattered
from attribution.targets import Target

VERSION = 1
PASSES = "passes('methods', method, parameters)"


def attribute(
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    method: str = "gradient",
    parameters: dict[str, Any] = {},  # noqa: B006 - a literal, as every plug-in's defaults; never changed
    turns: int = 20,
) -> Tensor | Attributed:
    """Maps of the shape that ``method`` gives, with exactly its values in other places; its cost and a few FFTs."""
    if method == "random_map":
        raise ValueError("A random map takes the look of another method's map: name that method.")
    maps = run(method, network, images, targets, seed=seed, parameters=parameters).maps
    return torch.stack([scattered(one, generator(seed, image), turns) for one, image in zip(maps, images, strict=True)])
