"""Randomisation.

Does the map change when the network forgets? The layers' weights are shuffled one after the other, from the answer down
to the image, and each map is compared with the first (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292: Spearman's
correlation and SSIM); and with the map of another class, drawn at random (Sixt, Granz & Landgraf 2020, random logit).
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attribution.diagnostics import Row, Subject
from attribution.diagnostics._asking import answers, each_network, images_of, run_of, with_summaries
from attribution.diagnostics._intervals import ALIKE
from attribution.diagnostics._similarity import rank_correlation, structural_similarity, unit_range
from attribution.networks import Network
from attribution.randomness import generator
from attribution.scores import resolved
from attribution.targets import Target

VERSION = 2


def measure(
    subject: Subject,
    *,
    seed: int,
    methods: Sequence[str] = ("gradient", "guided_backprop"),
    stages: int = 5,
) -> list[Row]:
    """A row for each network, method, test ("cascade", "random logit"), stage and image: ``rank`` and ``ssim``.

    ``layers`` is how many of the ``of`` layers with weights are shuffled (0 none), ``layer`` the last one of them.
    Absolute values are compared, SSIM after bringing each map to [0, 1]. ``image`` None is the mean over images.
    """
    images = images_of(subject)
    if stages < 1:
        raise ValueError("A cascade has at least one stage.")
    rows: list[Row] = []
    for name, network, told in each_network(subject):
        targets = answers(network, images)
        layers = _layers(network)
        counts = sorted({max(round((stage + 1) * len(layers) / stages), 1) for stage in range(stages)})
        for number, method in enumerate(methods):

            def map_of(asked: Network, wanted: Sequence[Target], method: str = method) -> Tensor:
                maps: Tensor = run_of(subject)(
                    "methods", method, network=asked, images=images, targets=wanted, seed=seed
                )
                return maps.abs().amax(1, keepdim=True)

            first = map_of(network, targets)

            def compare(other: Tensor, first: Tensor = first, method: str = method, **about: str | int) -> list[Row]:
                alike = rank_correlation(first, other).tolist()
                ssim = structural_similarity(unit_range(first), unit_range(other)).tolist()
                return [
                    {
                        "network": name,  # noqa: B023 - called in this turn only
                        "method": method,
                        **about,
                        "image": subject.image_names[image],
                        "rank": alike[image],
                        "ssim": ssim[image],
                    }
                    for image in range(len(images))
                ]

            for count in counts:
                shuffled = shuffled_from_the_top(network, layers[:count], seed=seed)
                wanted = resolved(shuffled, images, [Target(index=target.index) for target in targets])
                rows += compare(
                    map_of(shuffled, wanted), test="cascade", layers=count, of=len(layers), layer=layers[count - 1]
                )
            drawn = resolved(network, images, _others(targets, len(network.labels), images, seed))
            rows += compare(map_of(network, drawn), test="random logit", layers=0, of=len(layers), layer="")
            told((number + 1) / len(methods))
    return with_summaries(
        rows, ("network", "method", "test", "layers", "of", "layer"), {"rank": ALIKE, "ssim": ALIKE}, seed=seed
    )


def shuffled_from_the_top(network: Network, layers: Sequence[str], *, seed: int) -> Network:
    """A copy in which the weights of these layers are shuffled, each within itself."""
    changed = copy.deepcopy(network)
    numbers = generator(seed)
    with torch.no_grad():
        for layer in layers:
            for parameter in changed.get_submodule(f"model.{layer}").parameters(recurse=False):
                order = torch.randperm(parameter.numel(), generator=numbers).to(parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return changed


def _layers(network: Network) -> list[str]:
    """The names of the modules that have weights of their own, the one nearest to the answer first."""
    own = [
        name
        for name, module in network.model.named_modules()
        if name and any(True for _ in module.parameters(recurse=False)) and not isinstance(module, nn.ModuleList)
    ]
    if not own:
        raise ValueError("The network has no module with weights of its own, so there is nothing to shuffle.")
    return own[::-1]


def _others(targets: Sequence[Target], classes: int, images: Tensor, seed: int) -> list[Target]:
    if classes < 2:
        raise ValueError("Another class to compare with needs at least two; this network has one.")
    found = []
    for target, image in zip(targets, images, strict=True):
        drawn = int(torch.randint(classes - 1, (1,), generator=generator(seed, image)))
        found.append(Target(index=drawn + (drawn >= (target.index or 0))))
    return found
