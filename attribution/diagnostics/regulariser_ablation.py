"""Ablation of the regulariser.

Why is the image regularised? Each prior on the trained network and on one with shuffled weights: what a prior draws
where nothing was learned is the prior's. Olah, Mordvintsev & Schubert 2017 (doi 10.23915/distill.00007) name the
families; magnitude-constrained phase is MACO (Fel et al. 2023, https://arxiv.org/abs/2306.06805).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, logits_of, run_of
from attribution.diagnostics._similarity import structural_similarity
from attribution.networks import Network, randomized
from attribution.scores import resolved, scores
from attribution.targets import Target

VERSION = 1


def measure(
    subject: Subject,
    *,
    seed: int,
    index: int = 0,
    priors: Sequence[str] = ("none", "l2", "tv", "blur", "jitter", "fourier", "phase"),
    steps: int = 120,
    restarts: int = 2,
    seeds: int = 2,
) -> list[Row]:
    """A row for each network, prior, ``weights`` ("trained", "shuffled"), seed and restart.

    ``logit``, ``probability``; ``high_frequencies``: the share of power above a quarter of a cycle a pixel; ``judged``:
    the rank (1 the first) of the class on a second network, where the subject has one; ``likeness``: SSIM with the
    image that the same prior and seed draw on the shuffled network. A stored visualization named “PRIOR WEIGHTS” stands
    in for the ascents of the first seed.
    """
    rows: list[Row] = []
    others = list(subject.networks.items())
    for name, network, told in each_network(subject):
        if not 0 <= index < len(network.labels):
            raise ValueError(f"There is no class {index}; {name} has classes 0 to {len(network.labels) - 1}.")
        second = next((other for label, other in others if label != name), None)
        turns = [(prior, turn) for prior in priors for turn in range(seeds)]
        for done, (prior, turn) in enumerate(turns):
            drawn: dict[str, Tensor] = {}
            for weights in ("trained", "shuffled"):
                asked = network if weights == "trained" else randomized(network, seed=seed)
                stored = subject.visualizations.get(f"{prior} {weights}") if turn == 0 else None
                drawn[weights] = (
                    stored
                    if stored is not None
                    else run_of(subject)(
                        "visualizations",
                        "class_model",
                        network=asked,
                        target=Target(index=index),
                        seed=seed + turn,
                        parameters={"prior": prior, "steps": steps, "restarts": restarts},
                    ).images
                )
                targets = resolved(asked, drawn[weights], [Target(index=index)] * len(drawn[weights]))
                with torch.no_grad():
                    reached = scores(asked, drawn[weights], targets).tolist()
                p = logits_of(asked, drawn[weights]).softmax(1)[:, index].tolist()
                high = high_frequencies(drawn[weights]).tolist()
                judged = _ranks(second, drawn[weights], network.labels[index])
                rows += [
                    {
                        "network": name,
                        "index": index,
                        "label": network.labels[index],
                        "prior": prior,
                        "weights": weights,
                        "seed": seed + turn,
                        "restart": restart,
                        "logit": reached[restart],
                        "probability": p[restart],
                        "high_frequencies": high[restart],
                        "judged": judged[restart],
                    }
                    for restart in range(len(drawn[weights]))
                ]
            alike = structural_similarity(drawn["trained"], drawn["shuffled"]).tolist()
            for row in rows[-2 * len(alike) :]:
                row["likeness"] = alike[int(row["restart"] or 0)]
            told((done + 1) / len(turns))
    return rows


def high_frequencies(images: Tensor, *, above: float = 0.25) -> Tensor:
    """The share (N,) of an image's power, without its mean, at more than ``above`` cycles a pixel."""
    height, width = images.shape[-2:]
    power = torch.fft.fft2(images - images.mean((2, 3), keepdim=True)).abs().square().sum(1)  # (N, H, W)
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None, :]).to(images.device)
    share: Tensor = power[:, frequency > above].sum(1) / power.flatten(1).sum(1).clamp(min=1e-30)
    return share


def _ranks(second: Network | None, images: Tensor, label: str) -> list[int | None]:
    if second is None or label not in second.labels:
        return [None] * len(images)
    wanted = second.labels.index(label)
    order = logits_of(second, images).argsort(dim=1, descending=True)
    return [int((row == wanted).nonzero()[0, 0]) + 1 for row in order]
