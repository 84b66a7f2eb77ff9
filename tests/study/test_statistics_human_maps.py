"""Metrics of maps against slow loops over pixels, and normalised scores where the truth is known."""

import numpy as np
import pytest
from scipy import ndimage

from study.statistics.crossed_means import UndefinedError
from study.statistics.human_maps import (
    auc_judd,
    correlation,
    normalise,
    nss,
    overlap,
    pointing,
    spearman_brown,
    split_half_ceiling,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_overlap_equals_loops_over_the_most_salient_pixels(rng):
    saliency, human = rng.permutation(120.0 * np.ones(120).cumsum()).reshape(10, 12), rng.random((10, 12)) < 0.3
    size = int(human.sum())
    chosen = {tuple(place) for place in np.argwhere(saliency > np.sort(saliency.ravel())[-size - 1])}
    marked = {tuple(place) for place in np.argwhere(human)}
    assert overlap(saliency, human) == pytest.approx(len(chosen & marked) / len(chosen | marked))
    assert overlap(human, human) == 1


def test_overlap_of_a_flat_map_is_that_of_chance_and_not_of_the_pixels_order(rng):
    human = np.zeros((8, 8))
    human[:2] = 1
    inside = 16 * 0.25
    assert overlap(np.ones((8, 8)), human) == pytest.approx(inside / (32 - inside))


def test_pointing_looks_at_the_maximum_with_a_tolerance():
    saliency, human = np.zeros((9, 9)), np.zeros((9, 9))
    saliency[4, 4], human[4, 6] = 1, 1
    assert pointing(saliency, human) == 0
    assert pointing(saliency, human, tolerance=2) == 1
    saliency[4, 6] = 1
    assert pointing(saliency, human) == 0.5


def test_auc_judd_is_the_share_of_pixel_pairs_in_order(rng):
    saliency, fixations = rng.integers(0, 6, (9, 11)), rng.random((9, 11)) < 0.2
    pairs = saliency[fixations][:, None] - saliency[~fixations]
    assert auc_judd(saliency, fixations) == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)
    assert auc_judd(np.ones((9, 11)), fixations) == pytest.approx(0.5)


def test_nss_is_the_mean_z_score_at_fixations_counted_as_often_as_they_occur(rng):
    saliency, fixations = rng.random((7, 8)), rng.integers(0, 3, (7, 8))
    z = (saliency - saliency.mean()) / saliency.std()
    each = [z[row, column] for row in range(7) for column in range(8) for _ in range(fixations[row, column])]
    assert nss(saliency, fixations) == pytest.approx(np.mean(each))


def test_correlation_is_pearsons(rng):
    one, two = rng.random((5, 6)), rng.random((5, 6))
    assert correlation(one, two) == pytest.approx(np.corrcoef(one.ravel(), two.ravel())[0, 1])


def people_of(image: np.ndarray, rng: np.random.Generator, people: int, noise: float) -> np.ndarray:
    return image + rng.normal(0, noise, (people, *image.shape))


def test_split_half_ceiling_is_the_correlation_of_two_independent_groups_of_all(rng):
    image = rng.normal(size=(40, 40))
    expected = correlation(people_of(image, rng, 20, 3.0).mean(axis=0), people_of(image, rng, 20, 3.0).mean(axis=0))
    assert split_half_ceiling(people_of(image, rng, 20, 3.0)) == pytest.approx(expected, abs=0.03)
    assert spearman_brown(0.5) == pytest.approx(2 / 3)


def test_normalised_scores_put_another_image_at_zero_and_fresh_people_at_one(rng):
    images = [ndimage.gaussian_filter(rng.normal(size=(24, 24)), 2) * 10 for _ in range(12)]
    people = [people_of(image, rng, 16, 2.0) for image in images]
    fresh = [people_of(image, rng, 16, 2.0).mean(axis=0) for image in images]
    wrong = [fresh[(place + 1) % 12] for place in range(12)]
    as_people, as_others = normalise(fresh, people, replicates=300), normalise(wrong, people, replicates=300)
    assert as_people.share == pytest.approx(1, abs=0.05)
    assert as_others.share == pytest.approx(0, abs=0.15)
    assert as_others.low < as_others.share < as_others.high
    assert as_people.interval == "95 % bootstrap over images, 300 replicates"
    assert as_people.share == pytest.approx((as_people.score - as_people.null) / (as_people.ceiling - as_people.null))


def test_any_metric_can_be_normalised(rng):
    images = [np.zeros((16, 16)) for _ in range(6)]
    for place, image in enumerate(images):
        image[place * 2 : place * 2 + 5, 3:9] = 1
    people = [(people_of(image, rng, 8, 0.3) > 0.5).astype(float) for image in images]
    found = normalise(images, people, auc_judd, splits=20, replicates=100)
    assert found.null < found.ceiling
    assert found.share > 0.5


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: overlap(np.ones((3, 3)), np.zeros((3, 3))), "marked nothing, or everything"),
        (lambda: pointing(np.ones((3, 3)), np.zeros((3, 3))), "marked nothing"),
        (lambda: auc_judd(np.ones((3, 3)), np.ones((3, 3))), "no pixel was fixated, or every one"),
        (lambda: nss(np.ones((3, 3)), np.eye(3)), "A map is flat"),
        (lambda: correlation(np.eye(3), np.ones((3, 3))), "A map is flat"),
        (lambda: correlation(np.eye(3), np.eye(4)), "Two maps of one size"),
        (lambda: correlation(np.full((2, 2), np.nan), np.eye(2)), "not finite"),
        (lambda: split_half_ceiling(np.ones((1, 3, 3))), "at least two people"),
        (lambda: normalise([np.eye(3)], [np.ones((2, 3, 3))]), "at least two"),
        (lambda: normalise([np.eye(3)] * 2, [np.stack([np.eye(3)] * 2)] * 2), "no ceiling to measure against"),
    ],
)
def test_undefined_scores_are_sentences(call, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        call()
