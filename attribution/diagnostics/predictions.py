"""Predictions.

The classes with the highest scores, in order, with their softmax probabilities. Beside a network that ends in a ReLU
(SqueezeNet) stand the classes and scores before it, whose order differs where logits are cut off at 0.
"""

from functools import partial

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.networks import Network
from attribution.scores import chunked, last_relu, logits_before_relu

VERSION = 1


def measure(subject: Subject, *, seed: int, top: int = 5) -> list[Row]:
    """A row for each network, image and rank: image, rank (1 is first), index, label, logit, probability, scalar_used.

    ``scalar_used`` is what a map of this class explains: the logit, or the score before the last ReLU where the logit
    is flat at 0. ``before_relu_index``, ``_label`` and ``_logit`` are the class of this rank by that other score.
    """
    images = subject.images
    if images is None:
        raise ValueError("Predictions are of images; none were given.")
    if top < 1:
        raise ValueError("At least one class must be asked for: top >= 1.")
    rows: list[Row] = []
    for name, network in subject.networks.items():
        ends_in_relu = last_relu(network, images[:1]) is not None
        with torch.no_grad():
            logits = chunked(network, partial(_logits, network, images), len(images))  # (N, K)
            before = chunked(network, partial(_before, network, images), len(images)) if ends_in_relu else logits
        probabilities = logits.softmax(1)
        order = logits.argsort(dim=1, descending=True, stable=True)[:, :top].tolist()
        before_order = before.argsort(dim=1, descending=True, stable=True)[:, :top].tolist()
        for image, indices in enumerate(order):
            for rank, index in enumerate(indices):
                row: Row = {
                    "network": name,
                    "image": subject.image_names[image],
                    "rank": rank + 1,
                    "index": index,
                    "label": network.labels[index],
                    "logit": float(logits[image, index]),
                    "probability": float(probabilities[image, index]),
                    "scalar_used": "logit_before_relu" if ends_in_relu and logits[image, index] == 0 else "logit",
                }
                if ends_in_relu:
                    other = before_order[image][rank]
                    row["before_relu_index"] = other
                    row["before_relu_label"] = network.labels[other]
                    row["before_relu_logit"] = float(before[image, other])
                rows.append(row)
        subject.progress(len(rows) / (len(subject.networks) * len(images) * min(top, logits.shape[1])))
    return rows


def _logits(network: Network, images: Tensor, part: slice) -> Tensor:
    logits: Tensor = network(images[part])
    return logits


def _before(network: Network, images: Tensor, part: slice) -> Tensor:
    return logits_before_relu(network, images[part])
