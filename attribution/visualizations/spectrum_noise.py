"""Noise with the look of a visualization.

A control: the images of another visualization with their spectrum and histogram kept and their phases those of white
noise, so that colours and textures stay and every shape goes. Theiler et al. 1992; Schreiber & Schmitz 1996,
https://arxiv.org/abs/chao-dyn/9909041.
"""

from typing import Any

import torch

from attribution import plugins
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import chunked, of_logits
from attribution.spectrum import scattered
from attribution.targets import Target
from attribution.visualizations import Progress, Visualized

VERSION = 1
PASSES = "passes('visualizations', visualization, parameters)"


def visualize(
    network: Network,
    target: Target,
    *,
    seed: int,
    progress: Progress,
    visualization: str = "class_model",
    parameters: dict[str, Any] = {},  # noqa: B006 - a literal, as every plug-in's defaults; never changed
    turns: int = 20,
) -> Visualized:
    """Images of the shape that ``visualization`` gives for the same target and seed, with exactly its pixel values."""
    if visualization not in ("class_model", "contrast", "unit"):
        raise ValueError(f"There is no noise like “{visualization}”; it can look like: class_model, contrast, unit.")
    folder = __package__ or ""
    given = plugins.complete(folder, visualization, parameters)
    own: Visualized = plugins.load(folder, visualization).visualize(
        network, target, seed=seed, progress=progress, **given
    )
    noise = torch.stack([scattered(image, generator(seed, image), turns) for image in own.images])
    notes: dict[str, object] = {"look_of": visualization, "range": [float(noise.min()), float(noise.max())]}
    if target.index is not None:
        with torch.no_grad():
            logits = chunked(network, lambda part: network(noise[part]), len(noise))
        scores = of_logits(logits, [target] * len(noise))
        notes |= {"scalar": target.scalar, "score": scores.tolist(), "score_of_original": own.notes["score"]}
    return Visualized(images=noise, curves={}, notes=notes)
