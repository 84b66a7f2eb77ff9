"""Localisation, faithfulness, counts and similarity against closed forms and planted truth."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from attribution.diagnostics._infidelity import sensitivity
from attribution.diagnostics._removal import area, curve, imputed
from attribution.diagnostics._segmentation import box_of, largest_box, overlap, segment
from attribution.diagnostics._similarity import gini, rank_correlation, structural_similarity
from attribution.diagnostics.localisation import hits
from attribution.diagnostics.regulariser_ablation import high_frequencies
from attribution.diagnostics.score_gap import shrunk_covariance
from attribution.networks import Network
from tests.attribution import small
from tests.attribution.test_diagnostics import measured, subject, summary


class Sum(nn.Module):
    """The score is the sum of the pixels in a corner."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(1, 1)

    def forward(self, images: Tensor) -> Tensor:
        corner = images[:, :, :8, :8].flatten(1).sum(1)
        return torch.stack([corner, -corner], dim=1)


def corner() -> Network:
    return Network(Sum(), labels=["yes", "no"], mean=[0.0] * 3, std=[1.0] * 3, view=small.network().view)


def test_sensitivity_of_the_truth_is_one() -> None:
    network, images, targets = corner(), small.images(2), small.targets(2, classes=1)
    masks = (torch.rand(20, 2, 1, 24, 24, generator=torch.Generator().manual_seed(0)) < 0.2).float()
    truth = images.clone()
    truth[:, :, 8:] = 0
    truth[:, :, :, 8:] = 0
    found = sensitivity(network, images, targets, truth, torch.zeros_like(images), masks)
    assert found.tolist() == pytest.approx([1, 1], abs=1e-6)


def test_deleting_what_counts_first_costs_most_and_inserting_it_first_gains_most() -> None:
    network, images, targets = corner(), small.images(2) + 0.1, small.targets(2, classes=1)
    truth = torch.zeros(2, 1, 24, 24)
    truth[:, :, :8, :8] = 1
    shares = np.linspace(0, 1, 10).tolist()
    cover = torch.zeros_like(images)
    best = curve(network, images, cover, truth, targets, shares)
    worst = curve(network, images, cover, -truth, targets, shares)
    assert best[:, 2].tolist() == pytest.approx([0, 0], abs=1e-6), "the corner is a ninth of the pixels"
    assert best[:, -1].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert all(one < other for one, other in zip(area(best, shares), area(worst, shares), strict=True))
    forward = curve(network, images, cover, truth, targets, shares, is_insertion=True)
    torch.testing.assert_close(forward[:, 0], best[:, -1])
    torch.testing.assert_close(forward[:, -1], best[:, 0])


def test_faithfulness_prefers_the_truth_to_noise() -> None:
    about = subject(corner())
    assert about.images is not None
    truth = torch.zeros(4, 1, 24, 24)
    truth[:, :, :8, :8] = about.images[:, :, :8, :8].sum(1, keepdim=True)
    noise = torch.rand(4, 1, 24, 24, generator=torch.Generator().manual_seed(3))
    about.maps = {"truth": truth, "noise": noise}
    rows = measured("faithfulness", about, fill="black")
    best, worst = summary(rows, method="truth"), summary(rows, method="noise")
    assert float(best["deletion"] or 0) < float(worst["deletion"] or 0)
    assert float(best["insertion"] or 0) > float(worst["insertion"] or 0)
    assert float(best["sensitivity"] or 0) > 0.95 > float(worst["sensitivity"] or 0)
    assert float(best["infidelity"] or 0) < float(worst["infidelity"] or 0) <= 1 + 1e-6


def test_imputed_pixels_are_what_their_neighbours_say() -> None:
    ramp = torch.linspace(0, 1, 16).expand(3, 16, 16).clone()
    removed = np.zeros((16, 16), dtype=bool)
    removed[5:9, 5:9] = True
    holed = ramp.clone()
    holed[:, 5:9, 5:9] = 9.0
    found = imputed(holed, removed, noise=0.0, seed=0)
    torch.testing.assert_close(found, ramp, atol=1e-4, rtol=0)
    everything = imputed(holed, np.ones((16, 16), dtype=bool), noise=0.0, seed=0)
    assert everything.isfinite().all()


def test_a_cut_finds_a_disc_of_its_own_colour_from_a_few_seeds() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48]
    disc = (x - 20) ** 2 + (y - 28) ** 2 < 12**2
    image = np.where(disc, np.array([0.8, 0.3, 0.2])[:, None, None], np.array([0.2, 0.4, 0.7])[:, None, None])
    image = image + 0.08 * rng.standard_normal(image.shape)
    inside = disc & (rng.random(disc.shape) < 0.1)
    outside = ~disc & (rng.random(disc.shape) < 0.1)
    found = segment(image, inside, outside, 8.0)
    assert (found == disc).mean() > 0.99
    saliency = np.where(disc, rng.random(disc.shape) + 0.5, rng.random(disc.shape) * 0.6)
    box = box_of(image, saliency)
    assert box is not None
    assert overlap(box, [9, 17, 32, 40]) > 0.8
    assert box_of(image, np.ones((48, 48))) is None


def test_the_box_is_that_of_the_largest_component() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[1, 1] = mask[4:8, 5:9] = True
    assert largest_box(mask) == [5, 4, 9, 8]
    assert largest_box(np.zeros((3, 3), dtype=bool)) is None
    assert overlap([0, 0, 2, 2], [1, 0, 3, 2]) == pytest.approx(1 / 3)
    assert overlap([0, 0, 1, 1], [5, 5, 6, 6]) == 0


def test_a_point_hits_within_the_tolerance() -> None:
    box = [[10.0, 10.0, 20.0, 20.0]]
    assert hits((12, 15), box, 0)
    assert not hits((5, 15), box, 3)
    assert hits((5, 15), box, 5)
    assert not hits((5, 5), box, 5)


def test_planted_truth_is_localised_and_the_centre_is_not() -> None:
    about = subject()
    about.boxes = [[[0.0, 0.0, 8.0, 8.0]]] * 4
    peak = torch.zeros(4, 1, 24, 24)
    peak[:, :, 2:6, 2:6] = 1
    about.maps = {"gradient": peak}
    row = summary(measured("localisation", about))
    assert row["pointing"] == 1
    assert row["centre_pointing"] == 0
    assert (row["lead"], row["lead_low"], row["lead_high"]) == (1, pytest.approx(2 * 0.025**0.25 - 1), 1)
    assert row["mass"] == pytest.approx(1)
    assert row["area"] == pytest.approx(64 / 576)
    assert row["whole_is_found"] == 0


def test_the_whole_image_is_a_box_for_whatever_fills_it() -> None:
    about = subject()
    most, corner = [0.0, 0.0, 18.0, 18.0], [0.0, 0.0, 8.0, 8.0]
    about.boxes = [[most], [corner], [most, corner], [corner]]
    rows = [row for row in measured("localisation", about) if row["image"] is not None]
    assert [row["whole_is_found"] for row in rows] == [True, False, True, False]
    assert [row["box_lead"] for row in rows] == [int(row["is_found"]) - int(row["whole_is_found"]) for row in rows]


def test_localisation_stands_networks_side_by_side_and_asks_for_labels_or_boxes() -> None:
    about = subject(small.network(), small.network(seed=4))
    rows = measured("localisation", about)
    assert {row["network"] for row in rows} == {"network 0", "network 1"}
    about.labels, about.boxes = [None] * 4, []
    with pytest.raises(ValueError, match="needs labels, boxes or masks"):
        measured("localisation", about)


def test_the_lead_over_the_centre_is_counted_image_by_image() -> None:
    about = subject()
    corner, middle = [0.0, 0.0, 8.0, 8.0], [9.0, 9.0, 15.0, 15.0]
    about.boxes = [[corner], [middle], [corner, middle], [middle]]
    peak = torch.zeros(4, 1, 24, 24)
    peak[:, :, 3, 3] = 1
    about.maps = {"gradient": peak}
    rows = measured("localisation", about)
    assert [row["lead"] for row in rows if row["image"] is not None] == [1, -1, 0, -1]
    assert summary(rows)["lead"] == pytest.approx(-1 / 4)


@pytest.mark.parametrize("classes", [5, 6])
def test_being_among_five_answers_is_told_only_where_there_are_more_classes(classes: int) -> None:
    about = subject(small.network(classes))
    about.labels = [0] * 4
    row = summary(measured("localisation", about))
    assert (row["top5"] is None) == (classes == 5)
    assert row["top1"] is not None


def test_similarities_are_what_they_are_called() -> None:
    one = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    other = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(1)).round(decimals=1)
    expected: list[Any] = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(one, other, strict=True)]
    assert rank_correlation(one, other).tolist() == pytest.approx(expected)
    assert structural_similarity(one, one).tolist() == pytest.approx([1, 1])
    assert (structural_similarity(one, other) < 0.5).all()
    single = torch.zeros(1, 1, 10, 10)
    single[0, 0, 3, 3] = -2
    assert gini(single).tolist() == pytest.approx([0.99])
    assert gini(torch.ones(1, 1, 10, 10)).tolist() == pytest.approx([0])


def test_power_at_high_frequencies_is_that_of_the_waves_put_in() -> None:
    x = torch.arange(32.0)
    slow, fast = torch.sin(2 * torch.pi * x * 2 / 32), torch.sin(2 * torch.pi * x * 12 / 32)
    assert high_frequencies(slow.expand(1, 3, 32, 32)).item() == pytest.approx(0, abs=1e-6)
    assert high_frequencies((slow + fast).expand(1, 3, 32, 32)).item() == pytest.approx(0.5, abs=1e-5)


def test_a_shrunk_covariance_is_nearer_the_truth_where_there_are_few_samples() -> None:
    rng = np.random.default_rng(0)
    residuals = rng.standard_normal((20, 15))
    shrunk = shrunk_covariance(residuals)
    raw = residuals.T @ residuals / 20
    assert np.linalg.norm(shrunk - np.eye(15)) < np.linalg.norm(raw - np.eye(15))
