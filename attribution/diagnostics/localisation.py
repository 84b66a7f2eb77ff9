"""Localisation.

Does the map lie where the object is? Weakly supervised boxes as in Simonyan, Vedaldi & Zisserman 2013
(https://arxiv.org/abs/1312.6034, section 3.2), the pointing game (Zhang et al. 2018, https://arxiv.org/abs/1608.00507)
and the share of the map's mass in the boxes; beside each stands what the image's centre alone would reach. Against
masks, which are exact: pointing, mass and rank accuracy (Arras et al. 2022, https://arxiv.org/abs/2003.07258). Several
networks stand side by side.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, images_of, logits_of, run_of, with_summaries
from attribution.diagnostics._intervals import LEAD, SHARE
from attribution.diagnostics._segmentation import box_of, overlap
from attribution.networks import Network
from attribution.scores import resolved
from attribution.targets import Target

VERSION = 3
OF_BOXES = (
    "pointing",
    "centre_pointing",
    "mass",
    "area",
    "iou",
    "is_found",
    "centre_is_found",
    "whole_is_found",
)
OF_MASKS = ("mask_pointing", "mask_centre_pointing", "mask_mass", "mask_rank", "mask_area")
PAIRS = (  # a lead, image by image: what leads, and what it is held against
    ("lead", "pointing", "centre_pointing"),
    ("mask_lead", "mask_pointing", "mask_centre_pointing"),
    ("box_lead", "is_found", "whole_is_found"),
)
VALUES = {
    **dict.fromkeys(("top1", "top5", *OF_BOXES, "top1_found", "top5_found", *OF_MASKS), SHARE),
    **dict.fromkeys((lead for lead, _, _ in PAIRS), LEAD),
}


def measure(
    subject: Subject,
    *,
    seed: int,
    methods: Sequence[str] = ("gradient",),
    tolerance: float = 0.067,
    foreground: float = 0.95,
    background: float = 0.3,
) -> list[Row]:
    """A row for each network, method and image with a label, boxes or a mask; ``image`` None is the mean over images.

    ``pointing``: the map's peak lies in a box or within ``tolerance`` of a side (15 pixels of 224) of one. ``mass``:
    the share of the map in the boxes, whose share of the image is ``area``. ``is_found``: IoU of map's box and an
    object's is at least 0.5, ``whole_is_found`` the same of the whole image's; ``top5_found``: and the label is among
    the network's five first answers (None for a network of five classes or fewer). Within the mask: ``mask_pointing``,
    ``mask_mass``, and ``mask_rank``, the share of the map's highest pixels that lie in it, as many as it has; by chance
    these are ``mask_area``. ``lead`` and ``mask_lead``: 1 where only the map's peak hits, -1 where only the centre
    does, else 0; ``box_lead`` the same of the map's box and the whole image's. Maps are of the label, or of the first
    answer where there is none.
    """
    images = images_of(subject)
    places = [
        image
        for image in range(len(images))
        if _label(subject, image) is not None or _boxes(subject, image) or _mask(subject, image) is not None
    ]
    if not places:
        raise ValueError("Nobody said what is on these images or where: localisation needs labels, boxes or masks.")
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        logits = logits_of(network, images)
        targets = _targets(subject, network, logits)
        for number, method in enumerate(methods):
            maps = _maps(subject, name, network, images, targets, method, seed)
            for done, image in enumerate(places):
                rows.append(
                    {
                        "network": name,
                        "method": method,
                        "image": subject.image_names[image],
                        **_accuracy(logits[image], _label(subject, image), len(network.labels)),
                        **_placed(
                            images[image], maps[image], _boxes(subject, image), tolerance, (foreground, background)
                        ),
                        **_masked(maps[image], _mask(subject, image), tolerance),
                    }
                )
                row = rows[-1]
                for lead, own, other in PAIRS:
                    ours, theirs = row[own], row[other]
                    row[lead] = None if ours is None or theirs is None else int(ours) - int(theirs)
                for top in ("top1", "top5"):
                    known = row[top] is not None and row["is_found"] is not None
                    row[f"{top}_found"] = bool(row[top]) and bool(row["is_found"]) if known else None
                told((number + (done + 1) / len(places)) / len(methods))
    return with_summaries(rows, ("network", "method"), VALUES, seed=seed)


def _label(subject: Subject, image: int) -> int | None:
    return subject.labels[image] if image < len(subject.labels) else None


def _boxes(subject: Subject, image: int) -> list[list[float]]:
    boxes = subject.boxes[image] if image < len(subject.boxes) else []
    return [list(box) for box in boxes if box[2] > box[0] and box[3] > box[1]]


def _mask(subject: Subject, image: int) -> Tensor | None:
    mask = None if subject.masks is None else subject.masks[image, 0].bool().cpu()
    return mask if mask is not None and mask.any() else None


def _targets(subject: Subject, network: Network, logits: Tensor) -> list[Target]:
    first = logits.argmax(1).tolist()
    labels = [_label(subject, image) for image in range(len(logits))]
    return [
        Target(index=label if label is not None and label < len(network.labels) else answer)
        for label, answer in zip(labels, first, strict=True)
    ]


def _maps(
    subject: Subject,
    name: str,
    network: Network,
    images: Tensor,
    targets: Sequence[Target],
    method: str,
    seed: int,
) -> Tensor:
    """Maps (N, H, W), absolute values of the largest colour."""
    stored = subject.maps.get(method)
    if stored is None or len(subject.networks) > 1:
        stored = run_of(subject)(
            "methods", method, network=network, images=images, targets=resolved(network, images, targets), seed=seed
        )
    return stored.abs().amax(1)


def _accuracy(logits: Tensor, label: int | None, classes: int) -> Row:
    if label is None or label >= classes:
        return {"label": label, "top1": None, "top5": None}
    order = logits.argsort(descending=True, stable=True)[:5].tolist()
    is_among = label in order if classes > len(order) else None  # of five classes or fewer everything would be
    return {"label": label, "top1": order[0] == label, "top5": is_among}


def _placed(
    image: Tensor, saliency: Tensor, boxes: list[list[float]], tolerance: float, quantiles: tuple[float, float]
) -> Row:
    if not boxes:
        return dict.fromkeys(OF_BOXES)
    height, width = saliency.shape
    inside = torch.zeros(height, width, dtype=torch.bool)
    for left, top, right, bottom in boxes:
        inside[round(top) : max(round(bottom), round(top) + 1), round(left) : max(round(right), round(left) + 1)] = True
    peak = divmod(int(saliency.argmax()), width)
    near = tolerance * min(height, width)
    values = saliency.double().cpu()
    found = box_of(image.double().cpu().numpy(), values.numpy(), foreground=quantiles[0], background=quantiles[1])
    central = [width / 4, height / 4, 3 * width / 4, 3 * height / 4]
    whole = [0.0, 0.0, float(width), float(height)]
    ious = [overlap(found, box) for box in boxes] if found else [0.0]
    return {
        "pointing": hits(peak, boxes, near),
        "centre_pointing": hits((height // 2, width // 2), boxes, near),
        "mass": float(values[inside].sum() / values.sum().clamp(min=1e-30)),
        "area": float(inside.double().mean()),
        "iou": float(np.max(ious)),
        "is_found": bool(np.max(ious) >= 0.5),
        "centre_is_found": bool(max(overlap(central, box) for box in boxes) >= 0.5),
        "whole_is_found": bool(max(overlap(whole, box) for box in boxes) >= 0.5),
        **dict(zip(("left", "top", "right", "bottom"), found or (None, None, None, None), strict=True)),
    }


def _masked(saliency: Tensor, mask: Tensor | None, tolerance: float) -> Row:
    if mask is None:
        return dict.fromkeys(OF_MASKS)
    height, width = saliency.shape
    values = saliency.double().cpu()
    peak = divmod(int(values.argmax()), width)
    near = tolerance * min(height, width)
    highest = values.flatten().topk(int(mask.sum())).indices
    return {
        "mask_pointing": is_near(mask, peak, near),
        "mask_centre_pointing": is_near(mask, (height // 2, width // 2), near),
        "mask_mass": float(values[mask].sum() / values.sum().clamp(min=1e-30)),
        "mask_rank": float(mask.flatten()[highest].double().mean()),
        "mask_area": float(mask.double().mean()),
    }


def is_near(mask: Tensor, point: tuple[int, int], near: float) -> bool:
    """Whether a pixel (row, column) is at most ``near`` pixels, centre to centre, from one of the mask (H, W)."""
    away = mask.nonzero() - torch.tensor(point)
    return bool(away.square().sum(1).min() <= near**2)


def hits(point: tuple[int, int], boxes: Sequence[Sequence[float]], near: float) -> bool:
    """Whether a pixel (row, column) lies in one of the boxes or at most ``near`` pixels from one."""
    row, column = point[0] + 0.5, point[1] + 0.5
    for left, top, right, bottom in boxes:
        across = max(left - column, 0.0, column - right)
        down = max(top - row, 0.0, row - bottom)
        if (across**2 + down**2) ** 0.5 <= near:
            return True
    return False
