"""Whatever captum has as well, against captum: on architectures with in-place ReLUs and on the demo network."""

import copy
import itertools
from typing import Any

import captum.attr
import captum.metrics
import pytest
import torch
from torch import Tensor, nn

from attribution import methods
from attribution.diagnostics._infidelity import infidelity
from attribution.networks import Network, View
from attribution.networks._torchvision_operators import declare
from attribution.networks.scenes import load
from attribution.rectifiers import ruled_gradients
from attribution.smoothing import noise
from tests.attribution import small
from tests.attribution.demo_rows import CHECKPOINT
from tests.attribution.test_methods_of_gradients import INDICES, TARGETS, run, same

declare()
from torchvision import models  # noqa: E402
from torchvision.models.vgg import cfgs, make_layers  # noqa: E402

SIZE = 64


def vgg11(num_classes: int) -> nn.Module:
    """VGG-11 with a light head: its own has 120 million weights that say nothing here."""
    return nn.Sequential(
        make_layers(cfgs["A"], batch_norm=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, num_classes)
    )


BUILDERS = {"alexnet": models.alexnet, "vgg11": vgg11, "resnet18": models.resnet18}
LAYERS = {"alexnet": "features.10", "vgg11": "0.18", "resnet18": "layer4", "demo": "block4.normalisation"}


@pytest.fixture(scope="module", params=LAYERS)
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(architecture: str) -> Network:
    if architecture == "demo":
        return load(CHECKPOINT)
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    model = BUILDERS[architecture](num_classes=10)
    torch.random.set_rng_state(state)
    labels = [str(index) for index in range(10)]
    return Network(model, labels=labels, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225], view=View(SIZE, SIZE))


@pytest.fixture
def images() -> Tensor:
    return small.images(2, size=SIZE)


def not_in_place(network: Network) -> Network:
    """A copy for captum, whose hooks fail on in-place ReLUs."""
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return plain


def test_gradient_and_input_times_gradient_are_captums(network: Network, images: Tensor) -> None:
    captums = captum.attr.Saliency(network).attribute(images.clone(), target=INDICES, abs=False)
    same(run("gradient", network, images, TARGETS, reduction="signed"), captums)
    from_mean = run("gradient_input", network, images, TARGETS, baseline="mean")
    same(from_mean, (captums * (images - network.mean)).sum(1, keepdim=True))
    captums = captum.attr.InputXGradient(network).attribute(images.clone(), target=INDICES)
    same(run("gradient_input", network, images, TARGETS, reduction="signed"), captums)


def test_integrated_gradients_are_captums_and_complete(network: Network, images: Tensor) -> None:
    captums = captum.attr.IntegratedGradients(network).attribute(
        images, baselines=network.mean.expand_as(images), target=INDICES, n_steps=8, method="gausslegendre"
    )
    ours = methods.run(
        "integrated_gradients", network, images, TARGETS, seed=0, parameters={"steps": 8, "reduction": "signed"}
    )
    same(ours.maps, captums)
    with torch.no_grad():
        change = network(images)[[0, 1], INDICES] - network(network.mean.expand_as(images))[[0, 1], INDICES]
    for row, note in enumerate(ours.notes):
        assert note["score_difference"] == pytest.approx(float(change[row]), rel=1e-3, abs=1e-6)
        gap = float(ours.maps[row].sum() - change[row])
        assert note["completeness_gap"] == pytest.approx(gap, rel=1e-2, abs=1e-5)


@pytest.mark.parametrize(
    ("method", "kind"), [("smoothgrad", "smoothgrad"), ("smoothgrad_squared", "smoothgrad_sq"), ("vargrad", "vargrad")]
)
def test_noisy_gradients_are_captums_with_the_same_noise(
    network: Network, images: Tensor, method: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, deviation = 4, 0.2
    drawn = torch.cat([torch.stack(list(itertools.islice(noise(5, image), samples))) for image in images])
    monkeypatch.setattr(torch, "normal", lambda mean, std: mean + std * drawn)
    captums = captum.attr.NoiseTunnel(captum.attr.Saliency(network)).attribute(
        images.clone(), nt_type=kind, nt_samples=samples, stdevs=deviation, target=INDICES, abs=False
    )
    given = {"samples": samples, "deviation": deviation, "reduction": "signed"}
    same(run(method, network, images, TARGETS, **given), captums)


def test_occlusion_is_captums(network: Network, images: Tensor) -> None:
    captums = captum.attr.Occlusion(network).attribute(
        images,
        sliding_window_shapes=(3, 24, 24),
        strides=(3, 16, 16),
        baselines=network.mean.expand_as(images),
        target=INDICES,
    )
    same(run("occlusion", network, images, TARGETS, square=24 / SIZE, stride=16 / SIZE), captums[:, :1])


@pytest.mark.parametrize(
    ("method", "peer"), [("deconvnet", captum.attr.Deconvolution), ("guided_backprop", captum.attr.GuidedBackprop)]
)
def test_the_rules_at_relus_are_captums(network: Network, images: Tensor, method: str, peer: Any) -> None:
    captums = peer(not_in_place(network)).attribute(images.clone().requires_grad_(), target=INDICES)
    same(run(method, network, images, TARGETS, reduction="signed"), captums)


def test_the_three_rules_agree_but_at_relus(network: Network, images: Tensor) -> None:
    plain = run("gradient", network, images, TARGETS, reduction="signed")
    same(ruled_gradients(network, images, TARGETS, "back-propagation"), plain)
    for rule in ("deconvolution", "guided"):
        assert not torch.allclose(ruled_gradients(network, images, TARGETS, rule), plain)  # type: ignore[arg-type]


def test_grad_cam_is_captums(network: Network, architecture: str, images: Tensor) -> None:
    name, plain = LAYERS[architecture], not_in_place(network)
    peer = captum.attr.LayerGradCam(plain, plain.get_submodule(f"model.{name}"))
    captums = peer.attribute(images.clone(), target=INDICES, relu_attributions=False).detach()
    captums = captum.attr.LayerAttribution.interpolate(captums, (SIZE, SIZE), "bilinear")
    same(run("grad_cam", network, images, TARGETS, layer=name, relu=False), captums)
    assert run("grad_cam", network, images, TARGETS, layer=name).min() >= 0


@pytest.mark.parametrize("is_normalised", [False, True])
def test_infidelity_is_captums(network: Network, images: Tensor, is_normalised: bool) -> None:
    attributions = run("gradient_input", network, images, TARGETS, reduction="signed")
    perturbations = 0.1 * torch.randn(5, *images.shape, generator=torch.Generator().manual_seed(2))

    def changes(inputs: Tensor) -> tuple[Tensor, Tensor]:
        repeated = perturbations.transpose(0, 1).flatten(0, 1)  # captum repeats each image in place
        return repeated, inputs - repeated

    captums = captum.metrics.infidelity(
        network,
        changes,
        images,
        attributions,
        target=torch.tensor(INDICES),
        n_perturb_samples=5,
        max_examples_per_batch=10,
        normalize=is_normalised,
    )
    same(infidelity(network, images, TARGETS, attributions, perturbations, is_normalised=is_normalised), captums)
