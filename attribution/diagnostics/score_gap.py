"""Gap of scores.

The scores that class models reach beside those of real images: where each restart lies in the distribution of the real
images' scores and probabilities (Nguyen, Yosinski & Clune 2015, https://arxiv.org/abs/1412.1897, met the gap), and how
far its features lie from theirs (Mahalanobis distance; covariance shrunk after Ledoit & Wolf 2004).
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, images_of, logits_of, run_of
from attribution.diagnostics._features import penultimate
from attribution.networks import Network
from attribution.targets import Target

VERSION = 1


def measure(
    subject: Subject,
    *,
    seed: int,
    index: int = -1,
    steps: int = 200,
    restarts: int = 8,
    fewest: int = 20,
    images_a_feature: float = 0.25,
) -> list[Row]:
    """Rows of kind "image" (``is_of_class``), "restart" (``percentile`` of its score among the class's images).

    Then one of kind "features": the mean Mahalanobis distances of the restarts and of held-out images, or ``refused``,
    a sentence. Restarts are the subject's stored visualizations where there are any. ``index`` -1 takes the commonest
    label. Distances are asked of at least ``fewest`` images and ``images_a_feature`` for each feature.
    """
    images = images_of(subject)
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        labels = [label if label is not None else -1 for label in subject.labels] or [-1] * len(images)
        logits = logits_of(network, images)
        chosen = index if index >= 0 else _commonest(labels, logits)
        about: Row = {"network": name, "index": chosen, "label": network.labels[chosen]}
        stored = list(subject.visualizations.values())
        if stored:
            made = torch.cat(stored)
        else:
            made = run_of(subject)(
                "visualizations",
                "class_model",
                network=network,
                target=Target(index=chosen),
                seed=seed,
                parameters={"steps": steps, "restarts": restarts},
                progress=told,
            ).images
        of_made = logits_of(network, made)
        is_own = [label == chosen for label in labels]
        real = logits[torch.tensor(is_own, device=logits.device)][:, chosen]
        rows += _scores(about, "image", subject.image_names, logits, chosen, is_own, real)
        rows += _scores(about, "restart", [str(n) for n in range(len(made))], of_made, chosen, None, real)
        rows.append(
            {
                **about,
                "kind": "features",
                "name": "all",
                **_distances(network, images, made, labels, seed, fewest, images_a_feature),
            }
        )
    return rows


def _scores(
    about: Row,
    kind: str,
    names: Sequence[str],
    logits: Tensor,
    chosen: int,
    is_own: Sequence[bool] | None,
    real: Tensor,
) -> list[Row]:
    probabilities = logits.softmax(1)[:, chosen].tolist()
    found: list[Row] = []
    for place, score in enumerate(logits[:, chosen].tolist()):
        below = float((real < score).float().mean()) if len(real) else None
        found.append(
            {
                **about,
                "kind": kind,
                "name": names[place],
                "is_of_class": None if is_own is None else is_own[place],
                "logit": score,
                "probability": probabilities[place],
                "percentile": None if below is None else 100 * below,
                "real_images": len(real),
                "is_above_all": bool(len(real)) and below == 1.0,
            }
        )
    return found


def _commonest(labels: Sequence[int], logits: Tensor) -> int:
    known = [label for label in labels if label >= 0]
    return int(max(set(known), key=known.count)) if known else int(logits.argmax(1).mode().values)


def _distances(
    network: Network,
    images: Tensor,
    made: Tensor,
    labels: Sequence[int],
    seed: int,
    fewest: int,
    images_a_feature: float,
) -> Row:
    features = penultimate(network, images).double().cpu().numpy()
    half = len(images) // 2
    needed = max(fewest, int(np.ceil(images_a_feature * features.shape[1])))
    if half < needed:
        return {
            "features": features.shape[1],
            "refused": (
                f"A Mahalanobis distance in {features.shape[1]} features needs at least {2 * needed} images, half to "
                f"fit and half held out; there are {len(images)}."
            ),
        }
    order = np.random.default_rng(seed).permutation(len(images))
    fit, held = order[:half], order[half:]
    groups = np.asarray(labels)
    residuals = features[fit].copy()
    centres: dict[int, NDArray[np.float64]] = {}
    for group in set(groups[fit].tolist()):
        members = groups[fit] == group
        centres[group] = features[fit][members].mean(axis=0)
        residuals[members] -= centres[group]
    inverse = np.asarray(np.linalg.inv(shrunk_covariance(residuals)), dtype=np.float64)
    of_held, of_made = (
        [nearest(vector, centres, inverse) for vector in vectors]
        for vectors in (features[held], penultimate(network, made).double().cpu().numpy())
    )
    return {
        "features": features.shape[1],
        "refused": None,
        "held_out": float(np.median(of_held)),
        "held_out_high": float(np.quantile(of_held, 0.975)),
        "restarts": float(np.median(of_made)),
        "held_out_images": len(held),
        "share_beyond": float(np.mean([value > np.quantile(of_held, 0.975) for value in of_made])),
    }


def nearest(
    vector: NDArray[np.float64], centres: dict[int, NDArray[np.float64]], inverse: NDArray[np.float64]
) -> float:
    """The Mahalanobis distance of a vector (d,) to the nearest class's centre."""
    return float(min(np.sqrt((vector - centre) @ inverse @ (vector - centre)) for centre in centres.values()))


def shrunk_covariance(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance (d, d) of centred residuals (n, d), shrunk towards a multiple of 1 (Ledoit & Wolf 2004)."""
    count, d = residuals.shape
    sample = residuals.T @ residuals / count
    scale = float(np.trace(sample)) / d
    target = scale * np.eye(d)
    apart = float(((sample - target) ** 2).sum())
    squares = residuals**2
    spread = float((squares.T @ squares / count - sample**2).sum()) / count
    share = min(1.0, spread / apart) if apart > 0 else 1.0
    shrunk: NDArray[np.float64] = share * target + (1 - share) * sample + 1e-9 * max(scale, 1e-30) * np.eye(d)
    return shrunk
