"""Curvature, variance and conditional in-fill: against exact Hessians, closed forms and Monte-Carlo Sobol indices."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attribution import methods
from attribution.curvature import FlatHessianError, hessian_diagonal, hessian_products, softmax_products, stein
from attribution.infill import MOST_PIXELS, Patches
from attribution.methods import UndefinedError
from attribution.networks import Network
from attribution.networks._torchvision_operators import declare
from attribution.randomness import generator
from attribution.scores import gradients, scores
from attribution.smoothing import in_cells, on_pixels
from attribution.targets import Target
from tests.attribution import small

declare()
from torchvision.ops.misc import SqueezeExcitation  # noqa: E402

SIZE, GRID = 12, 3
TARGETS = [Target(index=1)]


def smooth_network(size: int = SIZE) -> Network:
    """A softplus network without kinks, whose logits bend visibly."""
    network = small.network(activation=nn.Softplus(), size=size)
    network.model[3] = nn.AvgPool2d(2)  # type: ignore[index]
    with torch.no_grad():
        network.model[8].weight.mul_(20)  # type: ignore[index]
        network.model[0].weight.mul_(3)  # type: ignore[index]
    return network


class Quadratic(nn.Module):
    """w.z + z A z / 2 of the grid's cell means z, so that all indices are known."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        numbers = torch.Generator().manual_seed(seed)
        self.w = torch.randn(GRID**2, generator=numbers)
        a = 4 * torch.randn(GRID**2, GRID**2, generator=numbers)
        self.a = (a + a.T) / 2

    def forward(self, images: Tensor) -> Tensor:
        z = nn.functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), GRID).flatten(1)
        score = z @ self.w + ((z @ self.a) * z).sum(1) / 2
        return torch.stack([torch.zeros_like(score), score], dim=1)


def quadratic(seed: int = 0) -> tuple[Network, Quadratic]:
    model = Quadratic(seed)
    network = small.network(classes=2, size=SIZE)
    network.model = model
    network.mean.zero_()
    network.std.fill_(1)
    network.chunk = 512
    return network, model


def exact_hessian(network: Network, image: Tensor, target: Target = TARGETS[0]) -> Tensor:
    """(d, d) by brute force, d = 3 H W, in doubles."""
    network = network.double()

    def score(flat: Tensor) -> Tensor:
        return scores(network, flat.view(1, *image.shape), [target])[0]

    found: Tensor = torch.autograd.functional.hessian(score, image.double().flatten())  # type: ignore[no-untyped-call]
    return found


def run(method: str, network: Network, images: Tensor, **given: Any) -> Tensor:
    return methods.run(method, network, images, TARGETS * len(images), seed=5, parameters=given).maps


def cells(maps: Tensor) -> Tensor:
    """A map of grid cells (N, 1, SIZE, SIZE) -> (N, cells): one pixel of each."""
    return maps[:, 0, :: SIZE // GRID, :: SIZE // GRID].flatten(1)


def test_hessian_products_and_hutchinsons_diagonal_are_those_of_the_exact_hessian() -> None:
    network, image = smooth_network(6), small.images(1, size=6)
    hessian = exact_hessian(network, image[0])
    vector = torch.randn(image.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    products = hessian_products(network, image.double(), TARGETS, vector)
    torch.testing.assert_close(products.flatten(), hessian @ vector.flatten(), rtol=1e-8, atol=1e-10)
    halves = hessian_diagonal(network, image.double(), TARGETS, seed=0, samples=1000)
    estimate = ((halves[0] + halves[1]) / 2).flatten()
    off_diagonal = (hessian - hessian.diag().diag()).norm(dim=1)
    assert ((estimate - hessian.diag()).abs() < 5 * off_diagonal / 1000**0.5).all()


def test_antithetic_stein_agrees_with_the_exact_hessian_where_noise_is_small() -> None:
    network, image = smooth_network(), small.images(1, size=SIZE)
    pixels = exact_hessian(network, image[0])
    network.float()
    spread = on_pixels(torch.eye(GRID**2).view(-1, 1, GRID, GRID), SIZE, SIZE).expand(-1, 3, -1, -1).flatten(1)
    hessian = (spread.double() @ pixels @ spread.double().T).float()  # of the grid's shifts
    network.chunk = 512
    found = stein(network, image, TARGETS, seed=0, samples=4000, deviation=0.02, grid=GRID, full=True)
    assert found.hessian is not None
    estimate = (found.hessian[0] + found.hessian[1])[0] / 2
    assert (estimate - hessian).norm() < 0.15 * hessian.norm()
    map_ = cells(run("second_order", network, image, grid=GRID, samples=4000, deviation=0.02))[0]
    assert torch.corrcoef(torch.stack([map_, hessian.diag()]))[0, 1] > 0.95


def test_the_raw_logit_of_a_relu_network_has_no_second_order_map_and_the_refusal_names_the_smoothed_form() -> None:
    with pytest.raises(FlatHessianError, match=r"piecewise affine.*smoothed form"):
        run("second_order", small.network(), small.images(2), deviation=0.0, samples=4)
    assert run("second_order", smooth_network(), small.images(1, size=SIZE), deviation=0.0, samples=4).abs().max() > 0
    # A softmax bends also where its logits do not.
    probability = [Target(index=1, scalar="log_probability")]
    assert hessian_products(small.network(), small.images(1), probability, torch.ones(1, 3, 24, 24)).abs().max() > 0


def test_the_hessian_of_log_p_is_its_closed_form_on_a_relu_network_and_vanishes_as_p_nears_1() -> None:
    network, image = small.network(size=6), small.images(1, size=6).double()
    log_probability, logit = (Target(index=1, scalar=scalar) for scalar in ("log_probability", "logit"))  # type: ignore[arg-type]
    directions = torch.eye(image.numel(), dtype=torch.float64).view(-1, *image.shape[1:])
    largest, slopes = [], []
    for bias in (0.0, 5.0, 10.0, 20.0, 30.0):  # which moves p alone: no logit's derivative changes
        with torch.no_grad():
            network.model[8].bias[1] = bias  # type: ignore[index]
        hessian = exact_hessian(network, image[0], log_probability)
        j = torch.autograd.functional.jacobian(network, image).reshape(5, -1)  # type: ignore[no-untyped-call]
        p = network(image).softmax(1)[0]
        torch.testing.assert_close(-j.T @ (p.diag() - p.outer(p)) @ j, hessian, rtol=0, atol=1e-8)
        products = softmax_products(network, image.expand(len(directions), -1, -1, -1), directions)
        torch.testing.assert_close(products.flatten(1), hessian, rtol=0, atol=1e-8)
        largest.append(float(hessian.abs().max()))
        slopes.append(float(gradients(network, image, [logit])[1].norm()))
        assert largest[-1] <= 2 * float(1 - p[1]) * float(j.square().sum(1).max())
    assert largest == sorted(largest, reverse=True)
    assert largest[0] > 1e-6
    assert largest[-1] < 1e-11 * largest[0]
    assert slopes == pytest.approx([slopes[0]] * len(slopes)), "the score's own derivative stays"


def test_attention_has_second_derivatives_as_well() -> None:
    network, images = small.network(), small.images(2)
    network.model = nn.Sequential(
        nn.Conv2d(3, 8, 8, stride=8),
        nn.Flatten(2),
        nn.TransformerEncoderLayer(9, 3, 16, dropout=0.0, batch_first=True),
        nn.Flatten(),
        nn.Linear(72, 5),
    ).eval()
    along = torch.ones_like(images)
    assert hessian_products(network, images, TARGETS * 2, along).abs().max() > 0
    assert softmax_products(network, images, along).abs().max() > 0


def test_the_gates_of_mobilenet_have_second_derivatives_as_well() -> None:
    network, image = small.network(size=6), small.images(1, size=6).double()
    gate = SqueezeExcitation(8, 4, activation=nn.Hardswish, scale_activation=nn.Hardsigmoid)
    nn.init.normal_(gate.fc2.weight, std=0.5, generator=torch.Generator().manual_seed(0))
    network.model[2] = gate.eval().requires_grad_(False)  # type: ignore[index, operator]
    network.double()
    vector = torch.randn(image.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    products = hessian_products(network, image, TARGETS, vector)
    after, before = (gradients(network, image + step * vector, TARGETS)[1] for step in (1e-6, -1e-6))
    torch.testing.assert_close(products, (after - before) / 2e-6, rtol=1e-5, atol=1e-7)
    assert softmax_products(network, image, vector).abs().max() > 0


def test_smoothing_finds_the_curvature_of_a_relu_kink_that_no_derivative_shows() -> None:
    network, _ = quadratic()

    class Kink(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            z = images[:, :, :4, :4].mean((1, 2, 3)) - 0.5
            return torch.stack([torch.zeros_like(z), z.relu()], dim=1)

    network.model = Kink()
    image = torch.full((1, 3, SIZE, SIZE), 0.5)
    found = methods.run(
        "second_order", network, image, TARGETS, seed=0, parameters={"grid": GRID, "samples": 4000, "deviation": 0.1}
    )
    kink = cells(found.maps)[0]
    assert float(kink[0]) == pytest.approx((2 * torch.pi) ** -0.5 / 0.1, rel=0.1)  # E[δ(e)] of a step at 0
    assert kink[1:].abs().max() == 0
    assert found.notes[0]["split_half_correlation"] > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_the_variances_of_a_quadratic_are_their_closed_form(seed: int) -> None:
    network, model = quadratic(seed)
    image, s = small.images(1, size=SIZE, seed=seed), 0.3
    z = nn.functional.adaptive_avg_pool2d(image.mean(1, keepdim=True), GRID).flatten()
    g, a = model.w + model.a @ z, model.a
    main = s**2 * g**2 + s**4 / 2 * a.diag() ** 2
    total = s**2 * g**2 + s**4 * ((a**2).sum(1) - a.diag() ** 2 / 2)
    upper = s**2 * (g**2 + s**2 * (a**2).sum(1))
    given = {"grid": GRID, "samples": 20000, "deviation": s}
    for term, expected in {"main": main, "total": total, "upper": upper}.items():
        found = cells(run("gaussian_variance", network, image, term=term, **given))[0]
        torch.testing.assert_close(found, expected, rtol=0.1, atol=0.03 * float(expected.max()))


@pytest.mark.parametrize("seed", range(3))
def test_the_bounds_enclose_the_monte_carlo_totals_of_a_relu_network(seed: int) -> None:
    network, image, s, count = small.network(seed=seed, size=SIZE), small.images(1, size=SIZE, seed=seed), 0.5, 4000
    network.chunk = 1024
    with torch.no_grad():
        network.model[0].weight.mul_(4)  # type: ignore[index]
    numbers = torch.Generator().manual_seed(seed)
    one, other = (s * torch.randn(count, 1, GRID, GRID, generator=numbers) for _ in range(2))

    def score(e: Tensor) -> Tensor:
        with torch.no_grad():
            return network(image + on_pixels(e, SIZE, SIZE))[:, 1]

    whole = score(one)
    for cell in range(GRID**2):
        changed = one.clone()
        changed.flatten(1)[:, cell] = other.flatten(1)[:, cell]
        squared = (whole - score(changed)).square() / 2  # Jansen's estimator of the total, in the score's units
        total, error = float(squared.mean()), 4 * float(squared.std()) / count**0.5
        if cell == 0:
            given = {"grid": GRID, "samples": 4000, "deviation": s}
            lower = cells(run("gaussian_variance", network, image, term="total", **given))[0]
            upper = cells(run("gaussian_variance", network, image, term="upper", **given))[0]
        assert float(lower[cell]) < total + error + 0.1 * total
        assert float(upper[cell]) > total - error - 0.1 * total


def test_products_of_halves_have_no_bias_and_report_negatives() -> None:
    network, model = quadratic()
    model.w.zero_()
    model.a.fill_(3.0).fill_diagonal_(0.0)  # interactions alone: no cell has a variance of its own
    image = torch.zeros(1, 3, SIZE, SIZE)
    given = {"grid": GRID, "samples": 80, "term": "main"}
    found = [
        methods.run("gaussian_variance", network, image, TARGETS, seed=seed, parameters=given) for seed in range(30)
    ]
    values = torch.stack([cells(one.maps)[0] for one in found])  # (30, cells)
    error = values.mean(1).std() / 30**0.5
    assert abs(values.mean()) < 3 * error
    assert values.abs().mean() > 3 * error
    assert [one.notes[0]["negative_share"] for one in found] == pytest.approx((values < 0).float().mean(1).tolist())


def test_a_hessian_from_too_few_samples_is_refused_in_words() -> None:
    network, image = small.network(size=SIZE), small.images(1, size=SIZE)
    with pytest.raises(ValueError, match="take at least 640 samples or a coarser grid"):
        run("gaussian_variance", network, image, grid=8, samples=100)
    with pytest.raises(ValueError, match="that 4 divides"):
        run("second_order", network, image, samples=6)
    with pytest.raises(ValueError, match="1 to 16 cells"):
        run("gaussian_variance", network, image, grid=0)
    with pytest.raises(ValueError, match="does not fit an image"):
        run("second_order", network, image, grid=13)
    with pytest.raises(ValueError, match="above 0"):
        run("smoothgrad", network, image, deviation=0.0)
    with pytest.raises(ValueError, match="There is no term “all”"):
        run("gaussian_variance", network, image, term="all")


def test_order_two_is_not_worse_than_order_one_on_fresh_perturbations() -> None:
    network, image, s = small.network(size=SIZE), small.images(1, size=SIZE), 0.3
    network.chunk = 512
    found = stein(network, image, TARGETS, seed=0, samples=4000, deviation=s, grid=GRID, full=True)
    assert found.hessian is not None
    g = (found.gradient[0] + found.gradient[1])[0].flatten() / 2
    h = (found.hessian[0] + found.hessian[1])[0] / 2
    e = s * torch.randn(3000, 1, GRID, GRID, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        values = network(image + on_pixels(e, SIZE, SIZE))[:, 1]
    e = e.flatten(1)
    first = e @ g
    second = first + ((e @ h) * e).sum(1) / 2 - s**2 * h.trace() / 2
    left = [float((values - part).var() / values.var()) for part in (first, second)]
    assert left[1] <= left[0] + 0.005
    assert left[0] < 0.5


def test_sobol_totals_of_a_sum_and_a_product_are_their_closed_form() -> None:
    network, model = quadratic()
    model.w.zero_()
    model.a.zero_()
    model.w[0], model.w[1] = 2.0, 1.0
    model.a[4, 5] = model.a[5, 4] = 3.0
    image = torch.ones(1, 3, SIZE, SIZE)
    found = methods.run(
        "sobol_total", network, image, TARGETS, seed=0, parameters={"grid": GRID, "designs": 512, "fill": "black"}
    )
    # Masks are uniform: z_i in [0, 1], with a variance of 1/12 and a mean square of 1/3.
    product = 9 * (1 / 9 - 1 / 16)
    variance = 4 / 12 + 1 / 12 + product
    alone = 9 / 12 / 3  # E of the variance of 3 z_4 z_5 in z_4, given z_5
    expected = torch.tensor([4 / 12, 1 / 12, 0, 0, alone, alone, 0, 0, 0]) / variance
    torch.testing.assert_close(cells(found.maps)[0], expected, rtol=0.1, atol=0.01)
    assert found.notes[0]["variance"] == pytest.approx(variance, rel=0.1)
    assert found.notes[0]["forward_passes"] == 512 * 10


def test_sobol_asks_for_designs_times_cells_and_one_and_refuses_what_cannot_be() -> None:
    network, image, asked = small.network(size=SIZE), small.images(1, size=SIZE), []
    network.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0])))
    run("sobol_total", network, image, grid=2, designs=4)
    assert sum(asked) == 4 * 5
    with pytest.raises(ValueError, match="does not fit"):
        run("sobol_total", network, image, grid=20)
    with pytest.raises(ValueError, match="two designs"):
        run("sobol_total", network, image, designs=1)


def textured(size: int = 40) -> Tensor:
    """Waves that go on across any square, so that what surrounds a square foretells it."""
    across = torch.arange(size) * 0.7
    return (0.5 + 0.4 * torch.sin(across[:, None] + across)).expand(3, size, size).contiguous()


def test_a_square_is_filled_with_what_its_surroundings_foretell() -> None:
    image = textured()
    model = Patches(image, 4, torch.Generator().manual_seed(0))
    for top, left in [(10, 17), (0, 0), (36, 36), (0, 20)]:
        drawn = torch.stack([model.draw(top, left) for _ in range(8)])
        assert (drawn.mean(0) - image[:, top : top + 4, left : left + 4]).abs().max() < 0.1
    noise = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(1))
    drawn = torch.stack([Patches(noise, 4, torch.Generator().manual_seed(0)).draw(10, 10) for _ in range(1)])
    assert (drawn[0] - noise[:, 10:14, 10:14]).abs().mean() > 0.1


def test_a_square_too_large_for_its_model_is_drawn_coarser_also_at_the_edge_of_an_uneven_image() -> None:
    across = torch.arange(221) * 0.15
    image = (0.5 + 0.4 * torch.sin(across[:, None] + across)).expand(3, 221, 221).contiguous()
    model = Patches(image, 60, torch.Generator().manual_seed(0))
    assert max(model.height, model.width) <= MOST_PIXELS
    for top, left in [(80, 70), (0, 0), (161, 161), (161, 33)]:
        drawn = torch.stack([model.draw(top, left) for _ in range(4)])
        assert drawn.shape[-2:] == (60, 60)
        hidden = image[:, top : top + 60, left : left + 60]
        assert (hidden - hidden.mean()).abs().mean() > 0.2
        assert (drawn.mean(0) - hidden).abs().mean() < 0.1


def test_prediction_difference_is_the_mean_and_variance_of_the_log_odds_lost() -> None:
    network, image = small.network(), small.images(1)
    given = {"square": 0.25, "stride": 0.25, "samples": 3}
    difference = run("prediction_difference", network, image, **given)[0, 0]
    variance = run("prediction_difference", network, image, value="variance", **given)[0, 0]
    model = Patches(image[0], 6, generator(5, image[0]))
    for top in (0, 6, 12, 18):
        for left in (0, 6, 12, 18):
            lost = []
            for _ in range(3):
                changed = image.clone()
                changed[0, :, top : top + 6, left : left + 6] = model.draw(top, left)
                before, after = (network(one).softmax(1)[0, 1].double() for one in (image, changed))
                lost.append(torch.log2(before / (1 - before)) - torch.log2(after / (1 - after)))
            values = torch.stack(lost)
            assert float(difference[top, left]) == pytest.approx(float(values.mean()), abs=1e-4)
            assert float(variance[top, left]) == pytest.approx(float(values.var()), abs=1e-4)


def test_prediction_difference_leaves_what_is_foretold_and_refuses_what_has_no_odds() -> None:
    network = small.network()
    plain = torch.full((1, 3, small.SIZE, small.SIZE), 0.5)
    random = torch.rand(1, 3, small.SIZE, small.SIZE, generator=torch.Generator().manual_seed(0))
    given = {"square": 0.25, "stride": 0.25, "samples": 2}
    quiet, loud = (run("prediction_difference", network, image, **given).abs().max() for image in (plain, random))
    assert quiet < 0.2 * loud
    with pytest.raises(UndefinedError, match="those of a class"):
        methods.run("prediction_difference", network, plain, [Target(module="4", channel=1)], seed=0, parameters={})
    with pytest.raises(ValueError, match="at least two draws"):
        run("prediction_difference", network, plain, samples=1)


def test_derivatives_in_cells_are_those_of_a_common_shift() -> None:
    network, image = smooth_network(), small.images(1, size=SIZE)
    shift = torch.zeros(1, 1, GRID, GRID, requires_grad=True)
    scores(network, image + on_pixels(shift, SIZE, SIZE), TARGETS).backward()  # type: ignore[no-untyped-call]
    inputs = image.clone().requires_grad_()
    (derivative,) = torch.autograd.grad(scores(network, inputs, TARGETS), inputs)
    torch.testing.assert_close(shift.grad, in_cells(derivative, GRID))
