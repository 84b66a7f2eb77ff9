"""Instances by training.

Does a class model show many geese because the training images did? Networks that were trained on scenes with exactly
one instance, and others on scenes with several, each asked how many its class models show. The network is the unit:
networks of one arm differ by their seeds, and visualizations of one network are no independent evidence.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import run_of
from attribution.diagnostics._instances import components, evidence, permutation, t_interval, welch
from attribution.networks import Network
from attribution.targets import Target

VERSION = 1


def measure(
    subject: Subject,
    *,
    seed: int,
    one: Sequence[str] = (),
    many: Sequence[str] = (),
    classes: Sequence[int] = (),
    steps: int = 100,
    penalty: float = 0.05,
    noise: float = 0.1,
    square: float = 0.143,
    thresholds: Sequence[float] = (0.5, 0.3, 0.7),
    least: float = 0.004,
) -> list[Row]:
    """For each threshold a row of kind "network" (its arm and mean ``count``), of kind "arm", one of kind "difference".

    ``one`` and ``many`` name the networks of the arms, at least two each; ``classes`` are those whose class models are
    counted, all of them by default. Arms have 95 % t limits over networks, the difference (many less one) 95 % Welch
    limits and p, and the p of permuting networks. The first threshold is the answer's, the others show how much hangs
    on it. Rows of kind "image" count the subject's images with one and with more boxes, where there are any. A stored
    visualization named “NETWORK CLASS” stands in for its ascent.
    """
    arms = {"one": list(one), "many": list(many)}
    missing = [name for names in arms.values() for name in names if name not in subject.networks]
    if missing or min(len(names) for names in arms.values()) < 2 or not thresholds:
        raise ValueError(
            "At least two networks that were trained on one instance and two that were trained on many are compared: "
            f"name them in the parameters one and many{f'; {missing[0]} is not here' if missing else ''}."
        )
    rows: list[Row] = []
    counted: dict[tuple[str, str, float], float] = {}
    turns = [(arm, name) for arm, names in arms.items() for name in names]
    for done, (arm, name) in enumerate(turns):
        network = subject.networks[name]
        wanted = list(classes) or list(range(len(network.labels)))
        made = torch.cat([_made(subject, name, network, index, seed, steps, penalty, noise) for index in wanted])
        per_class = len(made) // len(wanted)
        indices = [index for index in wanted for _ in range(per_class)]
        places = evidence(subject, network, made, indices, square=square, seed=seed)
        known = _known(subject, name, arm, network, thresholds[0], square=square, seed=seed, least=least)
        for threshold in thresholds:
            counts = [components(place, threshold=threshold, least=least) for place in places]
            counted[arm, name, threshold] = sum(counts) / len(counts)
            about: Row = {"kind": "network", "arm": arm, "network": name, "threshold": threshold}
            rows.append({**about, "count": counted[arm, name, threshold], "visualizations": len(counts)})
        rows += known
        subject.progress((done + 1) / len(turns))
    for threshold in thresholds:
        of = {arm: [counted[arm, name, threshold] for name in names] for arm, names in arms.items()}
        for arm, values in of.items():
            mean, low, high = t_interval(values)
            rows.append(
                {
                    "kind": "arm",
                    "arm": arm,
                    "threshold": threshold,
                    "count": mean,
                    "count_low": low,
                    "count_high": high,
                    "networks": len(values),
                    "interval": "95 % t over networks",
                }
            )
        difference, low, high, p = welch(of["one"], of["many"])
        rows.append(
            {
                "kind": "difference",
                "threshold": threshold,
                "difference": difference,
                "difference_low": low,
                "difference_high": high,
                "interval": "95 % Welch over networks",
                "p_welch": p,
                "p_permutation": permutation(of["one"], of["many"], seed=seed),
                "networks": len(turns),
            }
        )
    return rows


def _made(
    subject: Subject, name: str, network: Network, index: int, seed: int, steps: int, penalty: float, noise: float
) -> Tensor:
    stored: Tensor | None = subject.visualizations.get(f"{name} {index}")
    if stored is not None:
        return stored
    made: Tensor = (
        run_of(subject)(
            "visualizations",
            "class_model",
            network=network,
            target=Target(index=index),
            seed=seed,
            parameters={"steps": steps, "penalty": penalty, "noise": noise, "restarts": 1},
        )
    ).images
    return made


def _known(
    subject: Subject,
    name: str,
    arm: str,
    network: Network,
    threshold: float,
    *,
    square: float,
    seed: int,
    least: float,
) -> list[Row]:
    """A row for each number of boxes: the mean count over the images that have so many."""
    if subject.images is None:
        return []
    groups: dict[int, list[int]] = {}
    for image, there in enumerate(subject.boxes):
        if there and image < len(subject.labels) and subject.labels[image] is not None:
            groups.setdefault(len(there), []).append(image)
    rows: list[Row] = []
    for boxes, images in sorted(groups.items()):
        shown = subject.images[torch.tensor(images, device=subject.images.device)]
        labels = [int(subject.labels[image] or 0) for image in images]
        places = evidence(subject, network, shown, labels, square=square, seed=seed)
        counts = [components(place, threshold=threshold, least=least) for place in places]
        about: Row = {"kind": "image", "arm": arm, "network": name, "threshold": threshold}
        rows.append({**about, "boxes": boxes, "count": sum(counts) / len(counts), "images": len(counts)})
    return rows
