"""The bootstraps by their coverage, their repeatability and what they refuse."""

import numpy as np
import pytest

from study.statistics.bootstrap import checked, one_way_bootstrap, two_way_bootstrap
from study.statistics.crossed_means import UndefinedError


def crossed(rng: np.random.Generator, participants: int, items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p, i = np.repeat(np.arange(participants), items), np.tile(np.arange(items), participants)
    y = rng.normal(0, 1, participants)[p] + rng.normal(0, 1, items)[i] + rng.normal(0, 1, len(p))
    return y, p, i


def test_two_way_bootstrap_covers_the_mean_over_new_people_and_new_items():
    rng = np.random.default_rng(0)
    covered = narrow = 0
    for seed in range(150):
        y, p, i = crossed(rng, 25, 20)
        found = two_way_bootstrap(lambda w, y=y: w @ y / w.sum(), p, i, replicates=200, seed=seed)
        low, high = found.interval()
        covered += low[0] <= 0 <= high[0]
        by_person = y.reshape(25, 20).mean(axis=1)
        half = 2.06 * by_person.std(ddof=1) / 5
        narrow += abs(by_person.mean()) <= half
    assert covered / 150 > 0.90
    assert narrow / 150 < covered / 150 - 0.05  # over participants alone, new items are forgotten


def test_two_way_standard_error_is_that_of_theory_or_slightly_more():
    y, p, i = crossed(np.random.default_rng(1), 40, 30)
    theory = np.sqrt(y.reshape(40, 30).mean(axis=1).var(ddof=1) / 40 + y.reshape(40, 30).mean(axis=0).var(ddof=1) / 30)
    found = two_way_bootstrap(lambda w: [w @ y / w.sum(), w.sum()], p, i, replicates=800, seed=2)
    assert found.se[0] == pytest.approx(theory, rel=0.1)
    assert found.estimate[1] == 1200
    again = two_way_bootstrap(lambda w: [w @ y / w.sum(), w.sum()], p, i, replicates=800, seed=2)
    np.testing.assert_array_equal(found.draws, again.draws)
    assert found.name() == "95 % bootstrap over participants and items, 800 replicates"


def test_one_way_bootstrap_has_the_standard_error_of_the_mean():
    x = np.random.default_rng(3).normal(size=60)
    found = one_way_bootstrap(lambda w: w @ x / w.sum(), 60, of="items", replicates=2000)
    assert found.se[0] == pytest.approx(x.std() / np.sqrt(60), rel=0.06)


def test_undefined_replicates_are_left_out_and_too_many_refused():
    found = checked(np.zeros(1), np.where(np.arange(100) < 4, np.nan, 1.0)[:, None], "items")
    assert (len(found.draws), found.undefined) == (96, 4)
    with pytest.raises(UndefinedError, match="50 of 100 bootstrap replicates over items are undefined"):
        checked(np.zeros(1), np.where(np.arange(100) < 50, np.nan, 1.0)[:, None], "items")


def test_one_participant_or_item_cannot_be_drawn_again():
    with pytest.raises(UndefinedError, match="at least two participants"):
        two_way_bootstrap(lambda w: w.sum(), ["a", "a"], ["x", "y"])
    with pytest.raises(UndefinedError, match="at least two items"):
        two_way_bootstrap(lambda w: w.sum(), ["a", "b"], ["x", "x"])
    with pytest.raises(UndefinedError, match="at least two; there is none"):
        one_way_bootstrap(lambda w: w.sum(), 0, of="methods")
