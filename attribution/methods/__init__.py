"""Methods: what in an image does the network answer to?

``attribute(network, images, targets, *, seed, ...) -> maps``: images (N, 3, H, W) in [0, 1], one target an image;
maps (N, 1, H, W), or (N, 3, H, W) where signed colour means something. A method that has more to tell of each map
returns ``Attributed``. A method draws its random numbers from ``attribution.randomness.generator(seed, image)``, so
that a map depends on its image and seed, never on its batch.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from attribution import plugins
from attribution.networks import Network
from attribution.targets import Target

VERB = "attribute"


class Attributed(NamedTuple):
    """Maps and, an image each, what was found on the way: a completeness gap, a split-half correlation."""

    maps: Tensor
    notes: list[dict[str, Any]]


class UndefinedError(ValueError):
    """The method has no meaning for this network or target; the message says why."""


def run(
    name: str,
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    *,
    seed: int,
    parameters: Mapping[str, Any],
    masks: Tensor | None = None,
) -> Attributed:
    """The maps of the method ``name`` with ``parameters`` checked and completed, and their notes (empty for most).

    ``masks`` (N, 1, H, W) say where the objects are; they reach only a method that asks for them.
    """
    complete = plugins.complete(__name__, name, parameters)
    attribute = plugins.load(__name__, name).attribute
    if "masks" in inspect.signature(attribute).parameters:
        complete["masks"] = masks
    result = attribute(network, images, targets, seed=seed, **complete)
    if isinstance(result, Attributed):
        return result
    return Attributed(result, [{} for _ in range(len(images))])
