"""Agreement of the ReLU rules.

Deconvolution (Zeiler & Fergus 2014), back-propagation (Simonyan et al. 2013) and guided back-propagation (Springenberg
et al. 2015, https://arxiv.org/abs/1412.6806) differ at ReLUs alone: the cosine between what each two send to every
layer, from the class score down to the image.
"""

from itertools import combinations

from torch import Tensor

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, with_summaries
from attribution.diagnostics._intervals import ALIKE
from attribution.diagnostics._rectified import arriving
from attribution.diagnostics._similarity import cosine
from attribution.networks import Network
from attribution.rectifiers import Rule
from attribution.scores import chunked
from attribution.targets import Target

VERSION = 2
RULES: tuple[Rule, ...] = ("back-propagation", "deconvolution", "guided")


def measure(subject: Subject, *, seed: int) -> list[Row]:
    """A row for each image, layer and pair of rules: ``cosine``; ``depth`` counts layers from the answer, 0 the last.

    All three start at the class score of the network's own answer. ``image`` None is the mean over images; the layer
    “image” is the map itself. Raises NothingToActOnError where the network has no ReLU.
    """
    images = images_of(subject)
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        targets = answers(network, images)
        layers: list[tuple[str, str]] = []

        def compute(
            part: slice,
            network: Network = network,
            targets: list[Target] = targets,
            layers: list[tuple[str, str]] = layers,
        ) -> Tensor:
            by_rule = {rule: arriving(network, images[part], targets[part], rule) for rule in RULES}
            layers[:] = [(layer, kind) for layer, kind, _ in by_rule["back-propagation"]]
            pairs = [
                [cosine(one[2], other[2]) for one, other in zip(by_rule[a], by_rule[b], strict=True)]
                for a, b in combinations(RULES, 2)
            ]
            return images.new_tensor([[[float(v) for v in c] for c in pair] for pair in pairs]).permute(2, 0, 1)

        found = chunked(network, compute, len(images))  # (N, pairs, layers)
        told(1.0)
        for pair, (one, other) in enumerate(combinations(RULES, 2)):
            for place, (layer, kind) in enumerate(layers):
                rows += [
                    {
                        "network": name,
                        "one": one,
                        "other": other,
                        "layer": layer,
                        "kind": kind,
                        "depth": len(layers) - 1 - place,
                        "image": subject.image_names[image],
                        "cosine": float(found[image, pair, place]),
                    }
                    for image in range(len(images))
                ]
    return with_summaries(rows, ("network", "one", "other", "layer", "kind", "depth"), {"cosine": ALIKE}, seed=seed)
