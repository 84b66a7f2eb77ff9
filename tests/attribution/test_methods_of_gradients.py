"""Methods made of gradients, against slow versions and their own promises; against captum in test_captum.py."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import methods
from attribution.methods import UndefinedError
from attribution.networks import Network
from attribution.rectifiers import NothingToActOnError, ruled_gradients
from attribution.smoothing import blurred, in_cells, on_pixels
from attribution.targets import Target
from tests.attribution import small

INDICES = [3, 0]
TARGETS = [Target(index=index) for index in INDICES]


def run(method: str, network: Network, images: Tensor, targets: list[Target], seed: int = 5, **given: Any) -> Tensor:
    return methods.run(method, network, images, targets, seed=seed, parameters=given).maps


def same(ours: Tensor, captums: Tensor) -> None:
    captums = captums.detach()
    scale = float(captums.abs().max())
    assert scale > 0
    torch.testing.assert_close(ours / scale, captums / scale, rtol=1e-3, atol=1e-4)


def test_integrated_gradients_of_a_smooth_network_add_up_to_the_change_of_the_score() -> None:
    network, images = small.network(activation=nn.Softplus()), small.images(2)
    network.model[3] = nn.AvgPool2d(2)  # type: ignore[index]
    for baseline in ("mean", "black", "blurred"):
        found = methods.run("integrated_gradients", network, images, TARGETS, seed=0, parameters={"baseline": baseline})
        for note in found.notes:
            rounding = 1e-6  # of scores near 1 in single precision
            assert abs(note["completeness_gap"]) < 1e-4 * abs(note["score_difference"]) + rounding


def test_a_rule_that_meets_no_relu_below_a_unit_is_refused() -> None:
    network, images = small.network(), small.images(2)
    network.model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(484, 5))
    unit = [Target(module="1", channel=2)] * 2  # below the ReLU
    with pytest.raises(NothingToActOnError, match="plain gradient under another name"):
        ruled_gradients(network, images, unit, "guided")


@pytest.mark.parametrize("method", ["deconvnet", "guided_backprop"])
@pytest.mark.parametrize("activation", [nn.GELU(), nn.Softplus(), nn.SiLU()])
def test_a_rule_with_nothing_to_act_on_is_refused_in_words(method: str, activation: nn.Module) -> None:
    with pytest.raises(NothingToActOnError, match="are not ReLUs"):
        run(method, small.network(activation=activation), small.images(2), TARGETS)


@pytest.mark.parametrize("activation", [nn.ReLU6(), nn.ReLU6(inplace=True), nn.Hardtanh(0.0, 6.0)])
def test_a_relu_with_an_upper_bound_is_a_relu(activation: nn.Module) -> None:
    network, images = small.network(activation=activation), small.images(2)
    plain = run("gradient", network, images, TARGETS, reduction="signed")
    same(ruled_gradients(network, images, TARGETS, "back-propagation"), plain)
    assert not torch.allclose(ruled_gradients(network, images, TARGETS, "guided"), plain)


def test_relus_that_are_functions_follow_the_rule_as_modules_do() -> None:
    class Functions(nn.Module):
        def __init__(self, layers: nn.Sequential) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.layers[1](self.layers[0](x)))
            x = self.layers[4](self.layers[3](x))
            nn.functional.relu(x, inplace=True)  # its result is not even taken
            return self.layers[8](self.layers[7](self.layers[6](x)))

    modules, functions, images = small.network(), small.network(), small.images(2)
    functions.model = Functions(functions.model)  # type: ignore[arg-type]
    for method in ("gradient", "deconvnet", "guided_backprop"):
        torch.testing.assert_close(run(method, functions, images, TARGETS), run(method, modules, images, TARGETS))


def test_a_contrast_is_the_difference_of_two_gradients_and_names_the_closest_class() -> None:
    network, images = small.network(), small.images(2)
    found = methods.run("contrast", network, images, TARGETS, seed=0, parameters={"reduction": "signed"})
    logits = network(images)
    for row, note in enumerate(found.notes):
        order = [index for index in logits[row].argsort(descending=True).tolist() if index != INDICES[row]]
        assert note["against"] == order[0]
    others = [Target(index=note["against"]) for note in found.notes]
    slow = [run("gradient", network, images, targets, reduction="signed") for targets in (TARGETS, others)]
    torch.testing.assert_close(found.maps, slow[0] - slow[1])
    with pytest.raises(UndefinedError, match="with itself"):
        run("contrast", network, images, TARGETS, against=3)
    with pytest.raises(UndefinedError, match="has no other class"):
        run("contrast", network, images, [Target(module="4", channel=0)] * 2)


def test_grad_cam_refuses_what_has_no_positions() -> None:
    network, images = small.network(), small.images(2)
    with pytest.raises(UndefinedError, match="no positions"):
        run("grad_cam", network, images, TARGETS, layer="8")
    with pytest.raises(UndefinedError, match="no module “99”"):
        run("grad_cam", network, images, TARGETS, layer="99")
    network.model = nn.Sequential(nn.Flatten(), nn.Linear(3 * small.SIZE**2, 5))
    with pytest.raises(UndefinedError, match="this network has none"):
        run("grad_cam", network, images, TARGETS)


def test_a_blurred_gradient_is_a_convolution_of_the_gradient() -> None:
    network, images = small.network(), small.images(2)
    found = run("blurred_gradient", network, images, TARGETS, deviation=1 / small.SIZE)
    gradient = run("gradient", network, images, TARGETS)
    window = torch.exp(-0.5 * (torch.arange(-3, 4.0) ** 2))
    kernel = window[:, None] * window / (window.sum() ** 2)
    slow = (gradient[:, 0, 7:14, 7:14] * kernel).sum((1, 2))
    torch.testing.assert_close(found[:, 0, 10, 10], slow)
    assert found.sum() == pytest.approx(float(gradient.sum()), rel=1e-3)  # mirrored borders lose nothing


def test_a_blur_keeps_a_plain_image_and_takes_any_radius() -> None:
    plain = torch.full((1, 3, 4, 9), 0.3)
    for deviation in (0.0, 0.5, 3.0, 20.0):
        torch.testing.assert_close(blurred(plain, deviation), plain)


def test_edges_are_where_the_brightness_changes() -> None:
    images = torch.zeros(1, 3, 8, 8)
    images[:, :, :, 4:] = 1
    found = run("edges", small.network(), images, [Target(index=0)])[0, 0]
    assert (found[:, 3:5] > 0.49).all()
    assert found[:, :3].abs().max() == 0
    assert found[:, 5:].abs().max() == 0


def test_the_centre_is_highest_in_the_middle_and_even_to_all_sides() -> None:
    found = run("centre", small.network(), small.images(1, size=9), [Target(index=0)])[0, 0]
    assert int(found.argmax()) == 40
    torch.testing.assert_close(found, found.flip(0))
    torch.testing.assert_close(found, found.T)
    assert float(found[4, 4 + 2]) == pytest.approx(float(torch.exp(torch.tensor(-0.5 * (2 / 2.25) ** 2))))


def test_the_oracle_is_the_mask_and_refuses_images_without_one() -> None:
    masks = torch.zeros(2, 1, small.SIZE, small.SIZE, dtype=torch.bool)
    masks[:, :, 3:9, 4:7] = True
    given: dict[str, Any] = {"seed": 0, "parameters": {}}
    arguments = (small.network(), small.images(2), TARGETS)
    assert torch.equal(methods.run("oracle_mask", *arguments, **given, masks=masks).maps, masks.float())
    with pytest.raises(UndefinedError, match="neither masks nor boxes"):
        methods.run("oracle_mask", *arguments, **given)
    masks[1] = False
    with pytest.raises(UndefinedError, match="image 2 of 2"):
        methods.run("oracle_mask", *arguments, **given, masks=masks)


def test_noise_in_cells_and_derivatives_in_cells_are_each_others_transpose() -> None:
    cells = torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    derivatives = torch.randn(2, 3, 10, 7, generator=torch.Generator().manual_seed(1))
    shifted = (on_pixels(cells, 10, 7) * derivatives).sum((1, 2, 3))
    torch.testing.assert_close(shifted, (cells * in_cells(derivatives, 3)).sum((1, 2, 3)))
