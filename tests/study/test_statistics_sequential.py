"""Group-sequential boundaries against published ones, simulation, and the e-values' guarantee."""

import numpy as np
import pytest
from scipy import stats

from study.statistics.crossed_means import UndefinedError
from study.statistics.e_values import confidence_sequence, e_process
from study.statistics.sequential import boundaries, crossing_probabilities, information_fraction, spent


@pytest.mark.parametrize(
    ("fractions", "alpha", "published"),
    [
        # SeqBounds.jl's documentation
        ([0.25, 0.5, 0.75, 1.0], 0.05, [3.74955, 2.53993, 2.01604, 1.72014]),
        # gsDesign's sfLDOF, gs_b's documentation
        ([0.5, 0.75, 1.0], 0.025, [2.962588, 2.359018, 2.014084]),
    ],
)
def test_obrien_fleming_boundaries_are_the_published_ones(fractions, alpha, published):
    looks = boundaries(fractions, alpha=alpha, sides=1)
    np.testing.assert_allclose([look.boundary for look in looks], published, atol=1e-4)


def test_two_sided_boundaries_are_one_sided_ones_at_half_the_error():
    # Crossing the other side first is all but impossible.
    one = boundaries([0.2, 0.4, 0.6, 0.8, 1.0], alpha=0.025, sides=1)
    two = boundaries([0.2, 0.4, 0.6, 0.8, 1.0], alpha=0.05, sides=2)
    np.testing.assert_allclose([a.boundary for a in one], [b.boundary for b in two], atol=1e-3)
    assert two[-1].spent == pytest.approx(0.05)
    assert two[0].nominal_p == pytest.approx(2 * stats.norm.sf(two[0].boundary))


def test_pocock_spending_gives_nearly_constant_boundaries_below_pococks_own():
    looks = boundaries([0.2, 0.4, 0.6, 0.8, 1.0], spending="pocock")
    z = np.array([look.boundary for look in looks])
    assert np.ptp(z) < 0.06
    assert abs(z.mean() - 2.413) < 0.02  # Pocock 1977: 2.413 for five looks


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("fractions", [[0.1, 0.35, 0.4, 1.0], [0.3, 0.9], [k / 20 for k in range(1, 21)]])
def test_simulated_paths_cross_as_often_as_the_error_allows(spending, sides, fractions):
    looks = boundaries(fractions, alpha=0.05, sides=sides, spending=spending)
    rng = np.random.default_rng(1)
    steps = np.sqrt(np.diff([0.0, *fractions]))
    z = np.cumsum(rng.normal(size=(60_000, len(steps))) * steps, axis=1) / np.sqrt(fractions)
    crossed = (np.abs(z) if sides == 2 else z) >= [look.boundary for look in looks]
    expected = sides * spent(fractions[-1], 0.05 / sides, spending)
    assert crossed.any(axis=1).mean() == pytest.approx(expected, abs=0.0035)
    assert sides * sum(crossing_probabilities(looks, sides=sides)) == pytest.approx(expected, abs=1e-4)


def test_power_under_drift_is_that_of_simulated_paths():
    fractions = [0.4, 0.7, 1.0]
    looks = boundaries(fractions, alpha=0.025, sides=1)
    rng = np.random.default_rng(2)
    steps = np.diff([0.0, *fractions])
    scores = np.cumsum(rng.normal(2.8 * steps, np.sqrt(steps), (60_000, 3)), axis=1)
    crossed = scores / np.sqrt(fractions) >= [look.boundary for look in looks]
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 3)
    expected = np.bincount(first, minlength=4)[:3] / 60_000
    np.testing.assert_allclose(crossing_probabilities(looks, sides=1, drift=2.8), expected, atol=0.006)


def test_a_last_look_before_all_information_keeps_the_rest_of_the_error():
    early = boundaries([0.5, 0.9])
    assert early[-1].spent < 0.05
    assert boundaries([0.5, 1.2])[-1].spent == pytest.approx(0.05)


def test_very_early_looks_cannot_reject():
    first = boundaries([0.001, 1.0])[0]
    assert first.boundary == np.inf
    assert first.nominal_p == 0


@pytest.mark.parametrize("fractions", [[], [0.0, 1.0], [0.5, 0.5], [0.8, 0.5]])
def test_looks_that_do_not_increase_are_refused(fractions):
    with pytest.raises(UndefinedError, match="positive and increase"):
        boundaries(fractions)


def test_other_refusals_are_sentences():
    with pytest.raises(UndefinedError, match="no spending function"):
        boundaries([1.0], spending="haybittle")
    with pytest.raises(UndefinedError, match="alpha must lie"):
        boundaries([1.0], alpha=2)
    with pytest.raises(UndefinedError, match="standard error is 0"):
        information_fraction(0.0, 0.1)
    assert information_fraction(0.2, 0.1) == pytest.approx(0.25)


def simulated_means(rng: np.random.Generator, participants: int, mean: float) -> np.ndarray:
    return rng.binomial(12, np.clip(rng.normal(mean, 0.15, participants), 0, 1)) / 12


def test_watching_all_the_time_rarely_rejects_a_true_null_and_finds_an_effect():
    rng = np.random.default_rng(3)
    false = found = peeked = 0
    for _ in range(500):
        x = simulated_means(rng, 100, 0.5)
        false += e_process(x, 0.5).crossed_at is not None
        found += e_process(simulated_means(rng, 100, 0.62), 0.5).crossed_at is not None
        n = np.arange(5, 101)
        t = [(x[:k].mean() - 0.5) / (x[:k].std(ddof=1) / np.sqrt(k)) for k in n]
        peeked += (stats.t.sf(t, n - 1) < 0.05).any()
    assert false / 500 <= 0.06
    assert peeked / 500 > 0.12
    assert found / 500 > 0.8


def test_capital_is_what_the_bets_before_each_participant_made_it():
    x = np.array([0.9, 0.7, 0.2])
    stakes = [0.0, min(0.4 / (0.4**2 + 0.25), 1.0), min(0.6 / (0.4**2 + 0.2**2 + 0.25), 1.0)]
    capital = np.cumprod([1 + stake * (value - 0.5) for stake, value in zip(stakes, x, strict=True)])
    found = e_process(x, 0.5)
    np.testing.assert_allclose(found.capital, capital)
    assert found.p == pytest.approx(1 / max(capital))
    assert found.unit == "participants (items fixed)"


def test_less_is_greater_mirrored_and_two_sided_is_the_mean_of_both():
    x = simulated_means(np.random.default_rng(4), 40, 0.4)
    less, greater = e_process(x, 0.5, alternative="less"), e_process(x, 0.5)
    np.testing.assert_allclose(less.capital, e_process(1 - x, 0.5).capital)
    np.testing.assert_allclose(e_process(x, 0.5, alternative="two-sided").capital, (less.capital + greater.capital) / 2)


def test_confidence_sequence_holds_at_all_times_together():
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(60):
        x = simulated_means(rng, 60, 0.7)
        missed += any(
            not low <= 0.7 <= high for low, high in (confidence_sequence(x[:k], points=99) for k in (10, 30, 60))
        )
    assert missed / 60 <= 0.12
    low, high = confidence_sequence(x)
    assert 0.5 < low < x.mean() < high < 0.9


@pytest.mark.parametrize(
    ("means", "null", "sentence"),
    [([], 0.5, "at least one participant"), ([1.2], 0.5, "between 0 and 1"), ([0.5], 1.0, "not on an edge")],
)
def test_bets_that_cannot_be_made_are_refused(means, null, sentence):
    with pytest.raises(UndefinedError, match=sentence):
        e_process(means, null)
