"""What every method and visualization keeps to, whichever files lie in the folders."""

import copy
import hashlib
import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from attribution import methods, plugins, visualizations
from attribution.networks import Network
from attribution.targets import Target
from attribution.visualizations import Visualized
from tests.attribution import small

METHODS = plugins.names("attribution.methods")
VISUALIZATIONS = plugins.names("attribution.visualizations")
# Fewer samples than the defaults, where those make a map expensive.
QUICK: dict[str, dict[str, Any]] = {
    "grad_cam": {"relu": False},  # a network that learned nothing may have negative sums only
    "gaussian_variance": {"grid": 2, "samples": 40},
    "second_order": {"grid": 4, "samples": 64},
    "sobol_total": {"grid": 4, "designs": 4},
    "prediction_difference": {"square": 0.25, "stride": 0.25, "samples": 2},
}


def run(method: str, network: Network, images: Tensor, *, seed: int = 3) -> Tensor:
    return attribute(method, network, images, small.targets(len(images), len(network.labels)), seed=seed)


def attribute(method: str, network: Network, images: Tensor, targets: list[Target], *, seed: int = 3) -> Tensor:
    parameters = QUICK.get(method, {})
    masks = images.mean(1, keepdim=True) > images.mean((1, 2, 3), keepdim=True)
    return methods.run(method, network, images, targets, seed=seed, parameters=parameters, masks=masks).maps


def visualize(name: str, network: Network, *, seed: int = 3, target: Target | None = None, **given: Any) -> Visualized:
    parameters: dict[str, Any] = plugins.complete("attribution.visualizations", name, given)
    if "steps" in parameters:
        parameters["steps"] = 4
    if "parameters" in parameters:
        parameters["parameters"] = {"steps": 4}
    visualize = plugins.load("attribution.visualizations", name).visualize
    if "start" in inspect.signature(visualize).parameters:
        parameters["start"] = torch.rand(1, 3, small.SIZE, small.SIZE, generator=torch.Generator().manual_seed(seed))
    found: Visualized = visualize(
        network, target or small.targets(1)[0], seed=seed, progress=lambda fraction: None, **parameters
    )
    return found


def fingerprint(network: Network) -> list[Any]:
    """Weights and buffers bit for bit, modes, gradients, hooks and own attributes of every module."""
    state = {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in network.state_dict().items()}
    modules = [
        (name, module.training, sorted(vars(module)), len(module._forward_hooks), len(module._forward_pre_hooks))
        for name, module in network.named_modules()
    ]
    backward = [len(module._backward_hooks) + len(module._backward_pre_hooks) for module in network.modules()]
    return [state, modules, backward, [(p.requires_grad, p.grad is None) for p in network.parameters()]]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_gives_one_finite_map_an_image(method: str) -> None:
    images = small.images(3)
    maps = run(method, small.network(), images)
    assert maps.shape in {(3, 1, small.SIZE, small.SIZE), (3, 3, small.SIZE, small.SIZE)}
    assert maps.isfinite().all()
    assert not maps.requires_grad
    assert all(one.max() > one.min() for one in maps)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_leaves_the_network_bit_for_bit_as_it_was(method: str) -> None:
    network, images = small.network(), small.images(2)
    before, kept = fingerprint(network), images.clone()
    random_state = torch.random.get_rng_state()
    run(method, network, images)
    assert fingerprint(network) == before
    assert torch.equal(images, kept)
    assert torch.equal(torch.random.get_rng_state(), random_state)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_fails_half_way_leaves_the_network_as_it_was(method: str) -> None:
    for fails_at in (1, 2):
        network, images = small.network(), small.images(2)
        network.chunk = 1
        before, passes = fingerprint(network), []
        forward = network.forward

        def failing(images: Tensor) -> Tensor:
            passes.append(1)  # noqa: B023
            result = forward(images)  # noqa: B023 - called within this turn of the loop
            if len(passes) == fails_at:  # noqa: B023
                raise ArithmeticError("a failure in the middle of a pass")
            return result

        network.forward = failing  # type: ignore[method-assign]
        if _asks(method, network, images):
            with pytest.raises(ArithmeticError):
                run(method, network, images)
        del network.forward
        assert fingerprint(network) == before


def _asks(method: str, network: Network, images: Tensor) -> bool:
    """Whether the method asks the network at all; edges and blobs look at the image alone."""
    asked: list[int] = []
    trial = copy.deepcopy(small.network())
    trial.chunk = 1
    trial.register_forward_pre_hook(lambda *_: asked.append(1))
    run(method, trial, images)
    return len(asked) >= 2


@pytest.mark.parametrize("method", METHODS)
def test_a_map_depends_on_its_seed_and_image_and_never_on_its_batch(method: str) -> None:
    network, images = small.network(), small.images(4)
    together = run(method, network, images)
    assert torch.equal(run(method, network, images), together)
    network.chunk = 3
    rows = [2, 0, 3, 1]
    targets = [small.targets(4)[row] for row in rows]
    shuffled = attribute(method, network, images[rows], targets)
    scale = together.abs().amax(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(shuffled / scale[rows], together[rows] / scale[rows], rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_two_classes_and_tiny_grey_images(method: str) -> None:
    network = small.network(classes=2, size=12)
    grey = small.images(2, size=12)[:, :1].expand(2, 3, 12, 12)
    maps = run(method, network, grey)
    assert maps.shape[-2:] == (12, 12)
    assert maps.isfinite().all()


@pytest.mark.parametrize("name", VISUALIZATIONS)
def test_a_visualization_gives_images_curves_and_the_same_again_for_its_seed(name: str) -> None:
    network = small.network()
    before = fingerprint(network)
    found, again = visualize(name, network), visualize(name, network)
    assert fingerprint(network) == before
    assert found.images.shape[1:] == (3, small.SIZE, small.SIZE)
    assert found.images.isfinite().all()
    assert torch.equal(found.images, again.images)
    assert found.curves == again.curves
    assert all(len(point) == len(found.images) for curve in found.curves.values() for point in curve)
    assert not torch.equal(found.images, visualize(name, network, seed=4).images)


@pytest.mark.parametrize("name", VISUALIZATIONS)
def test_a_visualization_is_the_same_where_memory_holds_few_restarts_at_once(name: str) -> None:
    network, asked = small.network(), []
    together = visualize(name, network)
    network.chunk = 2
    network.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0])))
    apart = visualize(name, network)
    torch.testing.assert_close(apart.images, together.images, rtol=1e-3, atol=1e-4)
    assert {key: len(curve) for key, curve in apart.curves.items()} == {k: len(c) for k, c in together.curves.items()}
    assert max(asked) <= 2


@pytest.mark.parametrize("folder", ["attribution.methods", "attribution.visualizations", "attribution.diagnostics"])
def test_every_plugin_says_what_it_is_and_whence(folder: str) -> None:
    for name in plugins.names(folder):
        described = plugins.describe(folder, name)
        assert described.title
        assert described.source, f"{name} does not say where it comes from"
        assert hasattr(plugins.load(folder, name), plugins.verb(folder))


def test_folders_name_their_verbs() -> None:
    assert plugins.verb("attribution.methods") == methods.VERB == "attribute"
    assert plugins.verb("attribution.visualizations") == visualizations.VERB == "visualize"


@pytest.mark.parametrize(("kind", "target"), [("unit", Target(module="4", channel=2)), ("contrast", Target(1, 2))])
@pytest.mark.parametrize("method", METHODS)
def test_a_method_explains_the_targets_that_its_file_says(method: str, kind: str, target: Target) -> None:
    network, images = small.network(), small.images(1)
    if kind in plugins.describe("attribution.methods", method).explains:
        assert attribute(method, network, images, [target]).isfinite().all()
    else:
        with pytest.raises(methods.UndefinedError, match="channel or"):
            attribute(method, network, images, [target])


@pytest.mark.parametrize("name", VISUALIZATIONS)
def test_a_visualization_says_in_its_file_whether_it_is_of_units(name: str) -> None:
    network, unit = small.network(), Target(module="4", channel=2)
    if "unit" in plugins.describe("attribution.visualizations", name).explains:
        more = {"visualization": "unit"} if name == "spectrum_noise" else {}
        assert visualize(name, network, target=unit, **more).images.isfinite().all()
    else:
        with pytest.raises(ValueError, match="class"):
            visualize(name, network, target=unit)
