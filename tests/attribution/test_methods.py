"""Gradient, occlusion and random map against captum, slow versions and their own promises."""

from typing import Any

import captum.attr
import pytest
import torch
from torch import Tensor, nn

from attribution import methods
from attribution.networks import Network
from attribution.targets import Target
from attribution.windows import windows
from tests.attribution import small


def indices(targets: list[Target]) -> list[int]:
    return [target.index or 0 for target in targets]


def run(method: str, /, network: Network, images: Tensor, targets: list[Target], seed: int = 0, **given: Any) -> Tensor:
    return methods.run(method, network, images, targets, seed=seed, parameters=given).maps


@pytest.mark.parametrize("network", [small.network(), small.ends_in_relu()], ids=["linear head", "ends in ReLU"])
def test_the_gradient_is_captums(network: Network) -> None:
    images, targets = small.images(3), small.targets(3)
    captums: Tensor = captum.attr.Saliency(network).attribute(images.clone(), target=indices(targets), abs=False)
    expected = {
        "signed": captums,
        "max_abs": captums.abs().amax(1, keepdim=True),
        "sum_abs": captums.abs().sum(1, keepdim=True),
        "l2": torch.linalg.vector_norm(captums, dim=1, keepdim=True),
        "sum": captums.sum(1, keepdim=True),
    }
    for reduction, value in expected.items():
        torch.testing.assert_close(run("gradient", network, images, targets, reduction=reduction), value)


def test_the_gradient_costs_one_pass_a_chunk() -> None:
    network, passes = small.network(), []
    network.register_forward_pre_hook(lambda *_: passes.append(1))
    network.chunk = 4
    run("gradient", network, small.images(9), small.targets(9))
    assert len(passes) == 3


def test_an_unknown_reduction_or_parameter_is_refused_in_words() -> None:
    network, images, targets = small.network(), small.images(1), small.targets(1)
    with pytest.raises(ValueError, match="no reduction “median”; there are: max_abs"):
        run("gradient", network, images, targets, reduction="median")
    with pytest.raises(ValueError, match="has no parameter “squared”"):
        run("gradient", network, images, targets, squared=True)
    with pytest.raises(ValueError, match="There is no “lime”"):
        run("lime", network, images, targets)


@pytest.mark.parametrize(("square", "stride"), [(0.25, 0.125), (0.21, 0.13), (1.0, 1.0), (0.05, 0.05)])
def test_occlusion_is_captums(square: float, stride: float) -> None:
    network, images, targets = small.network(), small.images(2), small.targets(2)
    ours = run("occlusion", network, images, targets, square=square, stride=stride)
    side, step = max(round(square * small.SIZE), 1), max(round(stride * small.SIZE), 1)
    captums = captum.attr.Occlusion(network).attribute(
        images,
        sliding_window_shapes=(3, side, side),
        strides=(3, step, step),
        baselines=network.mean.expand_as(images),
        target=indices(targets),
    )
    torch.testing.assert_close(ours, captums[:, :1], rtol=1e-4, atol=1e-5)


def test_occlusion_finds_the_only_patch_that_counts_and_not_the_rest() -> None:
    network, images = small.network(), small.images(1)

    class Patch(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, :, 12:18, 6:12].sum((1, 2, 3))[:, None].repeat(1, 5)

    network.model = Patch()
    found = run("occlusion", network, images + 1, [Target(index=0)], square=0.25, stride=0.25)[0, 0]
    inside = found[12:18, 6:12]
    assert (inside > 1).all()
    assert found.sum() == pytest.approx(float(inside.sum()))


def test_the_windows_of_occlusion_cover_every_pixel_of_any_image() -> None:
    for height, width in [(24, 24), (7, 31), (1, 1), (13, 5)]:
        covered = torch.zeros(height, width)
        for window in windows(height, width, 0.3, 0.2):
            covered[window.top : window.bottom, window.left : window.right] += 1
        assert covered.min() >= 1
    with pytest.raises(ValueError, match="stride <= square"):
        windows(24, 24, 0.1, 0.3)


@pytest.mark.parametrize("method", ["gradient", "occlusion"])
def test_a_random_map_has_the_values_and_the_spectrum_of_the_methods_map_in_other_places(method: str) -> None:
    network, images, targets = small.network(size=48), small.images(2, size=48), small.targets(2)
    own = methods.run(method, network, images, targets, seed=0, parameters={}).maps
    random = run("random_map", network, images, targets, seed=5, method=method)
    other = run("random_map", network, images, targets, seed=6, method=method)
    assert torch.equal(random.flatten(1).sort().values, own.flatten(1).sort().values)
    assert not torch.equal(random, other)
    for one, scattered in zip(own, random, strict=True):
        amplitudes = torch.stack([torch.fft.rfft2(values[0]).abs().flatten()[1:] for values in (one, scattered)])
        assert torch.corrcoef(amplitudes)[0, 1] > 0.97
        assert abs(torch.corrcoef(torch.stack([one.flatten(), scattered.flatten()]))[0, 1]) < 0.5


def test_a_random_map_of_a_random_map_is_refused() -> None:
    with pytest.raises(ValueError, match="name that method"):
        run("random_map", small.network(), small.images(1), small.targets(1), method="random_map")
