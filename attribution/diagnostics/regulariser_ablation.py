"""Ablation of the regulariser.

Why is the image regularised? Each prior on the trained network and on ones with shuffled weights: what a prior draws
where nothing was learned is the prior's. Olah, Mordvintsev & Schubert 2017 (doi 10.23915/distill.00007) name the
families; magnitude-constrained phase is MACO (Fel et al. 2023, https://arxiv.org/abs/2306.06805).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import logits_of, run_of
from attribution.diagnostics._similarity import structural_similarity
from attribution.networks import Network, randomized
from attribution.scores import resolved, scores
from attribution.targets import Target

VERSION = 2
WEIGHTS = ("trained", "shuffled")
COLUMNS = ("logit", "probability", "high_frequencies", "judged_rank", "judged_logit", "judged_probability", "likeness")


def measure(
    subject: Subject,
    *,
    seed: int,
    index: int = 0,
    priors: Sequence[str] = ("none", "l2", "tv", "blur", "jitter", "fourier", "phase"),
    steps: int = 120,
    restarts: int = 1,
    seeds: int = 3,
    noise: float = 0.1,
) -> list[Row]:
    """A row of kind "seed" for each prior, ``weights`` ("trained", "shuffled"), seed and restart.

    ``logit``, ``probability``; ``high_frequencies``: the share of power above a quarter of a cycle a pixel;
    ``judged_rank`` (1 the first), ``_logit`` and ``_probability`` of the class on the subject's second network, where
    there is one: the first one draws;
    ``likeness``: SSIM with the image that the same prior and seed draw with shuffled weights, other weights with each
    seed. Then a row of kind "mean" for each prior and weights, with the range over seeds. ``noise`` is where the
    ascents begin: a shuffled ReLU network is flat around a plain colour. A stored visualization named “PRIOR WEIGHTS
    TURN”, turns counted from 0, stands in for an ascent. The prior phase keeps the magnitudes of the subject's images
    that are not of the class (``template``: how many; 0: 1/f).
    """
    (name, network), *others = subject.networks.items()
    if not 0 <= index < len(network.labels):
        raise ValueError(f"There is no class {index}; {name} has classes 0 to {len(network.labels) - 1}.")
    second = others[0][1] if others else None
    template = of_other_classes(subject, network, index)
    about: Row = {"network": name, "index": index, "label": network.labels[index]}
    turns = [(prior, turn) for prior in priors for turn in range(seeds)]
    found: list[Row] = []
    for done, (prior, turn) in enumerate(turns):
        drawn: dict[str, Tensor] = {}
        for weights in WEIGHTS:
            asked = network if weights == "trained" else randomized(network, seed=seed + turn)
            stored = subject.visualizations.get(f"{prior} {weights} {turn}")
            drawn[weights] = (
                stored
                if stored is not None
                else run_of(subject)(
                    "visualizations",
                    "class_model",
                    network=asked,
                    target=Target(index=index),
                    seed=seed + turn,
                    template=template if prior == "phase" else None,
                    parameters={"prior": prior, "steps": steps, "restarts": restarts, "noise": noise},
                ).images
            )
            columns = _columns(asked, second, drawn[weights], index, network.labels[index])
            found += [
                {
                    **about,
                    "kind": "seed",
                    "prior": prior,
                    "weights": weights,
                    "seed": seed + turn,
                    "restart": restart,
                    "template": len(template) if template is not None and prior == "phase" else 0,
                    **{column: values[restart] for column, values in columns.items()},
                }
                for restart in range(len(drawn[weights]))
            ]
        alike = structural_similarity(drawn["trained"], drawn["shuffled"]).tolist()
        for row in found[-2 * len(alike) :]:
            row["likeness"] = alike[int(row["restart"] or 0)]
        subject.progress((done + 1) / len(turns))
    return found + [_mean(about, found, prior, weights) for prior in priors for weights in WEIGHTS]


def of_other_classes(subject: Subject, network: Network, index: int) -> Tensor | None:
    """The subject's images (n, 3, H, W) that are not of the class, by label or where there is none by the answer."""
    if subject.images is None or not len(subject.images):
        return None
    answered = logits_of(network, subject.images).argmax(1).tolist()
    labels = [subject.labels[image] if image < len(subject.labels) else None for image in range(len(answered))]
    other = [(label if label is not None else answer) != index for label, answer in zip(labels, answered, strict=True)]
    found = subject.images[torch.tensor(other, device=subject.images.device)]
    return found if len(found) else None


def high_frequencies(images: Tensor, *, above: float = 0.25) -> Tensor:
    """The share (N,) of an image's power, without its mean, at more than ``above`` cycles a pixel."""
    height, width = images.shape[-2:]
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().sum(1)  # (N, H, W)
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None, :]).to(images.device)
    share: Tensor = power[:, frequency > above].sum(1) / power.flatten(1).sum(1).clamp(min=1e-30)
    return share


def _columns(
    asked: Network, second: Network | None, images: Tensor, index: int, label: str
) -> dict[str, Sequence[float | None]]:
    targets = resolved(asked, images, [Target(index=index)] * len(images))
    with torch.no_grad():
        reached = scores(asked, images, targets).tolist()
    return {
        "logit": reached,
        "probability": logits_of(asked, images).softmax(1)[:, index].tolist(),
        "high_frequencies": high_frequencies(images).tolist(),
        **_judged(second, images, label),
    }


def _judged(second: Network | None, images: Tensor, label: str) -> dict[str, Sequence[float | None]]:
    if second is None or label not in second.labels:
        return dict.fromkeys(("judged_rank", "judged_logit", "judged_probability"), [None] * len(images))
    wanted, size = second.labels.index(label), (second.view.size, second.view.size)
    if images.shape[-2:] != size:
        images = interpolate(images, size, mode="bilinear", antialias=True)
    logits = logits_of(second, images)
    order = logits.argsort(dim=1, descending=True)
    return {
        "judged_rank": [int((row == wanted).nonzero()[0, 0]) + 1 for row in order],
        "judged_logit": logits[:, wanted].tolist(),
        "judged_probability": logits.softmax(1)[:, wanted].tolist(),
    }


def _mean(about: Row, rows: Sequence[Row], prior: str, weights: str) -> Row:
    own = [row for row in rows if row["prior"] == prior and row["weights"] == weights]
    mean: Row = {**about, "kind": "mean", "prior": prior, "weights": weights, "template": own[0]["template"]}
    for column in COLUMNS:
        values = [float(value) for row in own if (value := row[column]) is not None]
        mean |= {
            column: sum(values) / len(values) if values else None,
            f"{column}_low": min(values, default=None),
            f"{column}_high": max(values, default=None),
        }
    return {**mean, "ascents": len(own), "interval": "range over seeds"}
