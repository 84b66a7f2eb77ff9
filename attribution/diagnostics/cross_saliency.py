"""Cross saliency.

Is the map of one class on an image another than that of the next class? The K x K matrix of rank correlations between
the class maps of each image, all from one forward pass, beside the same matrix of a network with shuffled weights.
Class-insensitive maps were found by Nie et al. 2018 (https://arxiv.org/abs/1805.07039) and Adebayo et al. 2018.
"""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import each_network, images_of, logits_of, with_summaries
from attribution.diagnostics._intervals import ALIKE
from attribution.diagnostics._similarity import correlation, rank_correlation
from attribution.networks import Network, randomized
from attribution.reductions import reduce_colours
from attribution.scores import chunked, last_relu, logits_before_relu

VERSION = 2
VALUES = {"correlation": ALIKE, "signed": ALIKE}


def measure(
    subject: Subject,
    *,
    seed: int,
    classes: Sequence[int] = (),
    most: int = 8,
    randomized_too: bool = True,
    reduction: str = "max_abs",
) -> list[Row]:
    """A row for each image and pair of classes: ``correlation`` of their maps, ``signed`` of their signed gradients.

    ``classes`` () takes at most ``most``: those of the images' labels first, then the network's commonest answers.
    ``image`` None is the mean over images; ``weights`` is "trained" or "shuffled".
    """
    images = images_of(subject)
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        chosen = list(classes) or common_classes(network, images, subject.labels, most)
        if len(set(chosen)) < 2 or not all(0 <= index < len(network.labels) for index in chosen):
            raise ValueError(f"Cross saliency needs at least two of the network's {len(network.labels)} classes.")
        kinds = {"trained": network} | ({"shuffled": randomized(network, seed=seed)} if randomized_too else {})
        for turn, (weights, asked) in enumerate(kinds.items()):
            slopes = class_gradients(asked, images, chosen)  # (N, K, 3, H, W)
            count, length = slopes.shape[:2]
            maps = reduce_colours(slopes.flatten(0, 1), reduction).view(count, length, -1)
            for i, one in enumerate(chosen):
                for j, other in enumerate(chosen):
                    if j < i:
                        continue
                    alike = rank_correlation(maps[:, i], maps[:, j]).tolist()
                    signed = correlation(slopes[:, i], slopes[:, j]).tolist()
                    rows += [
                        {
                            "network": name,
                            "weights": weights,
                            "one": one,
                            "other": other,
                            "one_label": network.labels[one],
                            "other_label": network.labels[other],
                            "is_same": one == other,
                            "image": subject.image_names[image],
                            "correlation": alike[image],
                            "signed": signed[image],
                        }
                        for image in range(count)
                    ]
            told((turn + 1) / len(kinds))
    by = ("network", "weights", "one", "other", "one_label", "other_label", "is_same")
    pairs = with_summaries(rows, by, VALUES, seed=seed)
    return pairs + over_pairs(rows, seed=seed)


def over_pairs(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """A row for each network and kind of weights: the mean over images of each image's mean over different classes."""
    of_image: dict[tuple[object, object, object], list[Row]] = {}
    for row in rows:
        if not row["is_same"]:
            of_image.setdefault((row["network"], row["weights"], row["image"]), []).append(row)
    means: list[Row] = [
        {
            "network": str(network),
            "weights": str(weights),
            "image": str(image),
            "pairs": "different classes",
            **{
                column: sum(float(row[column] or 0) for row in members) / len(members)
                for column in ("correlation", "signed")
            },
        }
        for (network, weights, image), members in of_image.items()
    ]
    summed = with_summaries(means, ("network", "weights", "pairs"), VALUES, seed=seed)
    return [row for row in summed if row["image"] is None]


def common_classes(network: Network, images: Tensor, labels: Sequence[int | None], most: int) -> list[int]:
    """At most ``most`` classes: those of the labels, the commonest first, then the network's commonest answers."""
    known = Counter(label for label in labels if label is not None and label < len(network.labels))
    logits = logits_of(network, images)
    said = Counter(logits.argmax(1).tolist())
    likely = Counter(logits.topk(min(most, logits.shape[1]), dim=1).indices.flatten().tolist())
    ordered = [index for counted in (known, said, likely) for index, _ in counted.most_common()]
    return list(dict.fromkeys(ordered))[:most]


def class_gradients(network: Network, images: Tensor, classes: Sequence[int]) -> Tensor:
    """d S_k / dx (N, K, 3, H, W) of several classes: one forward pass a chunk for all classes.

    They go back together, but one after the other through batch normalisation, which is slow for many at once.
    A network that ends in a ReLU is asked before it, where every score has a slope.
    """
    before = last_relu(network, images[:1]) is not None
    has_norms = any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())

    def compute(part: slice) -> Tensor:
        with torch.enable_grad():
            inputs = images[part].detach().requires_grad_()
            logits = logits_before_relu(network, inputs) if before else network(inputs)
            wanted = logits[:, list(classes)]  # (B, K)
            if has_norms:
                each = [torch.autograd.grad(wanted[:, k].sum(), inputs, retain_graph=True) for k in range(len(classes))]
                return torch.stack([slopes for (slopes,) in each], dim=1)
            ways = torch.eye(len(classes), device=images.device)[:, None, :].expand(-1, len(inputs), -1)
            (slopes,) = torch.autograd.grad(wanted, inputs, ways, is_grads_batched=True)  # (K, B, 3, H, W)
        return slopes.transpose(0, 1)

    return chunked(network, compute, len(images))
