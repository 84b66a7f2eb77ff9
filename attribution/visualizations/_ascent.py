"""Gradient ascent on images: what every visualization that climbs a scalar shares."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from attribution.networks import Network
from attribution.scores import chunked, last_relu, logits_before_relu, of_logits
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.visualizations._priors import Prior

Curves = dict[str, list[list[float]]]
Noted = dict[str, list[float]]


def class_scores(network: Network, images: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """The scalar (n,) to climb and the logits (n, K).

    Where the logit is flat at 0 because the network ends in a ReLU, the score before it shows the way out.
    """
    targets = [target] * len(images)
    logits = network(images)
    climbed = of_logits(logits, targets)
    flat = climbed == 0
    if target.scalar == "logit" and target.against is None and flat.any() and last_relu(network, images[:1]):
        climbed = torch.where(flat, of_logits(logits_before_relu(network, images), targets), climbed)
    return climbed, logits


def curve_point(target: Target, logits: Tensor) -> Noted:
    """At one step, for each of n images: S_c, p_c and the sum of the other scores; a contrast is told by its class."""
    own = of_logits(logits, [replace(target, scalar="logit", against=None)] * len(logits))
    probability = of_logits(logits, [replace(target, scalar="probability", against=None)] * len(logits))
    return {
        "logit": own.tolist(),
        "probability": probability.tolist(),
        "others": (logits.sum(1) - own).tolist(),
    }


def distance(network: Network, images: Tensor) -> Tensor:
    """|x - mean image| (n,)."""
    found: Tensor = (images - network.mean).flatten(1).norm(dim=1)
    return found


def start_near(mean: Tensor, size: int, restarts: int, noise: float, generator: torch.Generator) -> Tensor:
    """Images (restarts, 3, size, size): the mean colour and a little white noise, other noise in each."""
    drawn = torch.stack([torch.randn(3, size, size, generator=generator) for _ in range(restarts)])
    return mean + noise * drawn.to(mean.device)


def climb(
    network: Network,
    variables: Tensor,
    objective: Callable[[Tensor, int], tuple[Tensor, Noted]],
    *,
    steps: int,
    step_size: float,
    longest: float = math.inf,
    settle: Callable[[Tensor], Tensor],
    progress: Progress,
    each: Callable[[int, Tensor], None] = lambda step, variables: None,
) -> tuple[Tensor, Curves]:
    """Normalised gradient ascent: each step changes (n, ...) by ``step_size`` (root mean square), less and less.

    ``objective`` maps variables and a step's number to values (n,) and what is to be noted; ``settle`` brings stepped
    variables back to where they may be; ``longest`` bounds a step as a multiple of the gradient, so that an ascent
    comes to rest. The curves hold the objective, its gradient's norm and the notes at every step, and at the end.
    """
    if steps < 1 or step_size <= 0:
        raise ValueError(f"An ascent needs at least 1 step and a step_size above 0; got {steps} and {step_size}.")
    curves: Curves = {}
    for step in range(steps + 1):
        each(step, variables)
        point: Noted = {}
        gradient = chunked(network, partial(_slopes, objective, variables, step, point), len(variables))
        norm = gradient.flatten(1).norm(dim=1)  # (n,)
        for name, values in {**point, "gradient_norm": norm.tolist()}.items():
            curves.setdefault(name, []).append(values)
        if step < steps:
            length = step_size * (1 - step / steps) * gradient[0].numel() ** 0.5
            factor = (length / norm.clamp(min=1e-20)).clamp(max=longest)
            with torch.no_grad():
                variables = settle(variables + factor.view(-1, *[1] * (gradient.ndim - 1)) * gradient)
            progress((step + 1) / steps)
    return variables.detach(), curves


def _slopes(
    objective: Callable[[Tensor, int], tuple[Tensor, Noted]], variables: Tensor, step: int, point: Noted, part: slice
) -> Tensor:
    """The derivatives of the objective in a part of the variables; its values, and what it notes, go to ``point``."""
    with torch.enable_grad():
        current = variables[part].detach().requires_grad_()
        values, noted = objective(current, step)
        (gradient,) = torch.autograd.grad(values.sum(), current)
    for name, some in {"objective": values.tolist(), **noted}.items():
        point.setdefault(name, []).extend(some)
    return gradient


def climb_class(
    network: Network, target: Target, prior: Prior, *, steps: int, step_size: float, progress: Progress
) -> Visualized:
    """The images whose scalar is highest under the prior, with curves of S_c, p_c, other scores, gradient, distance."""

    def objective(variables: Tensor, step: int) -> tuple[Tensor, Noted]:
        images = prior.decode(variables)
        climbed, logits = class_scores(network, prior.shown(images, step), target)
        noted = curve_point(target, logits.detach())
        return climbed - prior.cost(images), {**noted, "distance": distance(network, images.detach()).tolist()}

    variables, curves = climb(
        network,
        prior.start,
        objective,
        steps=steps,
        step_size=step_size,
        longest=prior.longest,
        settle=prior.settle,
        progress=progress,
    )
    with torch.no_grad():
        images = prior.decode(variables)
        scores = chunked(network, lambda part: class_scores(network, images[part], target)[0], len(images))
    notes: dict[str, object] = {
        "scalar": target.scalar,
        "score": scores.tolist(),
        "range": [float(images.min()), float(images.max())],
        "prior": prior.words,
        "clipping": prior.clipping,
    }
    return Visualized(images=images, curves=curves, notes=notes)
