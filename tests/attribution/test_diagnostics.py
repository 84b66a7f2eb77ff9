"""Every diagnostic: flat rows from any network, the same for the same seed, sentences where it has nothing to say."""

import json
from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from attribution import compute, plugins
from attribution.diagnostics import Row, Subject
from attribution.diagnostics._fidelity import explained
from attribution.diagnostics._intervals import ALIKE, LEAD, SHARE, mean_interval
from attribution.diagnostics.linearity import radius
from attribution.networks import Network
from attribution.rectifiers import NothingToActOnError
from tests.attribution import small

FOLDER = "attribution.diagnostics"
QUICK: dict[str, dict[str, Any]] = {
    "linearity": {"samples": 8, "deviations": [0.01, 0.1]},
    "influence_agreement": {"methods": ["gradient", "gradient_input"], "cells": 6},
    "second_order_fidelity": {"grid": 2, "samples": 40, "fresh": 16, "deviations": [0.1]},
    "saliency_of_visualization": {"steps": 4, "samples": 4},
    "score_gap": {"steps": 3, "restarts": 2},
    "discrimination": {"steps": 3},
    "regulariser_ablation": {"steps": 2, "seeds": 1, "priors": ["none", "l2"]},
    "restarts": {"steps": 3, "restarts": 3},
    "instance_count": {"steps": 3, "classes": 2, "restarts": 1},
    "instances_by_training": {"steps": 2, "classes": [1], "one": ["network 0"] * 2, "many": ["network 0"] * 2},
    "faithfulness": {"methods": ["gradient"], "steps": 3, "subsets": 4},
    "randomisation": {"methods": ["gradient"], "stages": 2},
}
NO_IMAGES = (
    "saliency_of_visualization",
    "regulariser_ablation",
    "restarts",
    "instance_count",
    "instances_by_training",
)


def subject(*networks: Network, count: int = 4) -> Subject:
    return Subject(
        networks={f"network {place}": network for place, network in enumerate(networks or (small.network(),))},
        images=small.images(count),
        image_names=[f"image {image}" for image in range(count)],
        labels=[image % 5 for image in range(count)],
        boxes=[[[4.0, 6.0, 16.0, 20.0]] for _ in range(count)],
        run=compute._run,
    )


def measured(name: str, about: Subject, **given: Any) -> list[Row]:
    module = plugins.load(FOLDER, name)
    rows: list[Row] = module.measure(about, seed=3, **plugins.complete(FOLDER, name, given))
    return rows


@pytest.mark.parametrize("name", plugins.names(FOLDER))
@pytest.mark.parametrize("network", [small.network(), small.ends_in_relu()], ids=["linear head", "ends in ReLU"])
def test_a_diagnostic_returns_flat_rows_and_leaves_the_network_as_it_was(name: str, network: Network) -> None:
    before = {key: value.clone() for key, value in network.state_dict().items()}
    rows = measured(name, subject(network), **QUICK.get(name, {}))
    assert rows
    assert all(isinstance(value, str | int | float | bool | None) for row in rows for value in row.values())
    json.dumps(rows)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert rows == measured(name, subject(network), **QUICK.get(name, {}))


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_a_diagnostic_of_images_says_so_where_there_are_none(name: str) -> None:
    about = subject()
    about.images = None
    if name in NO_IMAGES:
        assert measured(name, about, **QUICK[name])
    else:
        with pytest.raises(ValueError, match="none were given"):
            measured(name, about, **QUICK.get(name, {}))


class Quadratic(nn.Module):
    """Two classes whose scores are a known quadratic of the mean of a 2 x 2 grid's cells."""

    def __init__(self, curvature: float) -> None:
        super().__init__()
        self.curvature = curvature
        self.layer = nn.Linear(1, 1)

    def forward(self, images: Tensor) -> Tensor:
        cells = nn.functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), 2).flatten(1)
        score = cells.sum(1) + self.curvature * (cells[:, 0] ** 2 - cells[:, 1] * cells[:, 2])
        return torch.stack([score + 10, -score], dim=1)


def quadratic(curvature: float) -> Network:
    return Network(Quadratic(curvature), labels=["yes", "no"], mean=[0.0] * 3, std=[1.0] * 3, view=small.network().view)


def summary(rows: list[Row], **wanted: Any) -> Row:
    return next(row for row in rows if row["image"] is None and all(row.get(k) == v for k, v in wanted.items()))


def test_a_linear_network_is_linear_everywhere_and_a_relu_network_is_not() -> None:
    straight = measured("linearity", subject(quadratic(0.0)))
    assert all(row["r2"] == pytest.approx(1, abs=1e-3) for row in straight if row.get("r2") is not None)
    assert all(row["is_beyond"] for row in straight if row.get("is_beyond") is not None)
    bent = measured("linearity", subject())
    assert float(summary(bent, deviation=0.2)["r2"] or 0) < float(summary(bent, deviation=0.002)["r2"] or 0)


def test_the_radius_lies_where_r2_crosses_the_threshold() -> None:
    assert radius([0.01, 0.1], [1.0, 0.8], 0.9) == (pytest.approx(0.0316, abs=1e-4), False, False)
    assert radius([0.01, 0.1], [0.5, 0.1], 0.9) == (0.01, True, False)
    assert radius([0.01, 0.1], [0.99, 0.95], 0.9) == (0.1, False, True)
    assert radius([0.01], [None], 0.9) == (None, False, False)


def test_r2_is_one_less_error_over_variance() -> None:
    true = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    assert explained(true, true) == [1]
    assert explained(true, true.mean().expand_as(true)) == [pytest.approx(0)]
    assert explained(torch.ones(1, 4), true) == [None]


def test_the_second_order_helps_where_there_is_one_and_is_called_noise_where_there_is_none() -> None:
    given = {"grid": 2, "samples": 2000, "fresh": 400, "deviations": [0.5]}
    curved = summary(measured("second_order_fidelity", subject(quadratic(4.0)), **given))
    assert curved["verdict"] == "order 2 helps"
    assert float(curved["r2_order_2"] or 0) > 0.97
    assert float(curved["r2_order_2"] or 0) > float(curved["r2_order_1"] or 0) + 0.1
    straight = summary(measured("second_order_fidelity", subject(quadratic(0.0)), **given))
    assert straight["verdict"] != "order 2 helps"


def test_the_saturation_of_a_straight_line_is_nowhere() -> None:
    rows = measured("saturation", subject(quadratic(0.0)))
    assert all(row["kappa_black"] == pytest.approx(1, abs=1e-3) for row in rows)
    assert all(row["shut"] is None for row in rows)
    relus = summary(measured("saturation", subject()))
    assert 0 < float(relus["flipped_0.01"] or 0) < float(relus["flipped_0.2"] or 0) < 1


def test_slope_and_curvature_of_the_softmax_are_p_less_p_squared_for_two_classes() -> None:
    for row in measured("saturation", subject(quadratic(0.0)))[:-1]:
        p = float(row["probability"] or 0)
        # S_d = 10 - S_c, so p's slope is p (1 - p) (g_c - g_d) with g_d = -g_c.
        assert row["ratio"] == pytest.approx(2 * p * (1 - p), rel=1e-2, abs=1e-7)
        # log p bends by p - p² of the squared slope of S_c - S_d, which is twice that of S_c.
        margin = torch.tensor(float(row["margin"] or 0))
        assert row["curvature"] == pytest.approx(-4 * float(margin.sigmoid() * (-margin).sigmoid()), rel=1e-2)


def test_the_rules_are_equal_between_relus_and_differ_at_them() -> None:
    rows = [row for row in measured("rule_agreement", subject()) if row["image"] is None]
    by_depth = {int(row["depth"] or 0): row for row in rows if row["other"] == "deconvolution"}
    assert by_depth[0]["cosine"] == pytest.approx(1)
    kinds = [str(by_depth[depth]["kind"]) for depth in sorted(by_depth)]
    above = kinds.index("ReLU")
    assert all(by_depth[depth]["cosine"] == pytest.approx(1) for depth in range(above + 1))
    assert float(by_depth[max(by_depth)]["cosine"] or 0) < 0.999


def test_the_rules_are_refused_where_there_is_no_relu() -> None:
    with pytest.raises(NothingToActOnError, match="there is nothing to compare"):
        measured("rule_agreement", subject(small.network(activation=nn.GELU())))


def test_equal_classes_have_equal_maps_and_the_diagonal_is_one() -> None:
    network = small.network()
    head = network.get_submodule("model.8")
    assert isinstance(head, nn.Linear)
    head.weight.data[1] = head.weight.data[0]
    rows = measured("cross_saliency", subject(network), classes=[0, 1, 2])
    twins = summary(rows, weights="trained", one=0, other=1)
    assert twins["correlation"] == pytest.approx(1)
    assert twins["signed"] == pytest.approx(1)
    assert all(row["correlation"] == pytest.approx(1) for row in rows if row.get("is_same"))
    assert float(summary(rows, weights="trained", one=0, other=2)["signed"] or 0) < 0.9
    assert {row["weights"] for row in rows} == {"trained", "shuffled"}


def test_the_saliency_map_of_a_penalised_optimum_is_the_optimum_itself() -> None:
    smooth = small.network(activation=nn.Softplus(beta=4))
    smooth.model[3] = nn.AvgPool2d(2)  # type: ignore[index, assignment]  # the corners of max pooling keep it from resting
    rows = measured("saliency_of_visualization", subject(smooth), index=1, steps=400, penalty=0.1)
    penalised = [row for row in rows if row["kind"] == "penalised"]
    assert all(float(row["cosine"] or 0) > 0.999 for row in penalised)
    assert all(float(row["gradient_norm"] or 0) > 0 for row in penalised)


def test_scores_of_visualizations_are_placed_among_those_of_real_images_of_the_class() -> None:
    network = small.network()
    about = subject(network, count=10)
    assert about.images is not None
    about.labels = [0] * 6 + [1] * 4
    with torch.no_grad():
        logits = network(about.images)[:, 0]
    between = about.images[:2].mean(0)
    with torch.no_grad():
        score = float(network(between[None])[0, 0])
    about.visualizations = {"0": torch.stack([between, network.mean[0].expand_as(between)])}
    rows = measured("score_gap", about, index=0)
    restarts = [row for row in rows if row["kind"] == "restart"]
    assert restarts[0]["percentile"] == pytest.approx(100 * float((logits[:6] < score).float().mean()))
    assert [row["is_of_class"] for row in rows if row["kind"] == "image"] == [True] * 6 + [False] * 4
    refused = next(row for row in rows if row["kind"] == "features")["refused"]
    assert str(refused).startswith("A Mahalanobis distance in 108 features needs at least")


def test_features_of_another_world_are_far_from_those_of_held_out_images() -> None:
    about = subject(count=120)
    about.labels = [0] * 120
    about.visualizations = {"0": torch.rand(4, 3, small.SIZE, small.SIZE, generator=torch.Generator().manual_seed(5))}
    row = next(row for row in measured("score_gap", about) if row["kind"] == "features")
    assert row["refused"] is None
    assert float(row["restarts"] or 0) > float(row["held_out"] or 0)


def test_the_cascade_ends_far_from_where_it_began() -> None:
    rows = [row for row in measured("randomisation", subject(), methods=["gradient", "edges"]) if row["image"] is None]
    edges = [row for row in rows if row["method"] == "edges"]
    assert all(row["rank"] == pytest.approx(1) for row in edges), "edges know nothing of the network"
    gradient = [row for row in rows if row["method"] == "gradient" and row["test"] == "cascade"]
    assert float(gradient[-1]["rank"] or 0) < 0.8
    assert gradient[-1]["layers"] == gradient[-1]["of"]


def test_units_are_ranked_by_their_peaks() -> None:
    rows = [row for row in measured("unit_activation", subject(), channels=[2]) if row["end"] == "most"]
    values = [float(row["activation"] or 0) for row in rows]
    assert values == sorted(values, reverse=True)
    with torch.no_grad():
        network = small.network()
        peak = network.get_submodule("model.4")(
            nn.functional.max_pool2d(
                nn.functional.relu(network.model[1](network.model[0]((small.images(4) - network.mean) / network.std))),  # type: ignore[index]
                2,
            )
        )[:, 2].amax((1, 2))
    assert values[0] == pytest.approx(float(peak.max()), rel=1e-5)


def test_the_interval_of_a_mean_is_of_its_values_kind_and_never_of_none() -> None:
    assert mean_interval([], seed=0) == (None, None, None, "")
    assert mean_interval([1.0, 3.0], seed=0) == (2.0, None, None, "")
    assert mean_interval([0.4] * 20, seed=0) == (pytest.approx(0.4), None, None, "")
    few = mean_interval([0.0, 1.0, 2.0, 5.0], seed=0)
    by_scipy = stats.t.interval(0.95, 3, loc=2, scale=stats.sem([0, 1, 2, 5]))
    assert few == (2, pytest.approx(by_scipy[0]), pytest.approx(by_scipy[1]), "95 % t over images")
    many = mean_interval([0.0, 1.0, 2.0, 5.0, 3.0, 4.0], seed=0, over="views")
    assert many.name == "95 % bootstrap over views"
    assert many.low is not None
    assert many.high is not None
    assert 0 < many.low < 2.5 < many.high < 5
    assert mean_interval([0.2, 0.9, 0.9], seed=0, kind=ALIKE).high == 1
    assert mean_interval([0.2, 0.9, 0.9], seed=0, kind=SHARE).low == 0


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (3, 4), (27, 35), (16, 16)])
def test_shares_have_the_exact_binomial_interval(hits: int, count: int) -> None:
    found = mean_interval([1.0] * hits + [0.0] * (count - hits), seed=0, kind=SHARE)
    by_scipy = stats.binomtest(hits, count).proportion_ci(method="exact")
    assert found[:3] == pytest.approx((hits / count, *by_scipy))
    assert found.name == "95 % exact binomial over images"


@pytest.mark.parametrize(("won", "lost", "same"), [(4, 1, 30), (6, 0, 10), (5, 0, 0), (1, 9, 3), (20, 4, 1)])
def test_a_lead_is_sure_just_where_the_sign_test_says_so(won: int, lost: int, same: int) -> None:
    found = mean_interval([1.0] * won + [-1.0] * lost + [0.0] * same, seed=0, kind=LEAD)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.mean <= found.high
    is_sure = not found.low <= 0 <= found.high
    assert is_sure == (stats.binomtest(won, won + lost).pvalue <= 0.05)
    assert mean_interval([0.0] * 9, seed=0, kind=LEAD) == (0, None, None, "")
