"""Contrast of two classes.

The image that maximises S_c(x) - S_d(x) - penalty * |x - mean image|^2: what tells a class from its neighbour, after
Simonyan et al. 2013, https://arxiv.org/abs/1312.6034, whose class model (section 2) climbs S_c alone.
"""

from dataclasses import replace

import torch

from attribution.networks import Network
from attribution.scores import chunked
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized
from attribution.visualizations._ascent import climb_class
from attribution.visualizations._priors import prior as prior_named

VERSION = 1
PASSES = "GRADIENT * (steps + 1) * restarts"
EXPLAINS = ("class", "contrast")


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    against: int = -1,
    steps: int = 200,
    step_size: float = 0.1,
    prior: str = "l2",
    penalty: float = 0.02,
    restarts: int = 4,
    noise: float = 0.01,
    clip: bool = True,
) -> Visualized:
    """Images (restarts, 3, S, S); the notes name the other class.

    ``against`` -1 is the target's own other class, else the one that class c's model (by a few steps) excites most.
    """
    if target.index is None:
        raise ValueError("A contrast is between two classes; a channel or position of a layer has no other class.")
    if restarts < 1 or penalty < 0:
        raise ValueError("A contrast needs at least 1 restart and a penalty that is not below 0.")
    chosen = prior_named(
        prior,
        network,
        seed=seed,
        restarts=restarts,
        noise=noise,
        penalty=penalty,
        blur=0.5,
        jitter=8,
        clip=clip,
    )
    other = against if against >= 0 else target.against
    if other is None:
        alone = replace(target, scalar="logit", against=None)
        tried = climb_class(network, alone, chosen, steps=min(steps, 20), step_size=step_size, progress=lambda _: None)
        with torch.no_grad():
            logits = chunked(network, lambda part: network(tried.images[part]), restarts)
        excited = logits.mean(0)  # (K,)
        excited[target.index] = -torch.inf
        other = int(excited.argmax())
    if other == target.index:
        raise ValueError(f"A contrast of class {other} with itself is 0 everywhere; name another class.")
    pair = replace(target, scalar="logit", against=other)
    found = climb_class(network, pair, chosen, steps=steps, step_size=step_size, progress=progress)
    found.notes["against"] = other
    found.notes["against_label"] = network.labels[other]
    return found
