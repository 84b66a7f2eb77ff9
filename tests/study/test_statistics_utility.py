"""Utility-K against its definition written out, its intervals and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from study.statistics.crossed_means import UndefinedError
from study.statistics.utility import Utility, utility


def answers(rng: np.random.Generator, gain: float, participants: int = 60) -> pd.DataFrame:
    rows = []
    for person in range(participants):
        for k in (5, 10, 15):
            p = 0.5 + 0.01 * k + gain * (person % 2)
            rows += [(person, k, person % 2 == 1, int(rng.random() < p)) for _ in range(12)]
    return pd.DataFrame(rows, columns=["participant", "k", "is_explained", "correct"])


def computed(frame: pd.DataFrame, **options) -> Utility:
    return utility(frame.correct, frame.k, frame.is_explained, frame.participant, **options)


def test_ratio_difference_and_areas_are_those_of_the_definition():
    frame = answers(np.random.default_rng(1), 0.15)
    found = computed(frame, replicates=50)
    table = frame.groupby(["is_explained", "k"]).correct.mean().unstack()
    ratio, difference = table.loc[True] / table.loc[False], table.loc[True] - table.loc[False]
    np.testing.assert_allclose(found.ratio, ratio)
    np.testing.assert_allclose(found.difference, difference)
    assert found.ks == (5, 10, 15)
    assert found.ratio_area == pytest.approx((ratio.iloc[0] / 2 + ratio.iloc[1] + ratio.iloc[2] / 2) / 2)
    assert found.difference_area == pytest.approx(
        (difference.iloc[0] / 2 + difference.iloc[1] + difference.iloc[2] / 2) / 2
    )


def test_intervals_cover_the_true_difference():
    rng = np.random.default_rng(2)
    covered = 0
    for seed in range(200):
        found = computed(answers(rng, 0.1), replicates=200, seed=seed)
        low, high = found.difference_area_interval
        covered += low <= 0.1 <= high
    assert 0.89 < covered / 200 <= 1


def test_participants_who_see_both_are_drawn_once_for_both():
    frame = answers(np.random.default_rng(3), 0.1)
    frame["participant"] //= 2
    found = computed(frame, replicates=200)
    assert found.participants == 30
    assert found.interval == "95 % bootstrap over participants, 200 replicates"
    low, high = found.ratio_area_interval
    assert low < found.ratio_area < high


def test_one_k_is_its_own_area():
    frame = answers(np.random.default_rng(4), 0.1).query("k == 5")
    found = computed(frame, replicates=50)
    assert found.ratio_area == pytest.approx(found.ratio[0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.query("is_explained or k != 10"), "no responses without explanation at K = 10"),
        (lambda f: f.query("is_explained or participant == 0"), "An arm has one participant"),
        (lambda f: f.assign(correct=f.correct.where(f.is_explained, 0)), "nobody without explanation"),
        (lambda f: f.assign(correct=2), "correct .1. and wrong .0."),
        (lambda f: f.query("k == 99"), "needs responses"),
    ],
)
def test_undefined_utility_is_a_sentence(change, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        computed(change(answers(np.random.default_rng(5), 0.1)), replicates=20)
