"""Class model and its saliency map.

At rest the ascent of S_c(x) - penalty * |x - x̄|² (Simonyan, Vedaldi & Zisserman 2013, https://arxiv.org/abs/1312.6034)
has ∇S_c = 2 * penalty * (x - x̄): the saliency map of the class model is the class model. Both, to be seen side by side.
"""

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.scores import gradients, resolved
from attribution.smoothing import noisy_gradients
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.visualizations._ascent import climb_class
from attribution.visualizations._priors import prior

VERSION = 1
PASSES = "GRADIENT * (steps + samples + 2)"
EXPLAINS = ("class", "contrast")


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    steps: int = 300,
    step_size: float = 0.1,
    penalty: float = 0.02,
    noise: float = 0.01,
    deviation: float = 0.02,
    samples: int = 32,
) -> Visualized:
    """Images (3, 3, S, S): the class model x, x̄ and its derivative, x̄ and that of S_c's Gaussian average.

    Both derivatives are brought to the length of x - x̄, so that the three can be compared by eye; nothing is clipped.
    ``deviation`` and ``samples`` are the average's; the curves are the ascent's, the same for all three.
    """
    if target.index is None or penalty <= 0:
        raise ValueError("The saliency map of a class model needs a class and a penalty above 0.")
    chosen = prior("l2", network, seed=seed, restarts=1, noise=noise, penalty=penalty, blur=0.0, jitter=0, clip=False)
    found = climb_class(network, target, chosen, steps=steps, step_size=step_size, progress=progress)
    targets = resolved(network, found.images, [target])
    _, sharp = gradients(network, found.images, targets)
    smooth = torch.zeros_like(sharp)

    def add(rows: Tensor, numbers: list[int], e: Tensor, slopes: Tensor) -> None:
        smooth.index_add_(0, rows, slopes)

    noisy_gradients(
        network, found.images, targets, add, seed=seed, samples=samples, deviation=deviation, antithetic=True
    )
    away = found.images - network.mean
    shown = [network.mean + slope * (away.norm() / slope.norm().clamp(min=1e-30)) for slope in (sharp, smooth)]
    images = torch.cat([found.images, *shown])
    notes: dict[str, object] = {
        **found.notes,
        "cosine": float(torch.cosine_similarity(sharp.flatten(), away.flatten(), dim=0)),
        "cosine_smoothed": float(torch.cosine_similarity(smooth.flatten(), away.flatten(), dim=0)),
        "gradient_norm": float(sharp.norm()),
        "range": [float(images.min()), float(images.max())],
    }
    curves = {name: [point * len(images) for point in curve] for name, curve in found.curves.items()}
    return Visualized(images=images, curves=curves, notes=notes)
