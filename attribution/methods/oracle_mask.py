"""Oracle mask.

A ceiling, not a method: the object's own mask (or, where there is none, its boxes), the best that a map of where the
object is could do. It asks no network. A study whose people do no better with it cannot blame the other maps.
"""

from collections.abc import Sequence

from torch import Tensor

from attribution.methods import UndefinedError
from attribution.networks import Network
from attribution.targets import Target

VERSION = 1
PASSES = "0"


def attribute(
    network: Network, images: Tensor, targets: Sequence[Target], *, seed: int, masks: Tensor | None
) -> Tensor:
    """Maps (N, 1, H, W) of 1 inside ``masks`` (N, 1, H, W) and 0 outside; refuses images without a mask."""
    if masks is None:
        raise UndefinedError("The oracle needs to know where the object is: these images have neither masks nor boxes.")
    empty = [row for row, mask in enumerate(masks) if not mask.any()]
    if empty:
        raise UndefinedError(f"The oracle finds no object in image {empty[0] + 1} of {len(masks)}: its mask is empty.")
    return masks.to(images)
