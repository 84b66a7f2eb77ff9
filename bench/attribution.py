"""Seconds of CPU a map as multiples of a forward pass, and the same from captum in this process.

F is a forward pass of one image at batch 8, without gradients, as this network runs it here. Weights are random: speed
does not ask what was learned. ``GANDER_DEVICE=cuda`` measures on a GPU, in wall time.
"""

import copy
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import captum.attr
import torch
from torch import Tensor, nn

from attribution import methods
from attribution.diagnostics.cross_saliency import class_gradients
from attribution.networks import Network, View
from attribution.networks._quick import quicken
from attribution.networks._torchvision_operators import declare
from attribution.targets import Target
from bench import _memory

declare()
from torchvision import models  # noqa: E402

ARCHITECTURES = ("alexnet", "resnet18")
REPEATS, CASE_SECONDS = 5, 20  # at most as often, and as long by the clock; each work at least once
CLASSES = [97 * number for number in range(10)]
DEVICE = os.environ.get("GANDER_DEVICE") or "cpu"
MEMORY: tuple[tuple[str, dict[str, Any], int], ...] = (  # a full chunk, and several
    ("gradient", {}, 16),
    ("gradient", {}, 64),
    ("smoothgrad", {"samples": 32}, 1),
    ("smoothgrad", {"samples": 128}, 1),
    ("occlusion", {"stride": 0.143}, 1),
    ("occlusion", {"stride": 0.0357}, 1),
)
# glibc raises the size from which it gives memory back as it goes; what it keeps in pieces would count as ours.
PLAIN_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
MEGABYTE = 2**20


class Case(NamedTuple):
    """A method, the passes or windows that one map takes, and captum's call for some images and class indices."""

    name: str
    images: int  # measured together, so that a repeat stays short
    passes: int
    target: float  # F that each of these may cost
    faster: float  # than captum one image at a time
    captum: Callable[[Network, Tensor, list[int], bool], object]  # last: well batched


def saliency(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    return captum.attr.Saliency(network).attribute(images.requires_grad_(), target=indices)


def guided(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    return captum.attr.GuidedBackprop(network).attribute(images.requires_grad_(), target=indices)


def smoothgrad(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(network))
    return tunnel.attribute(
        images, nt_samples=25, nt_samples_batch_size=25 if batched else 1, stdevs=0.15, target=indices, abs=False
    )


def integrated(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    baselines, size = network.mean.expand_as(images), 16 if batched else 1
    peer = captum.attr.IntegratedGradients(network)
    return peer.attribute(
        images, baselines=baselines, target=indices, n_steps=32, method="gausslegendre", internal_batch_size=size
    )


def occlusion(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    return captum.attr.Occlusion(network).attribute(
        images,
        sliding_window_shapes=(3, 32, 32),
        strides=(3, 16, 16),
        baselines=network.mean.expand_as(images),
        target=indices,
        perturbations_per_eval=16 if batched else 1,
    )


def ten_classes(network: Network, images: Tensor, indices: list[int], batched: bool) -> object:
    if batched:
        return saliency(network, images.repeat(len(CLASSES), 1, 1, 1), CLASSES, True)
    return [saliency(network, images.clone(), [index], False) for index in CLASSES]


CASES = (
    Case("gradient", 16, 1, 2.5, 1.5, saliency),
    Case("guided_backprop", 16, 1, 2.5, 1.5, guided),
    Case("10 classes", 1, 10, 2.5, 1.8, ten_classes),
    Case("smoothgrad", 1, 25, 2.5, 1.3, smoothgrad),
    Case("integrated_gradients", 1, 32, 2.5, 1.3, integrated),
    Case("occlusion", 1, 169, 1.0, 1.6, occlusion),
)


def seconds(*works: Callable[[], object]) -> list[float]:
    """The median CPU time of each work (on a GPU, its wall time), in turns, so that a busy machine slows all alike."""
    taken: list[list[float]] = [[] for _ in works]
    until, turn = time.perf_counter() + CASE_SECONDS, 0
    while not turn or (turn <= REPEATS and time.perf_counter() < until):
        for work, times in zip(works, taken, strict=True):
            began = _clock()
            work()
            times.append(_clock() - began)
        turn += 1
    return [statistics.median(times[1:] or times) for times in taken]  # the first turn warms up


def _clock() -> float:
    if DEVICE == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def networks_of(architecture: str) -> tuple[Network, Network, Network]:
    """The same random network as compute opens it, as captum is usually given it, and as captum is well given it.

    The last one is frozen, with colours last, as it would be by anybody who cares for speed; the second is not.
    """
    torch.manual_seed(0)
    model = models.get_model(architecture, weights=None)
    ours, usual, plain = (_network(each) for each in (model, copy.deepcopy(model), copy.deepcopy(model)))
    usual.requires_grad_(True)
    for each in (usual, plain):  # captum's guided back-propagation fails on ReLUs that work in place
        for module in each.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
    plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return quicken(ours.to(DEVICE)), usual.to(DEVICE), plain.to(DEVICE)


def _network(model: nn.Module) -> Network:
    labels = [str(index) for index in range(1000)]
    return Network(model, labels=labels, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225], view=View(256, 224))


def measure(architecture: str) -> None:
    """Write a row for each case on one architecture."""
    ours, usual, plain = networks_of(architecture)
    images = torch.rand(16, 3, 224, 224, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    indices = [(37 * row) % 1000 for row in range(16)]

    def forward() -> Tensor:
        with torch.no_grad():
            return ours(images[:8])

    for case in CASES:
        some, wanted = images[: case.images], indices[: case.images]

        def own(case: Case = case, some: Tensor = some, wanted: list[int] = wanted) -> object:
            if case.name == "10 classes":
                return class_gradients(ours, some, CLASSES)
            targets = [Target(index=index) for index in wanted]
            return methods.run(case.name, ours, some, targets, seed=0, parameters={})

        def one_by_one(case: Case = case, some: Tensor = some, wanted: list[int] = wanted) -> object:
            pairs = zip(some, wanted, strict=True)
            return [case.captum(usual, image[None].clone(), [index], False) for image, index in pairs]

        def batched(case: Case = case, some: Tensor = some, wanted: list[int] = wanted) -> object:
            return case.captum(plain, some.clone(), wanted, True)

        timed = seconds(forward, own, one_by_one, batched)
        pass_seconds = timed[0] / 8
        taken, alone, together = (each / case.images for each in timed[1:])
        cost = taken / case.passes / pass_seconds
        write(
            [
                architecture,
                case.name,
                f"{taken:.3f}",
                f"{taken / pass_seconds:.1f}",
                f"{cost:.2f} (<= {case.target}: {_verdict(cost <= case.target)})",
                f"{alone / taken:.2f} (>= {case.faster}: {_verdict(alone / taken >= case.faster)})",
                f"{together / taken:.2f} (>= 0.95: {_verdict(together / taken >= 0.95)})",
            ]
        )


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def peak(number: int) -> float:
    """Megabytes that one of the MEMORY works adds to this process, which does nothing else."""
    ours, _, _ = networks_of("resnet18")
    name, parameters, count = MEMORY[number]
    images = torch.rand(count, 3, 224, 224).to(DEVICE)
    targets = [Target(index=row) for row in range(count)]
    methods.run("gradient", ours, images[:1], targets[:1], seed=0, parameters={})  # what libraries take once
    if DEVICE != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated() / MEGABYTE
        methods.run(name, ours, images, targets, seed=0, parameters=parameters)
        return torch.cuda.max_memory_allocated() / MEGABYTE - before
    before = _memory.peak()
    methods.run(name, ours, images, targets, seed=0, parameters=parameters)
    return _memory.peak() - before


def write(cells: Sequence[str]) -> None:
    widths = (10, 21, 8, 8, 23, 23, 24)
    sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n")
    sys.stdout.flush()


def main() -> None:
    torch.set_num_threads(1)
    if sys.argv[1:]:  # in a process of its own, asked for below
        sys.stdout.write(f"{peak(int(sys.argv[1])):.0f}")
        return
    clock = "CPU time, one thread" if DEVICE == "cpu" else f"wall time on {torch.cuda.get_device_name()}"
    sys.stdout.write(f"{clock}; medians; F = one image's forward pass at batch 8; random weights, 224 px.\n")
    write(
        [
            "network",
            "method",
            "s / map",
            "F / map",
            "F / pass or window",
            "captum 1 by 1 / ours",
            "captum batched / ours",
        ]
    )
    for architecture in ARCHITECTURES:
        measure(architecture)
    sys.stdout.write(
        "\nPeak memory that a work adds, ResNet-18, each in its own process: that of a chunk, and the maps.\n"
    )
    for number, (name, parameters, count) in enumerate(MEMORY):
        run = subprocess.run(
            [sys.executable, "-m", "bench.attribution", str(number)],
            capture_output=True,
            text=True,
            env={**os.environ, **PLAIN_MALLOC},
        )
        what = ", ".join(
            [f"{count} image{'s' * (count > 1)}", *(f"{key} {value}" for key, value in parameters.items())]
        )
        sys.stdout.write(f"{name:12} {what:32} {run.stdout or run.stderr[-300:]} MB\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
