"""Discrimination.

Does a map tell this class from the closest other one? How much of the gradient of S_c is also that of S_d, and what
stays when it is subtracted (g_c - g_d); and what class models of S_c, of its margin and of S_c - S_d do to the closest
class. Contrastive explanation: Miller 2019, https://arxiv.org/abs/1706.07269.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, images_of, logits_of, run_of, with_summaries
from attribution.diagnostics._intervals import ALIKE, ANY
from attribution.diagnostics._similarity import cosine, rank_correlation
from attribution.networks import Network
from attribution.reductions import reduce_colours
from attribution.scores import chunked, last_relu, logits_before_relu
from attribution.targets import Target

VERSION = 2


def measure(
    subject: Subject, *, seed: int, index: int = -1, steps: int = 150, restarts: int = 2, penalty: float = 0.02
) -> list[Row]:
    """Rows of kind "image": ``cosine`` of g_c and g_d, ``left``: |g_c - g_d| / |g_c|, ``rank`` correlation of the maps.

    Then rows of kind "visualization", one an ascended scalar: the mean S_c, S_d, p_c and p_d of the restarts. ``index``
    -1 takes the commonest answer; d is the class that comes closest on average on the images that are answered so.
    """
    images = images_of(subject)
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        if len(network.labels) < 2:
            raise ValueError("To tell classes apart takes at least two; this network has one.")
        logits = logits_of(network, images)
        order = logits.argsort(dim=1, descending=True)
        own, near = order[:, 0], order[:, 1]
        g_c, g_d = _slopes(network, images, own), _slopes(network, images, near)
        maps, contrasts = (reduce_colours(g, "max_abs") for g in (g_c, g_c - g_d))
        columns = {
            "cosine": cosine(g_c, g_d).tolist(),
            "left": ((g_c - g_d).flatten(1).norm(dim=1) / g_c.flatten(1).norm(dim=1).clamp(min=1e-30)).tolist(),
            "rank": rank_correlation(maps, contrasts).tolist(),
            "difference": (logits.gather(1, own[:, None]) - logits.gather(1, near[:, None]))[:, 0].tolist(),
        }
        rows += [
            {
                "network": name,
                "kind": "image",
                "image": subject.image_names[image],
                "index": int(own[image]),
                "label": network.labels[int(own[image])],
                "against": int(near[image]),
                "against_label": network.labels[int(near[image])],
                **{column: values[image] for column, values in columns.items()},
            }
            for image in range(len(images))
        ]
        chosen = index if index >= 0 else int(own.mode().values)
        against = closest(logits, chosen)
        for turn, (ascended, target) in enumerate(_targets(chosen, against).items()):
            made = run_of(subject)(
                "visualizations",
                "class_model",
                network=network,
                target=target,
                seed=seed,
                parameters={"steps": steps, "restarts": restarts, "penalty": penalty},
                progress=lambda fraction, turn=turn, told=told: told((turn + fraction) / 3),
            ).images
            reached = logits_of(network, made)
            p = reached.softmax(1)
            rows.append(
                {
                    "network": name,
                    "kind": "visualization",
                    "ascended": ascended,
                    "image": ascended,
                    "index": chosen,
                    "label": network.labels[chosen],
                    "against": against,
                    "against_label": network.labels[against],
                    "score": float(reached[:, chosen].mean()),
                    "score_against": float(reached[:, against].mean()),
                    "probability": float(p[:, chosen].mean()),
                    "probability_against": float(p[:, against].mean()),
                    "restarts": len(made),
                }
            )
    of_images = [row for row in rows if row["kind"] == "image"]
    shown = [row for row in rows if row["kind"] != "image"]
    values = {"cosine": ALIKE, "left": ANY, "rank": ALIKE, "difference": ANY}
    return with_summaries(of_images, ("network", "kind"), values, seed=seed) + shown


def closest(logits: Tensor, index: int) -> int:
    """The class other than ``index`` with the highest mean score, over the images answered ``index`` if any are."""
    answered = logits.argmax(1) == index
    mean = logits[answered].mean(0) if answered.any() else logits.mean(0)
    mean = mean.clone()
    mean[index] = -torch.inf
    return int(mean.argmax())


def _targets(index: int, against: int) -> dict[str, Target]:
    plain = Target(index=index)
    return {
        "score": plain,
        "margin": replace(plain, scalar="margin"),
        "difference": replace(plain, against=against),
    }


def _slopes(network: Network, images: Tensor, classes: Tensor) -> Tensor:
    """Each image's derivative (N, 3, H, W) of its class's score; before the last ReLU where the network ends in one."""
    indices: Sequence[int] = classes.tolist()
    before = last_relu(network, images[:1]) is not None

    def compute(part: slice) -> Tensor:
        with torch.enable_grad():
            inputs = images[part].detach().requires_grad_()
            logits = logits_before_relu(network, inputs) if before else network(inputs)
            own = logits[torch.arange(len(inputs)), indices[part]]
            (slopes,) = torch.autograd.grad(own.sum(), inputs)
        return slopes

    return chunked(network, compute, len(images))
