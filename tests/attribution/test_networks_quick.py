"""A network made quicker gives the same derivatives: first, second, and of many classes at once."""

import copy

import pytest
import torch
from torch import nn

from attribution import methods
from attribution.diagnostics.cross_saliency import class_gradients
from attribution.networks import Network
from attribution.networks._quick import StridedStem, quicken
from attribution.targets import Target
from tests.attribution import small


def pair(kernel: int, stride: int, padding: int, size: int, activation: nn.Module) -> tuple[Network, Network]:
    """The network as it is, and made quicker."""
    plain = small.network(size=size)
    torch.manual_seed(0)
    stem = nn.Conv2d(3, 8, kernel, stride=stride, padding=padding)
    plain.model = nn.Sequential(stem, activation, nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, 5))
    plain.requires_grad_(False)
    return plain, quicken(copy.deepcopy(plain))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [(7, 2, 3, 30), (11, 4, 2, 45), (5, 2, 0, 21), (4, 2, 1, 16), (9, 3, 4, 26)],
)
def test_the_derivative_is_that_of_the_strided_convolution(kernel: int, stride: int, padding: int, size: int) -> None:
    plain, quick = pair(kernel, stride, padding, size, nn.ReLU(inplace=True))
    assert type(quick.get_submodule("model.0")) is StridedStem
    images, targets = small.images(3, size=size), small.targets(3)
    given = {"reduction": "signed"}
    for method in ("gradient", "guided_backprop"):
        one, other = (
            methods.run(method, each, images, targets, seed=0, parameters=given).maps for each in (plain, quick)
        )
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6 * float(one.abs().max()))


def test_second_derivatives_and_many_classes_at_once_go_the_same_way() -> None:
    plain, quick = pair(7, 2, 3, 30, nn.Softplus())
    images = small.images(2, size=30)
    one, other = (
        methods.run(
            "second_order", each, images, small.targets(2), seed=0, parameters={"deviation": 0.0, "samples": 4}
        ).maps
        for each in (plain, quick)
    )
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * float(one.abs().max()))
    torch.testing.assert_close(class_gradients(plain, images, [0, 3, 1]), class_gradients(quick, images, [0, 3, 1]))


def test_weights_that_are_asked_for_a_derivative_get_it() -> None:
    _, quick = pair(7, 2, 3, 30, nn.ReLU())
    quick.requires_grad_(True)
    quick(small.images(1, size=30).requires_grad_()).sum().backward()
    weight = quick.get_submodule("model.0").weight
    assert isinstance(weight, nn.Parameter)
    assert weight.grad is not None
    assert weight.grad.abs().max() > 0


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.Conv2d(3, 8, 7, stride=2, padding=3, padding_mode="reflect"),
        nn.Conv2d(4, 8, 7, stride=2, padding=3),
        nn.Conv2d(3, 8, 7, stride=(2, 1), padding=3),
        nn.Conv2d(3, 9, 7, stride=2, padding=3, groups=3),
    ],
)
def test_other_convolutions_are_left_as_they_are(convolution: nn.Module) -> None:
    network = small.network()
    network.model = nn.Sequential(convolution)
    assert type(quicken(network).get_submodule("model.0")) is nn.Conv2d


def test_occlusion_and_gradient_of_a_quick_network_leave_nothing_behind() -> None:
    _, quick = pair(7, 2, 3, 30, nn.ReLU(inplace=True))
    state = {name: value.clone() for name, value in quick.state_dict().items()}
    for method in ("occlusion", "gradient"):
        methods.run(method, quick, small.images(1, size=30), [Target(index=1)], seed=0, parameters={})
    assert all(torch.equal(value, state[name]) for name, value in quick.state_dict().items())
    assert not any(weight.requires_grad or weight.grad is not None for weight in quick.parameters())
