"""Seconds of CPU a map as multiples of a forward pass, and the same from captum in this process.

F is a forward pass of one image at batch 8, without gradients, as this network runs it here. Weights are random: speed
does not ask what was learned. ``GANDER_DEVICE=cuda`` measures on a GPU, in wall time.
"""

import copy
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import captum.attr
import torch
from torch import Tensor

from attribution import methods
from attribution.networks import Network, View
from attribution.networks._torchvision_operators import declare
from attribution.targets import Target

declare()
from torchvision import models  # noqa: E402

ARCHITECTURES = ("alexnet", "resnet18")
IMAGES, REPEATS = 16, 5
DEVICE = os.environ.get("GANDER_DEVICE") or "cpu"


class Case(NamedTuple):
    """A method, the passes that one map takes, and captum's call for some images (N, 3, H, W) and class indices."""

    method: str
    parameters: dict[str, Any]
    images: int  # measured together, so that a repeat stays short
    passes: int
    captum: Callable[[Network, Tensor, list[int], bool], object]  # last: well batched
    target: float  # passes' worth of F that a map may cost


def saliency(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    return captum.attr.Saliency(network).attribute(images.requires_grad_(), target=indices)


def occlusion(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    return captum.attr.Occlusion(network).attribute(
        images,
        sliding_window_shapes=(3, 32, 32),
        strides=(3, 16, 16),
        baselines=network.mean.expand_as(images),
        target=indices,
        perturbations_per_eval=16 if batched else 1,
    )


CASES = (
    Case("gradient", {}, IMAGES, 1, saliency, 2.5),
    Case("occlusion", {}, 1, 169, occlusion, 1.0),
)


def seconds(*works: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """The median CPU time of each work (on a GPU, its wall time), in turns, so that a busy machine slows all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for work, times in zip(works, taken, strict=True):
            began = _clock()
            work()
            if turn:  # the first turn warms up
                times.append(_clock() - began)
    return [statistics.median(times) for times in taken]


def _clock() -> float:
    if DEVICE == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def networks_of(architecture: str) -> tuple[Network, Network]:
    """The same random network as compute opens it (frozen, colours last), and as captum is usually given it."""
    torch.manual_seed(0)
    model = models.get_model(architecture, weights=None)
    ours, usual = (_network(each) for each in (model, copy.deepcopy(model)))
    for module in ours.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    usual.requires_grad_(True)
    return ours.to(DEVICE), usual.to(DEVICE)


def _network(model: torch.nn.Module) -> Network:
    labels = [str(index) for index in range(1000)]
    return Network(model, labels=labels, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225], view=View(256, 224))


def measure(architecture: str) -> list[list[str]]:
    """A row of text for each case on one architecture."""
    ours, usual = networks_of(architecture)
    images = torch.rand(IMAGES, 3, 224, 224, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    indices = [(37 * row) % 1000 for row in range(IMAGES)]
    targets = [Target(index=index) for index in indices]

    def forward() -> Tensor:
        with torch.no_grad():
            return ours(images[:8])

    rows = []
    for case in CASES:
        count, repeats = case.images, REPEATS if case.passes < 20 else 3
        some = images[:count]

        def own(case: Case = case, some: Tensor = some) -> object:
            return methods.run(case.method, ours, some, targets[: len(some)], seed=0, parameters=case.parameters)

        def one_by_one(case: Case = case, some: Tensor = some) -> object:
            return [case.captum(usual, some[row : row + 1].clone(), [indices[row]], False) for row in range(len(some))]

        def batched(case: Case = case, some: Tensor = some) -> object:
            return case.captum(ours, some.clone(), indices[: len(some)], True)

        timed = seconds(forward, own, one_by_one, batched, repeats=repeats)
        pass_seconds = timed[0] / 8
        taken, alone, together = (each / count for each in timed[1:])
        cost = taken / case.passes / pass_seconds
        rows.append(
            [
                architecture,
                case.method,
                f"{taken:.3f}",
                f"{taken / pass_seconds:.1f}",
                f"{cost:.2f} (<= {case.target}: {'met' if cost <= case.target else 'MISSED'})",
                f"{alone / taken:.2f}",
                f"{together / taken:.2f}",
            ]
        )
        write(rows[-1])
    return rows


def write(cells: Sequence[str]) -> None:
    widths = (10, 22, 9, 9, 28, 15, 15)
    sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n")
    sys.stdout.flush()


def main() -> None:
    torch.set_num_threads(1)
    clock = "CPU time, one thread" if DEVICE == "cpu" else f"wall time on {torch.cuda.get_device_name()}"
    sys.stdout.write(f"{clock}; medians; F = one image's forward pass at batch 8; random weights, 224 px.\n")
    write(["network", "method", "s / map", "F / map", "F / pass or window", "captum 1 by 1", "captum batched"])
    for architecture in ARCHITECTURES:
        measure(architecture)
    sys.stdout.write("The last two columns are captum's time as a multiple of ours.\n")


if __name__ == "__main__":
    main()
