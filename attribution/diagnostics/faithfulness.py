"""Faithfulness.

Does the score hang on what the map marks? Deletion and insertion (Petsiuk, Das & Saenko 2018,
https://arxiv.org/abs/1806.07421) of the logit and of p, sensitivity-n (Ancona et al. 2018), infidelity (Yeh et al.
2019) and ROAD (Rong et al. 2022, https://arxiv.org/abs/2202.00449), beside a map of noise.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, run_of, with_summaries
from attribution.diagnostics._infidelity import infidelity, sensitivity
from attribution.diagnostics._intervals import ALIKE, ANY, SHARE
from attribution.diagnostics._removal import area, curve, importance, imputed
from attribution.fills import filled
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import scores
from attribution.targets import Target

VERSION = 2
COLUMNS = {
    "deletion": ANY,
    "deletion_probability": SHARE,
    "insertion": ANY,
    "insertion_probability": SHARE,
    "sensitivity": ALIKE,
    "infidelity": SHARE,
    "road": SHARE,
}


def measure(
    subject: Subject,
    *,
    seed: int,
    methods: Sequence[str] = ("gradient", "integrated_gradients", "occlusion", "random_map"),
    fill: str = "blurred",
    steps: int = 12,
    subsets: int = 24,
    share: float = 0.1,
    deviation: float = 0.1,
    imputation_noise: float = 0.01,
) -> list[Row]:
    """A row for each network, map and image; ``image`` None is the mean over images.

    Areas under the curves of S and p, as ``deletion`` (lower is better) and ``insertion`` (higher); ``sensitivity`` is
    a correlation over ``subsets`` covers of a ``share`` of the pixels; ``infidelity`` is normalised, under Gaussian
    changes, in shares of the variance of what happens (1: the map foretells nothing); ``road`` is the mean p with 10 to
    90 % of the pixels imputed, the most important first. Stored maps stand in for those of ``methods``.
    """
    images = images_of(subject)
    if steps < 2 or subsets < 3 or not 0 < share < 1:
        raise ValueError("Faithfulness needs steps >= 2, subsets >= 3 and a share between 0 and 1.")
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        targets = answers(network, images)
        chances = [replace(target, scalar="probability") for target in targets]
        covers = filled(network, images, fill)
        masks, noise = _draws(images, subsets, share, deviation, seed)
        shares = np.linspace(0, 1, steps + 1).tolist()
        names = list(subject.maps) or list(methods)
        for number, method in enumerate(names):
            maps = subject.maps.get(method)
            if maps is None:
                run = run_of(subject)
                maps = run("methods", method, network=network, images=images, targets=targets, seed=seed)
            found = {}
            for kind, is_insertion in (("deletion", False), ("insertion", True)):
                for ending, asked in (("", targets), ("_probability", chances)):
                    values = curve(network, images, covers, maps, asked, shares, is_insertion=is_insertion)
                    found[f"{kind}{ending}"] = area(values, shares)
            found["sensitivity"] = sensitivity(network, images, targets, maps, covers, masks).tolist()
            found["infidelity"] = _share_unexplained(network, images, targets, maps, noise)
            found["road"] = _road(network, images, maps, chances, imputation_noise, seed)
            rows += [
                {
                    "network": name,
                    "method": method,
                    "image": subject.image_names[image],
                    "index": targets[image].index,
                    **{column: found[column][image] for column in COLUMNS},
                }
                for image in range(len(images))
            ]
            told((number + 1) / len(names))
    return with_summaries(rows, ("network", "method"), COLUMNS, seed=seed)


def _draws(images: Tensor, count: int, share: float, deviation: float, seed: int) -> tuple[Tensor, Tensor]:
    """Covers (n, N, 1, H, W) of squares and Gaussian changes (n, N, 3, H, W), each image's own."""
    height, width = images.shape[-2:]
    masks, noise = [], []
    for image in images:
        numbers = generator(seed, image)
        cells = torch.rand(count, 1, 8, 8, generator=numbers)  # squares: single pixels change nothing together
        kept = cells.flatten(1).argsort(dim=1).argsort(dim=1).view_as(cells) < max(round(share * 64), 1)
        masks.append(torch.nn.functional.interpolate(kept.float(), size=(height, width)))
        noise.append(deviation * torch.randn(count, *image.shape, generator=numbers))
    return torch.stack(masks, 1).to(images), torch.stack(noise, 1).to(images)


def _share_unexplained(
    network: Network, images: Tensor, targets: Sequence[Target], maps: Tensor, noise: Tensor
) -> list[float]:
    """Normalised infidelity in shares of what a map of zeros has: between 0 and 1."""
    wide = maps.expand(-1, 3, -1, -1)
    own = infidelity(network, images, targets, wide, noise, is_normalised=True)
    none = infidelity(network, images, targets, torch.zeros_like(wide), noise)
    found: list[float] = (own / none.clamp(min=1e-30)).tolist()
    return found


def _road(
    network: Network, images: Tensor, maps: Tensor, chances: Sequence[Target], noise: float, seed: int
) -> list[float]:
    order = importance(maps).argsort(dim=1, descending=True, stable=True).cpu().numpy()
    height, width = images.shape[-2:]
    found = []
    for image in range(len(images)):
        changed = []
        for part in (0.1, 0.3, 0.5, 0.7, 0.9):
            removed = np.zeros(height * width, dtype=bool)
            removed[order[image, : round(part * height * width)]] = True
            changed.append(imputed(images[image], removed.reshape(height, width), noise=noise, seed=seed))
        with torch.no_grad():
            found.append(float(scores(network, torch.stack(changed), [chances[image]] * len(changed)).mean()))
    return found
