"""Small networks and images for tests of the attribution engine."""

import torch
from torch import Tensor, nn

from attribution.networks import Network, View
from attribution.targets import Target

SIZE = 24


def network(classes: int = 5, *, seed: int = 0, activation: nn.Module | None = None, size: int = SIZE) -> Network:
    """Convolutions, batch norm, in-place ReLUs (one module used twice), max pool, linear: trained on nothing."""
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    shared = activation or nn.ReLU(inplace=True)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        shared,
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        shared,
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(108, classes),
    )
    statistics = model[1]
    assert isinstance(statistics, nn.BatchNorm2d)
    assert statistics.running_mean is not None
    assert statistics.running_var is not None
    statistics.running_mean.normal_(0, 0.3)
    statistics.running_var.uniform_(0.5, 2)
    torch.random.set_rng_state(torch_state)
    return _wrapped(model, classes, size)


def ends_in_relu(classes: int = 5, *, seed: int = 0) -> Network:
    """As SqueezeNet: a convolution to the classes, an in-place ReLU, an average pool."""
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, classes, 1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    torch.random.set_rng_state(torch_state)
    return _wrapped(model, classes, SIZE)


def _wrapped(model: nn.Module, classes: int, size: int) -> Network:
    labels = [f"class {number}" for number in range(classes)]
    return Network(model, labels=labels, mean=[0.48, 0.45, 0.4], std=[0.22, 0.23, 0.25], view=View(size, size))


def images(count: int = 3, *, size: int = SIZE, seed: int = 1) -> Tensor:
    """Smooth random images in [0, 1]."""
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)


def targets(count: int = 3, classes: int = 5) -> list[Target]:
    return [Target(index=number % classes) for number in range(count)]
