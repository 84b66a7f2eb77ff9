"""Restarts.

Is a class model one image or one of many? The ascent from several starts: how far apart their scores end, and how like
each other the images are in pixels (SSIM; Wang et al. 2004) and in the network's own features. Nguyen, Yosinski & Clune
2016 (https://arxiv.org/abs/1602.03616) found many facets of one class.
"""

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, run_of
from attribution.diagnostics._features import penultimate
from attribution.diagnostics._similarity import cosine, structural_similarity
from attribution.scores import resolved, scores
from attribution.targets import Target

VERSION = 1


def measure(
    subject: Subject, *, seed: int, index: int = 0, steps: int = 200, restarts: int = 8, penalty: float = 0.02
) -> list[Row]:
    """Rows of kind "restart" (``score``), of kind "pair" (``pixels``, ``features``), and one of kind "all".

    ``pixels`` is the SSIM of two restarts, ``features`` the cosine of their centred features before the last layer.
    Stored visualizations are compared where there are any; ``real_*`` are the same of each two of the subject's images.
    """
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        stored = list(subject.visualizations.values())
        images: Tensor = (
            torch.cat(stored)
            if stored
            else run_of(subject)(
                "visualizations",
                "class_model",
                network=network,
                target=Target(index=index),
                seed=seed,
                parameters={"steps": steps, "restarts": restarts, "penalty": penalty},
                progress=told,
            ).images
        )
        if len(images) < 2:
            raise ValueError("Restarts are compared with each other: at least two are needed.")
        targets = resolved(network, images, [Target(index=index)] * len(images))
        with torch.no_grad():
            reached = scores(network, images, targets)
        centre = penultimate(network, network.mean.expand(1, 3, network.view.size, network.view.size))
        about: Row = {"network": name, "index": index, "label": network.labels[index]}
        rows += [{**about, "kind": "restart", "one": n, "score": value} for n, value in enumerate(reached.tolist())]
        pairs = _pairs(images, penultimate(network, images) - centre)
        rows += [{**about, "kind": "pair", **pair} for pair in pairs]
        summary: Row = {
            **about,
            "kind": "all",
            "restarts": len(images),
            "score_mean": float(reached.mean()),
            "score_sd": float(reached.std()),
            "score_least": float(reached.min()),
            "score_most": float(reached.max()),
            "pixels": _mean(pairs, "pixels"),
            "features": _mean(pairs, "features"),
        }
        if subject.images is not None and len(subject.images) > 1:
            real = _pairs(subject.images, penultimate(network, subject.images) - centre)
            summary |= {"real_pixels": _mean(real, "pixels"), "real_features": _mean(real, "features")}
        rows.append(summary)
    return rows


def _pairs(images: Tensor, features: Tensor) -> list[Row]:
    one, other = torch.triu_indices(len(images), len(images), offset=1).tolist()
    found: list[Row] = []
    for a, b in zip(one, other, strict=True):
        found.append(
            {
                "one": a,
                "other": b,
                "pixels": float(structural_similarity(images[a : a + 1], images[b : b + 1])),
                "features": float(cosine(features[a : a + 1], features[b : b + 1])),
            }
        )
    return found


def _mean(rows: list[Row], column: str) -> float:
    return sum(float(row[column] or 0) for row in rows) / len(rows)
