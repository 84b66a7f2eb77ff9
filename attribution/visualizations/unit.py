"""Unit on a norm ball.

Erhan, Bengio, Courville & Vincent 2009, "Visualizing higher-layer features of a deep network": the image of a fixed
norm |x - mean image| = radius that excites a unit most: any module's channel or position, or a class's score.
"""

from functools import partial

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, gradients, scores
from attribution.smoothing import blurred
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.visualizations._ascent import Noted, class_scores, climb, curve_point, distance, start_near

VERSION = 1
PASSES = "GRADIENT * (steps + 1) * restarts"


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    steps: int = 200,
    step_size: float = 0.05,
    radius: float = 0.2,
    restarts: int = 4,
) -> Visualized:
    """Images (restarts, 3, S, S) on the ball; not clipped, so the notes tell their range.

    ``radius`` is the root mean square of x - mean image over pixels and colours, in the image's own [0, 1].
    """
    if restarts < 1 or radius <= 0:
        raise ValueError("A unit's image needs at least 1 restart and a radius above 0.")
    size = network.view.size
    length = radius * (3 * size * size) ** 0.5

    def on_ball(images: Tensor) -> Tensor:
        away = images - network.mean
        longer: Tensor = length / distance(network, images).clamp(min=1e-20)
        moved: Tensor = network.mean + away * longer.view(-1, 1, 1, 1)
        return moved

    def objective(images: Tensor, step: int) -> tuple[Tensor, Noted]:
        noted = {"distance": distance(network, images.detach()).tolist()}
        if target.index is not None:
            climbed, logits = class_scores(network, images, target)
            return climbed, {**curve_point(target, logits.detach()), **noted}
        climbed = scores(network, images, [target] * len(images))
        return climbed, {"activation": climbed.detach().tolist(), **noted}

    def awake(start: Tensor) -> Tensor:
        """Where a unit does not answer to fine noise at all, and so has no derivative, it may to coarser noise.

        Each is tried with its negative, to which a blur of 0 leads.
        """

        def slope(images: Tensor, part: slice) -> Tensor:
            some = images[part]
            norms: Tensor = gradients(network, some, [target] * len(some))[1].flatten(1).norm(dim=1)
            return norms

        for pixels in (0, 1, 0, 2, 0, 4, 0, 8, 0):
            slopes = chunked(network, partial(slope, start), restarts)
            if slopes.all():
                break
            coarser = on_ball(network.mean - blurred(start - network.mean, pixels))
            start = torch.where((slopes == 0).view(-1, 1, 1, 1), coarser, start)
        return start

    start = on_ball(start_near(network.mean, size, restarts, radius, generator(seed)))
    if target.index is None:
        start = awake(start)
    images, curves = climb(
        network, start, objective, steps=steps, step_size=step_size, settle=on_ball, progress=progress
    )
    reached = curves["objective"][-1]
    notes: dict[str, object] = {
        "scalar": target.scalar if target.index is not None else "activation",
        "score": reached,
        "radius": length,
        "range": [float(images.min()), float(images.max())],
        "clipping": "none",
    }
    if not any(curves["gradient_norm"][-1]) and not any(reached):
        notes["reading"] = "The unit answered to none of the starts: the images are noise and say nothing about it."
    return Visualized(images=images, curves=curves, notes=notes)
