"""Edits, occluded images, units, contrasts, priors and same-spectrum noise."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import plugins
from attribution.networks import Network
from attribution.scores import scores
from attribution.spectrum import frequencies
from attribution.targets import Target
from attribution.visualizations import Visualized
from attribution.visualizations._priors import PRIORS, prior, total_variation
from tests.attribution import small


def visualize(name: str, network: Network, target: Target, *, start: Tensor | None = None, **given: Any) -> Visualized:
    parameters = plugins.complete("attribution.visualizations", name, given)
    if start is not None:
        parameters["start"] = start
    module = plugins.load("attribution.visualizations", name)
    found: Visualized = module.visualize(network, target, seed=3, progress=lambda fraction: None, **parameters)
    return found


def rms(images: Tensor) -> float:
    return float(images.square().mean().sqrt())


@pytest.mark.parametrize("name", PRIORS)
def test_a_class_model_climbs_its_score_under_every_prior_and_names_it(name: str) -> None:
    network = small.network()
    found = visualize("class_model", network, Target(index=2), prior=name, steps=40, penalty=0.001)
    assert min(found.curves["logit"][-1]) > max(found.curves["logit"][0])
    low, high = found.notes["range"]  # type: ignore[misc]
    assert 0 <= low < high <= 1
    assert found.notes["prior"]


@pytest.mark.parametrize("scalar", ["margin", "log_probability", "probability"])
def test_a_class_model_climbs_the_scalar_of_its_target(scalar: Any) -> None:
    network, target = small.network(), Target(index=2, scalar=scalar)
    found = visualize("class_model", network, target, steps=30, penalty=0.0)
    with torch.no_grad():
        reached = scores(network, found.images, [target] * 4).tolist()
    assert found.notes["scalar"] == scalar
    assert found.notes["score"] == pytest.approx(reached)
    assert min(reached) > max(found.curves["objective"][0])


def test_a_prior_that_smooths_leaves_less_power_at_high_frequencies() -> None:
    network = small.network()
    high = frequencies(small.SIZE, small.SIZE, device=torch.device("cpu")) > 0.25

    def share(**given: Any) -> float:
        images = visualize("class_model", network, Target(index=1), steps=40, **given).images
        power = torch.fft.rfft2(images - images.mean((2, 3), keepdim=True)).abs().square()
        return float(power[..., high].sum() / power.sum())

    plain = share(prior="none")
    assert share(prior="blur", blur=1.0) < 0.7 * plain
    assert share(prior="tv", penalty=0.05) < 0.9 * plain
    assert share(prior="fourier") < plain


def test_climbing_phases_alone_keeps_the_magnitudes_of_the_template() -> None:
    network, template = small.network(), small.images(6)
    chosen = prior(
        "phase",
        network,
        seed=0,
        restarts=2,
        noise=0.01,
        penalty=0.0,
        blur=0.0,
        jitter=0,
        clip=True,
        template=template,
    )
    logits = torch.logit(template.clamp(0.02, 0.98))
    expected = torch.fft.rfft2(logits - logits.mean((2, 3), keepdim=True)).abs().mean(0)
    changed = chosen.start + torch.randn(chosen.start.shape, generator=torch.Generator().manual_seed(1))
    for phases in (chosen.start, changed):
        decoded = torch.logit(chosen.decode(phases).double()) - torch.logit(network.mean.double())
        inner = (slice(None), slice(None), slice(1, None), slice(1, small.SIZE // 2))  # whose phases are free
        magnitudes = torch.fft.rfft2(decoded).abs()
        torch.testing.assert_close(
            magnitudes[inner], expected[None][inner].double().expand(2, -1, -1, -1), rtol=1e-3, atol=1e-3
        )
    with pytest.raises(ValueError, match="not 24 x 24 pixels"):
        prior(
            "phase",
            network,
            seed=0,
            restarts=1,
            noise=0.0,
            penalty=0.0,
            blur=0.0,
            jitter=0,
            clip=True,
            template=small.images(1, size=20),
        )


def test_total_variation_is_the_length_of_the_gradient() -> None:
    image = torch.zeros(1, 1, 4, 4)
    image[:, :, :, 2:] = 3.0
    assert float(total_variation(image)) == pytest.approx(9.0, abs=1e-2)  # three rows whose difference counts


def test_an_unknown_prior_and_a_negative_penalty_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="no prior “magic”; there are: none, l2"):
        visualize("class_model", small.network(), Target(index=0), prior="magic")
    with pytest.raises(ValueError, match="not below 0"):
        visualize("class_model", small.network(), Target(index=0), penalty=-1.0)


def test_a_unit_is_climbed_on_the_ball_and_reaches_the_optimum_of_a_linear_unit() -> None:
    network = small.network()
    target = Target(module="0", channel=2, position=(5, 7))
    found = visualize("unit", network, target, radius=0.1, restarts=2, steps=200)
    length = 0.1 * (3 * small.SIZE**2) ** 0.5
    away = found.images - network.mean
    torch.testing.assert_close(away.flatten(1).norm(dim=1), torch.full((2,), length), rtol=1e-4, atol=0)
    kernel = network.model[0].weight[2] / network.std[0]  # type: ignore[index]
    best = torch.zeros(3, small.SIZE, small.SIZE)
    best[:, 4:7, 6:9] = kernel  # a convolution's unit is linear: along its own weights
    assert nn.functional.cosine_similarity(away.flatten(1), best.flatten()[None]).min() > 0.99
    assert found.curves["activation"][-1] == pytest.approx(found.notes["score"])
    assert found.notes["scalar"] == "activation"


def test_a_unit_that_does_not_answer_to_fine_noise_is_woken_by_coarser_noise_or_said_to_sleep() -> None:
    network = small.network()
    wide = nn.Conv2d(3, 2, 9, padding=4)
    nn.init.constant_(wide.weight, 1 / 243)  # the mean of its field: white noise comes to nearly nothing
    wide.bias = nn.Parameter(torch.tensor([-0.1, -100.0]))
    network.model = nn.Sequential(wide, nn.ReLU(), nn.Flatten(), nn.Linear(2 * small.SIZE**2, 5))
    network.requires_grad_(False)
    woken, asleep = (
        visualize("unit", network, Target(module="1", channel=channel, position=(12, 12)), steps=20)
        for channel in (0, 1)
    )
    assert sum(score > 0 for score in woken.notes["score"]) >= 3  # type: ignore[attr-defined]
    assert "reading" not in woken.notes
    assert asleep.notes["score"] == [0.0] * 4
    assert "answered to none of the starts" in str(asleep.notes["reading"])


def test_penalty_and_ball_agree_at_the_distance_that_the_penalty_reached() -> None:
    network = small.network(activation=nn.Softplus())
    network.model[3] = nn.AvgPool2d(2)  # type: ignore[index]
    with torch.no_grad():
        network.model[8].weight.mul_(20)  # type: ignore[index]
    target = Target(index=1)
    penalised = visualize("class_model", network, target, penalty=0.5, clip=False, restarts=1, steps=400)
    reached = penalised.images - network.mean
    ball = visualize("unit", network, target, radius=rms(reached), restarts=1, steps=400)
    cosine = nn.functional.cosine_similarity((ball.images - network.mean).flatten(), reached.flatten(), dim=0)
    assert float(cosine) > 0.98


def test_a_contrast_climbs_the_difference_and_names_the_other_class() -> None:
    network = small.network()
    found = visualize("contrast", network, Target(index=2), against=4, steps=30)
    with torch.no_grad():
        logits = network(found.images)
    assert found.notes["score"] == pytest.approx((logits[:, 2] - logits[:, 4]).tolist(), abs=1e-5)
    assert found.notes["against_label"] == "class 4"
    chosen = visualize("contrast", network, Target(index=2), steps=10)
    assert chosen.notes["against"] != 2
    assert visualize("contrast", network, Target(index=2, against=0), steps=5).notes["against"] == 0
    with pytest.raises(ValueError, match="with itself"):
        visualize("contrast", network, Target(index=2), against=2)


@pytest.mark.parametrize("name", ["raw", "smoothed", "low_pass"])
def test_an_edit_raises_the_score_within_its_budget_and_keeps_its_path(name: str) -> None:
    network, start = small.network(), small.images(1)
    found = visualize("edit", network, Target(index=3), start=start, prior=name, budget=0.05, steps=30, frames=4)
    assert found.path is not None
    assert found.path.shape == (4, 1, 3, small.SIZE, small.SIZE)
    assert torch.equal(found.path[0], start)
    assert torch.equal(found.path[-1], found.images)
    assert rms(found.images - start) <= 0.05 + 1e-4
    assert found.notes["change_rms"] == pytest.approx(rms(found.images - start))
    assert found.notes["score"][0] > found.notes["score_before"]  # type: ignore[index, operator]
    with torch.no_grad():
        assert found.notes["score"] == pytest.approx([float(network(found.images)[0, 3])])
    assert len(found.curves["probability"]) == 31


def test_a_low_pass_edit_changes_low_frequencies_only_and_a_raw_one_is_called_adversarial() -> None:
    network, start = small.network(), 0.25 + 0.5 * small.images(1)  # far from 0 and 1, where clipping adds others
    low = visualize("edit", network, Target(index=3), start=start, prior="low_pass", budget=0.02, cutoff=0.15)
    spectrum = torch.fft.rfft2(low.images - start).abs()
    above = frequencies(small.SIZE, small.SIZE, device=torch.device("cpu")) > 0.15
    assert float(spectrum[..., above].max()) < 1e-3 * float(spectrum.max())
    raw = visualize("edit", network, Target(index=3), start=start, prior="raw", steps=2)
    assert "adversarial example" in str(raw.notes["reading"])


def test_an_occluded_image_lacks_the_square_that_counts_most() -> None:
    network = small.network()

    class Patch(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, :, 12:18, 6:12].sum((1, 2, 3))[:, None].repeat(1, 5)

    network.model = Patch()
    start = torch.full((1, 3, small.SIZE, small.SIZE), 0.9)
    found = visualize(
        "occluded", network, Target(index=1), start=start, square=0.25, stride=0.25, fill="black", count=2
    )
    assert found.notes["squares"][0] == [12, 6, 18, 12]  # type: ignore[index]
    assert (found.images[0, :, 12:18, 6:12] == 0).all()
    assert int((found.images[0] != start[0]).sum()) == 3 * 36
    with torch.no_grad():
        change = scores(network, found.images, [Target(index=1)] * 2) - scores(network, start, [Target(index=1)])
    assert found.notes["change"] == pytest.approx(change.tolist(), rel=1e-4, abs=1e-3)
    assert found.notes["change"][0] < found.notes["change"][1]  # type: ignore[index]


def test_an_occluded_image_is_filled_in_from_its_surroundings_and_squares_do_not_overlap() -> None:
    network, start = small.network(), small.images(1)
    found = visualize("occluded", network, Target(index=1), start=start, square=0.25, stride=0.125, count=3)
    squares = found.notes["squares"]
    assert isinstance(squares, list)
    assert len(squares) == 3
    for image, (top, left, bottom, right) in zip(found.images, squares, strict=True):
        assert (bottom - top, right - left) == (6, 6)
        drawn = image[:, top:bottom, left:right]
        assert 0 < float((drawn - start[0, :, top:bottom, left:right]).abs().mean()) < 0.2
        assert all(abs(top - t) >= 6 or abs(left - w) >= 6 or (top, left) == (t, w) for t, w, _, _ in squares)
    with pytest.raises(ValueError, match="no fill “sky”; there are: surroundings, mean"):
        visualize("occluded", network, Target(index=1), start=start, fill="sky")


def test_spectrum_noise_has_the_values_and_spectrum_of_the_class_model_in_other_places() -> None:
    network, target = small.network(size=48), Target(index=0)
    own = visualize("class_model", network, target, steps=20, restarts=2)
    noise = visualize("spectrum_noise", network, target, parameters={"steps": 20, "restarts": 2})
    for image, scattered in zip(own.images, noise.images, strict=True):
        assert torch.equal(image.flatten(1).sort().values, scattered.flatten(1).sort().values)
        for channel in range(3):
            amplitudes = torch.stack([torch.fft.rfft2(one[channel]).abs().flatten()[1:] for one in (image, scattered)])
            assert torch.corrcoef(amplitudes)[0, 1] > 0.9
    assert max(noise.notes["score"]) < min(own.notes["score"])  # type: ignore[call-overload]
    assert noise.notes["score_of_original"] == own.notes["score"]
    with pytest.raises(ValueError, match="no noise like “edit”"):
        visualize("spectrum_noise", network, target, visualization="edit")
