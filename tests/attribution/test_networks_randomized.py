"""The randomised network: a control that has learned nothing, yet answers and has gradients as a network does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings
from PIL import Image
from torch import Tensor

from attribution.compute import to_images
from attribution.networks import Network, randomized, scenes, torchvision

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"
DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"


def photos(folder: Path, network: Network) -> Tensor:
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".png", ".jpg")]
    chosen = files[:: max(1, len(files) // 16)][:16]
    return to_images([np.asarray(Image.open(path).convert("RGB")) for path in chosen], network)


@pytest.fixture(scope="module", params=["scenes", "squeezenet"])
def subject(request: pytest.FixtureRequest) -> tuple[Network, Tensor]:
    """A network with batch normalisation and one without, each with images it knows."""
    if request.param == "scenes":
        network = scenes.load(DEMO / "demo.safetensors")
        return network, photos(DEMO / "scenes", network)
    if not DATA.is_dir():
        pytest.skip("the real networks and photos of ../shared/data are not here")
    network = torchvision.load(DATA / "networks" / "squeezenet1_1.pth", architecture="squeezenet1_1")
    return network, photos(DATA / "photos", network)


def gradient_norm(network: Network, images: Tensor) -> float:
    images = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(images).amax(dim=1).sum(), images)
    return float(gradient.flatten(1).norm(dim=1).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_its_scores_depend_on_the_image_as_much_as_on_the_class(seed: int, subject: tuple[Network, Tensor]) -> None:
    network, images = subject
    logits = randomized(network, seed=seed)(images)  # (N, K)
    assert logits.isfinite().all()
    over_images, over_classes = logits.std(dim=0).mean(), logits.std(dim=1).mean()
    assert over_images > 0.5 * over_classes
    assert len(set(logits.argmax(dim=1).tolist())) > 1
    assert 0.05 < logits.std() / network(images).std() < 5


def test_its_gradients_are_of_the_networks_own_order(subject: tuple[Network, Tensor]) -> None:
    network, images = subject
    ratio = gradient_norm(randomized(network, seed=3), images) / gradient_norm(network, images)
    assert 0.1 < ratio < 10


@pytest.mark.parametrize("name", ["demo", "planted", "one_0"])
def test_an_ascent_can_start_at_the_mean_image(name: str) -> None:
    network = scenes.load(DEMO / f"{name}.safetensors")
    start = network.mean.expand(8, 3, 64, 64) + 0.01 * torch.randn(
        8, 3, 64, 64, generator=torch.Generator().manual_seed(0)
    )
    for subject in (network, *(randomized(network, seed=seed) for seed in range(8))):
        images = start.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(subject(images).diagonal().sum(), images)
        assert gradient.flatten(1).norm(dim=1).min() > 0.02


def test_nothing_learned_is_left(subject: tuple[Network, Tensor]) -> None:
    network, images = subject
    truth = network(images).argmax(dim=1)
    answers = torch.stack([randomized(network, seed=seed)(images).argmax(dim=1) for seed in range(4)])
    assert (answers == truth).float().mean() < 0.35
    before, after = dict(network.model.named_parameters()), dict(randomized(network, seed=0).model.named_parameters())
    for name, weight in before.items():
        if weight.numel() > 1000:
            correlation = torch.corrcoef(torch.stack([weight.flatten(), after[name].flatten()]))[0, 1]
            assert abs(correlation) < 0.15, name


def test_the_network_itself_is_left_as_it_was(subject: tuple[Network, Tensor]) -> None:
    network, _ = subject
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    shuffled = randomized(network, seed=5)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    for copied in (network, shuffled):
        assert not copied.training
        assert not any(parameter.requires_grad for parameter in copied.parameters())
        assert not any(module._forward_hooks for module in copied.modules())
    assert shuffled.labels == network.labels
    assert shuffled.view == network.view


def test_a_seed_is_one_network(subject: tuple[Network, Tensor]) -> None:
    network, images = subject
    first, again, other = (randomized(network, seed=seed)(images[:2]) for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-2)
