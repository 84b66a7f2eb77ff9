"""Class models: what the ascent maximises, what it tells on the way, and what theory says of its end."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from attribution import plugins
from attribution.networks import Network
from attribution.scores import gradients, scores
from attribution.targets import Target
from attribution.visualizations import Visualized
from tests.attribution import small


def class_model(network: Network, target: Target, *, seed: int = 0, **parameters: Any) -> Visualized:
    complete = plugins.complete("attribution.visualizations", "class_model", parameters)
    module = plugins.load("attribution.visualizations", "class_model")
    found: Visualized = module.visualize(network, target, seed=seed, progress=lambda fraction: None, **complete)
    return found


def test_the_class_model_of_a_linear_network_is_its_closed_form() -> None:
    network = small.network()
    network.model = nn.Sequential(nn.Flatten(), nn.Linear(3 * small.SIZE**2, 5))
    with torch.no_grad():
        network.model[1].weight.normal_(0, 0.01, generator=torch.Generator().manual_seed(0))
    found = class_model(network, Target(index=2), penalty=3.0, clip=False, restarts=2, steps=300)
    weight = network.model[1].weight[2].view(1, 3, small.SIZE, small.SIZE) / network.std
    optimum = network.mean + weight / (2 * 3.0)  # where the derivative of w.x - penalty |x - mean|^2 is 0
    torch.testing.assert_close(found.images, optimum.expand(2, -1, -1, -1), atol=1e-5, rtol=0)


def test_the_saliency_map_of_a_converged_class_model_is_the_class_model() -> None:
    network = small.network(activation=nn.Softplus())
    network.model[3] = nn.AvgPool2d(2)  # type: ignore[index] - a maximum has kinks
    with torch.no_grad():
        network.model[8].weight.mul_(20)  # type: ignore[index]
    target = Target(index=1)
    found = class_model(network, target, penalty=0.5, clip=False, restarts=2, steps=400)
    _, derivative = gradients(network, found.images, [target] * 2)
    away = found.images - network.mean
    assert away.flatten(1).norm(dim=1).min() > 0.1
    assert nn.functional.cosine_similarity(derivative.flatten(1), away.flatten(1)).min() > 0.999
    norms = derivative.flatten(1).norm(dim=1), 2 * 0.5 * away.flatten(1).norm(dim=1)
    torch.testing.assert_close(*norms, rtol=0.01, atol=0)


def test_the_curves_tell_the_scores_and_distances_of_every_step() -> None:
    network = small.network()
    found = class_model(network, Target(index=3), steps=30, restarts=3)
    assert set(found.curves) == {"objective", "logit", "probability", "others", "gradient_norm", "distance"}
    assert all(len(curve) == 31 for curve in found.curves.values())
    with torch.no_grad():
        logits = network(found.images)
    last = {name: torch.tensor(curve[-1]) for name, curve in found.curves.items()}
    torch.testing.assert_close(last["logit"], logits[:, 3])
    torch.testing.assert_close(last["probability"], logits.softmax(1)[:, 3])
    torch.testing.assert_close(last["others"], logits.sum(1) - logits[:, 3])
    torch.testing.assert_close(last["distance"], (found.images - network.mean).flatten(1).norm(dim=1))
    torch.testing.assert_close(last["objective"], last["logit"] - 0.02 * last["distance"] ** 2)
    assert found.notes["score"] == pytest.approx(last["logit"].tolist())
    assert min(found.curves["objective"][-1]) > max(found.curves["objective"][0])


def test_clipping_keeps_every_image_in_range_and_the_notes_say_so() -> None:
    clipped = class_model(small.network(), Target(index=0), steps=30, step_size=1.0, penalty=0.0)
    free = class_model(small.network(), Target(index=0), steps=30, step_size=1.0, penalty=0.0, clip=False)
    assert clipped.notes["range"] == [0.0, 1.0]
    assert clipped.notes["clipping"] == "to [0, 1] after every step"
    assert free.notes["clipping"] == "none"
    assert free.notes["range"] == [float(free.images.min()), float(free.images.max())]
    assert free.images.min() < 0
    assert free.images.max() > 1


def test_restarts_are_one_batch_and_each_is_its_own() -> None:
    network, sizes = small.network(), []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    found = class_model(network, Target(index=0), steps=5, restarts=3, noise=0.1)
    assert set(sizes) == {3}
    assert len({tuple(image.flatten().tolist()) for image in found.images}) == 3


def test_the_ascent_leaves_the_plateau_of_a_network_that_ends_in_a_relu() -> None:
    network = small.ends_in_relu()
    target = Target(index=0)
    with torch.no_grad():
        network.model[2].bias[0] = -1.0  # type: ignore[index]
        assert scores(network, network.mean.expand(1, 3, small.SIZE, small.SIZE), [target]) == 0
    found = class_model(network, target, steps=60, step_size=0.3, penalty=0.0)
    assert min(found.curves["logit"][-1]) > 0


def test_a_class_model_of_a_unit_and_senseless_settings_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="“unit”"):
        class_model(small.network(), Target(module="4", channel=1))
    with pytest.raises(ValueError, match="at least 1"):
        class_model(small.network(), Target(index=0), steps=0)


def test_the_phase_prior_keeps_the_mean_magnitudes_of_its_template() -> None:
    network, template = small.network(), small.images(3)
    module = plugins.load("attribution.visualizations", "class_model")
    given = plugins.complete("attribution.visualizations", "class_model", {"prior": "phase", "steps": 3, "restarts": 2})
    found = module.visualize(network, Target(index=1), template, seed=0, progress=lambda fraction: None, **given)

    def magnitudes(images: torch.Tensor) -> torch.Tensor:
        logits = torch.logit(images.clamp(0.02, 0.98))
        return torch.fft.rfft2(logits - logits.mean((2, 3), keepdim=True)).abs()

    drawn = torch.fft.rfft2(torch.logit(found.images)).abs()[:, :, 1:5, 1:5]
    wanted = magnitudes(template).mean(0, keepdim=True)[:, :, 1:5, 1:5]
    torch.testing.assert_close(drawn, wanted.expand_as(drawn), rtol=1e-3, atol=1e-3)
    assert found.notes["prior"] == "phases alone, magnitudes of 3 images"
    with pytest.raises(ValueError, match="by the prior “phase”, not by “l2”"):
        module.visualize(
            network, Target(index=1), template, seed=0, progress=lambda fraction: None, **{**given, "prior": "l2"}
        )


def test_one_loss_falls_by_its_gradient_in_the_image_and_by_that_in_the_weights() -> None:
    network, start = small.network(), small.images(1)
    module = plugins.load("attribution.visualizations", "two_gradients")
    found = module.visualize(
        network, Target(index=2), seed=0, progress=lambda fraction: None, start=start, steps=5, step_size=0.02
    )
    image = start.clone().requires_grad_()
    loss = -network(image).log_softmax(1)[0, 2]
    assert found.curves["loss"][0] == pytest.approx([loss.item()] * 2)
    (slope,) = torch.autograd.grad(loss, image)
    inner = (found.images[0] - 0.5).abs() < 0.499
    ratio = (found.images[0] - 0.5)[inner] / slope[0][inner]
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-3, atol=0)
    for way in range(2):
        assert found.curves["loss"][-1][way] < found.curves["loss"][0][way]
    network.model = nn.Sequential(nn.Flatten(), nn.Linear(3 * small.SIZE**2, 5))
    with pytest.raises(ValueError, match="no first layer of filters"):
        module.visualize(network, Target(index=2), seed=0, progress=lambda fraction: None, start=start, steps=1)


def test_a_loss_without_a_slope_stays_where_it_is() -> None:
    network, start = small.network(), small.images(1)
    with torch.no_grad():
        network.model[-1].bias.fill_(-1000)  # type: ignore[index,union-attr]
    network.model = nn.Sequential(network.model, nn.ReLU())  # as SqueezeNet ends: every logit is 0
    module = plugins.load("attribution.visualizations", "two_gradients")
    found = module.visualize(network, Target(index=2), seed=0, progress=lambda fraction: None, start=start, steps=3)
    classes = network(start).shape[1]
    assert found.curves["loss"] == [pytest.approx([math.log(classes)] * 2)] * 4


def test_a_class_model_stands_beside_its_own_saliency_map_at_one_length() -> None:
    network = small.network(activation=nn.Softplus())
    network.model[3] = nn.AvgPool2d(2)  # type: ignore[index] - a maximum has kinks
    with torch.no_grad():
        network.model[8].weight.mul_(20)  # type: ignore[index]
    module = plugins.load("attribution.visualizations", "class_model_saliency")
    found = module.visualize(
        network, Target(index=1), seed=0, progress=lambda fraction: None, penalty=0.5, steps=400, samples=8
    )
    away = found.images - network.mean
    assert found.notes["cosine"] > 0.999
    torch.testing.assert_close(away[1], away[0], rtol=0, atol=0.02 * float(away[0].abs().max()))
    assert away.flatten(1).norm(dim=1).tolist() == pytest.approx([float(away[0].norm())] * 3, rel=1e-4)
