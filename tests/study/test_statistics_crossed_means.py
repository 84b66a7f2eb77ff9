"""The crossed two-way test holds its size where the usual tests do not, and says so where nothing can be inferred.

Share of one-sided rejections at .05 where nothing is there (20,000 repetitions, Monte-Carlo error .0015; SD in logits),
against chance:

    people x items  chance  SD people, items  two-way lower, upper  binomial  t over participants
     30 x 20         1/2     0.8, 0.8          .047  .047            .242      .124
    200 x 60         1/2     0.8, 0.8          .048  .049            .376      .199
     30 x 20         1/4     0.8, 0.8          .038  .051            .219      .101
    200 x 60         1/4     0.8, 0.8          .048  .049            .353      .187
     30 x 20         1/10    0.8, 0.8          .031  .055            .175      .078
    200 x 60         1/10    0.8, 0.8          .046  .053            .320      .175
     60 x 10         1/2     0.8, 1.5          .039  .040            .345      .320
     60 x 10         1/4     0.8, 1.5          .040  .048            .316      .296
     60 x 10         1/10    0.8, 1.5          .045  .055            .274      .249
    100 x 8          1/10    0.3, 1.0          .051  .051            .270      .267
     20 x 40         1/10    1.0, 0.5          .041  .056            .209      .027
     10 x 10         1/4     0.8, 0.8          .017  .047            .141      .062
     30 x 20         1/10    none              .015  .034            .047      .038

Contrasts are measured in docs/statistics.md.
"""

import numpy as np
import pytest
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from study.statistics.crossed_means import UndefinedError, crossed_difference, crossed_mean
from tests.study.simulated_studies import compared, crossed, of_difference, of_mean


def draw(rng, participants, items, chance):
    drawn = crossed(rng, participants, items, chance)
    return drawn.y, drawn.people, drawn.things


@pytest.mark.parametrize("chance", [1 / 2, 1 / 4, 1 / 10])
def test_a_test_against_chance_holds_its_size_where_the_naive_tests_do_not(chance):
    found = of_mean(1, 700, lambda rng: crossed(rng, 30, 20, chance), chance)
    binomial, over_participants, _ = found.naive
    # Four Monte-Carlo standard errors (.008) above .05; the naive tests are far beyond.
    assert max(found.lower, found.upper) < 0.083
    assert binomial > 0.15
    assert over_participants > 0.083


@pytest.mark.parametrize(
    ("varies", "participants", "chance", "slope", "naive"),
    [("participants", (30, 30), 1 / 4, 0.3, 0.15), ("both", 40, 1 / 2, 1.0, 0.11)],
)
def test_a_contrast_holds_its_size_where_a_test_over_trials_does_not(varies, participants, chance, slope, naive):
    found = of_difference(2, 500, lambda rng: compared(rng, varies, participants, 20, chance, slope=slope))
    assert found.below + found.above < 0.085
    assert found.naive[0] > naive


def test_an_effect_is_found():
    rng = np.random.default_rng(4)
    drawn = compared(rng, "participants", (40, 40), 20, 1 / 4)
    y = np.where(drawn.first & (rng.random(len(drawn.y)) < 0.4), 1.0, drawn.y)
    found = crossed_difference(y, drawn.first, drawn.people, drawn.things)
    low, high = found.t_interval()
    assert found.t_test().p < 0.001
    assert low < found.difference < high
    assert not found.is_paired


def test_the_variance_is_that_of_two_way_clustering():
    rng = np.random.default_rng(0)
    y, people, things = draw(rng, 25, 15, 0.5)
    keep = rng.random(len(y)) < 0.8
    y, people, things = y[keep], people[keep], things[keep]

    class Fit:  # what statsmodels reads of a fitted regression on a constant
        xu = y[:, None] - y.mean()

    mean = crossed_mean(y, people, things)
    n = len(y)

    def slow(codes):
        groups = [np.flatnonzero(codes == code) for code in np.unique(codes)]
        return sum((y[rows] - y.mean()).sum() ** 2 for rows in groups) / n**2 * len(groups) / (len(groups) - 1)

    expected = slow(people) + slow(things) - slow(np.arange(n))
    assert mean.standard_error**2 == pytest.approx(expected, rel=1e-12)
    import statsmodels.api as sm

    fitted = sm.OLS(y, np.ones(n)).fit()
    both, _, _ = cov_cluster_2groups(fitted, people, things, use_correction=False)
    uncorrected = (
        slow(people) * (mean.participants - 1) / mean.participants
        + slow(things) * (mean.items - 1) / mean.items
        - slow(np.arange(n)) * (n - 1) / n
    )
    assert both[0, 0] == pytest.approx(uncorrected, rel=1e-9)


def test_the_variance_never_falls_below_that_of_one_side():
    # Participants differ, items are all alike: the two-way sum alone would be smaller than the participants' part.
    table = np.repeat(np.arange(10)[:, None] % 2, 10, axis=1).astype(float)
    table[np.arange(10), np.arange(10)] = 1 - table[np.arange(10), np.arange(10)]
    mean = crossed_mean(table.ravel(), *np.indices(table.shape).reshape(2, -1))
    assert mean.by_item < mean.within
    assert mean.standard_error**2 == pytest.approx(mean.by_participant)


@pytest.mark.parametrize("chance", [0.5, 0.1])
def test_interval_and_test_against_chance_agree(chance):
    rng = np.random.default_rng(11)
    for _ in range(40):
        mean = crossed_mean(*draw(rng, 12, 9, chance))
        low, high = mean.chance_interval()
        assert 0 < low < mean.mean < high < 1
        for null in np.linspace(0.02, 0.98, 49):
            assert (mean.chance_test(null).p >= 0.05) == (low <= null <= high)


@pytest.mark.parametrize("participants", [(30, 10), (6, 6), 14])
def test_interval_and_test_of_a_difference_of_shares_agree(participants):
    rng = np.random.default_rng(13)
    varies = "both" if participants == 14 else "participants"
    for _ in range(15):
        drawn = compared(rng, varies, participants, 8, 1 / 4, slope=0.6)
        found = crossed_difference(drawn.y, drawn.first, drawn.people, drawn.things)
        low, high = found.t_interval()
        assert -1 < low < found.difference < high < 1
        for null in np.linspace(-0.95, 0.95, 39):
            assert (found.t_test(null=null).p >= 0.05) == (low <= null <= high)


def test_a_share_s_variance_is_its_own_under_the_difference_that_is_seen():
    rng = np.random.default_rng(14)
    drawn = compared(rng, "participants", (30, 10), 20, 1 / 10)
    found = crossed_difference(drawn.y, drawn.first, drawn.people, drawn.things)
    assert found.shares.standard_error(found.difference) == pytest.approx(found.standard_error)
    rated = crossed_difference(2 * drawn.y, drawn.first, drawn.people, drawn.things)
    assert rated.shares is None
    assert rated.standard_error == pytest.approx(2 * found.standard_error)


def test_unequal_arms_err_on_both_sides_alike():
    found = of_difference(3, 800, lambda rng: compared(rng, "participants", (30, 10), 20, 1 / 10))
    # Four Monte-Carlo standard errors of a share of .05.
    assert abs(found.lower - found.upper) < 4 * 0.0109
    assert max(found.lower, found.upper) < 0.06 + 2 * 0.0084


def test_order_and_labels_of_responses_change_nothing():
    rng = np.random.default_rng(12)
    y, people, things = draw(rng, 12, 9, 0.5)
    order = rng.permutation(len(y))
    one = crossed_mean(y, people, things)
    other = crossed_mean(y[order], [f"p{code}" for code in people[order]], [f"i{code}" for code in things[order]])
    assert other.mean == pytest.approx(one.mean)
    assert other.standard_error == pytest.approx(one.standard_error)


def test_one_item_leaves_participants_as_the_unit():
    mean = crossed_mean([0, 1, 1, 0, 1], ["a", "b", "c", "d", "e"], ["x"] * 5)
    assert mean.unit == "participants"
    assert mean.df == 4
    assert mean.standard_error**2 == pytest.approx(np.var([0, 1, 1, 0, 1], ddof=1) / 5)


def test_one_participant_and_one_item_define_nothing():
    with pytest.raises(UndefinedError, match="only one participant and one item"):
        crossed_mean([0, 1, 1], ["a"] * 3, ["x"] * 3)


def test_all_answers_alike_define_no_test():
    mean = crossed_mean([1.0] * 6, [1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2])
    with pytest.raises(UndefinedError, match="no variation"):
        mean.chance_test(0.5)
    with pytest.raises(UndefinedError, match="no variation"):
        mean.chance_interval()


def test_no_responses_define_no_mean():
    with pytest.raises(UndefinedError, match="no responses"):
        crossed_mean([], [], [])


def test_a_condition_without_responses_defines_no_difference():
    with pytest.raises(UndefinedError, match="no responses"):
        crossed_difference([1.0, 0.0], [True, True], [1, 2], [1, 2])


def test_an_arm_of_one_participant_defines_no_difference():
    with pytest.raises(UndefinedError, match="single participant"):
        crossed_difference([1.0, 0, 1, 0], [True, True, False, False], [1, 1, 2, 2], [1, 2, 1, 2])


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="finite"):
        crossed_mean([1.0, float("nan")], [1, 2], [1, 2])
