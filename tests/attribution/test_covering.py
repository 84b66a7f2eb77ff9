"""Scores of changed rectangles: the same as of the whole images, from less work, whatever the network does."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from attribution.changes import Changed, Place
from attribution.covering import changed_scores
from attribution.networks import Network, View
from attribution.networks._torchvision_operators import declare
from attribution.scores import scores
from attribution.targets import Target
from tests.attribution import small

declare()
from torchvision import models  # noqa: E402

SIDE = 5
ARCHITECTURES = (
    "alexnet",
    "squeezenet1_1",
    "resnet18",
    "densenet121",
    "googlenet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "convnext_tiny",
    "swin_t",
)


def wrapped(model: nn.Module, size: int) -> Network:
    labels = [str(index) for index in range(4)]
    return Network(model, labels=labels, mean=[0.48, 0.45, 0.4], std=[0.22, 0.23, 0.25], view=View(size, size))


def both(network: Network, size: int, target: Target, count: int = 9) -> tuple[Tensor, Tensor]:
    """Scores of rectangles at the corners, the borders and elsewhere: followed, and from whole images."""
    numbers = torch.Generator().manual_seed(0)
    image, patches = small.images(1, size=size), torch.rand(count, 3, SIDE, SIDE, generator=numbers)
    last = size - SIDE
    places = [Place(0, 0), Place(0, last), Place(last, 0), Place(last, last)]
    places += [Place(*torch.randint(0, last + 1, (2,), generator=numbers).tolist()) for _ in range(count - 4)]
    network.chunk = 4
    followed = changed_scores(network, image, places, lambda part: patches[part], target)
    batch = image.repeat(count, 1, 1, 1)
    for one, patch, place in zip(batch, patches, places, strict=True):
        one[:, place.top : place.top + SIDE, place.left : place.left + SIDE] = patch
    with torch.no_grad():
        return followed, scores(network, batch, [target] * count)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scores_are_those_of_whole_images_in_every_family(architecture: str) -> None:
    state, size = torch.random.get_rng_state(), 72
    torch.manual_seed(0)
    options = {"aux_logits": False, "init_weights": False} if architecture == "googlenet" else {}
    model = models.get_model(architecture, weights=None, num_classes=4, **options)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # no layer that changes nothing
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    torch.random.set_rng_state(state)
    network = wrapped(model, size)
    with torch.no_grad():  # of an untrained SqueezeNet most logits are 0
        best = int(network(small.images(1, size=size)).argmax())
    followed, whole = both(network, size, Target(index=best))
    scale = float((whole - whole.mean()).abs().max())
    assert scale > 0
    torch.testing.assert_close(followed / scale, whole / scale, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=True),
        lambda: nn.Conv2d(3, 6, 5, padding=2, dilation=2, groups=3),
        lambda: nn.Conv2d(3, 4, (3, 1), padding=(1, 0), stride=(1, 3)),
        lambda: nn.Conv2d(3, 4, 3, padding="same"),
        lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"),
        lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
        lambda: nn.MaxPool2d(2, 2, padding=1),
        lambda: nn.AvgPool2d(3, 2),
        lambda: nn.AvgPool2d(3, 2, padding=1),
        lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Dropout(inplace=True), nn.Hardswish()),
    ],
)
def test_every_sliding_window_is_followed_exactly(layer: Callable[[], nn.Module]) -> None:
    torch.manual_seed(1)
    for size in (23, 24):
        model = nn.Sequential(layer(), nn.Flatten(), nn.LazyLinear(4))
        model(small.images(1, size=size))
        network = wrapped(model, size)
        followed, whole = both(network, size, Target(index=2))
        torch.testing.assert_close(followed, whole, rtol=1e-4, atol=1e-5)


class Odd(nn.Module):
    """Changes in place what is read later, adds what has positions, and asks for single pixels."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.position = nn.Parameter(torch.rand(1, 4, 24, 24))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.how == "assigned":
            x[:, 1] = 0.5
        elif self.how == "in place":
            x.abs_()
        elif self.how == "rectified":
            nn.functional.relu(x, inplace=True)
        elif self.how == "added":
            x += self.position
            x = x * self.position
        elif self.how == "same again":
            y = x
            y += 1
            x = torch.cat([x, y, self.first.forward(y[:, :3])], 1)
        return x.flatten(1)[:, ::97][:, :4]


@pytest.mark.parametrize("how", ["assigned", "in place", "rectified", "added", "same again", ""])
def test_whatever_a_network_does_with_an_activation_its_scores_are_right(how: str) -> None:
    torch.manual_seed(2)
    network = wrapped(Odd(how), 24)
    for index in range(4):
        followed, whole = both(network, 24, Target(index=index))
        torch.testing.assert_close(followed, whole, rtol=1e-4, atol=1e-5)


def test_units_and_the_score_before_a_last_relu_are_followed_too() -> None:
    network = small.ends_in_relu()
    for target in (Target(index=1, scalar="logit_before_relu"), Target(module="0", channel=3, position=(2, 4))):
        followed, whole = both(network, small.SIZE, target)
        torch.testing.assert_close(followed, whole, rtol=1e-4, atol=1e-5)


def test_only_what_a_rectangle_reaches_is_computed() -> None:
    network, seen = small.network(size=48), []
    network.model[4].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))  # type: ignore[index]
    both(network, 48, Target(index=1))
    followed = [each for each in seen if isinstance(each, Changed)]
    assert len(followed) == 3  # a chunk each
    assert all(each.patch.shape[-1] <= 5 for each in followed)  # of 24: 5 pixels, a margin, halved
