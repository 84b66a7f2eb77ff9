"""Every interval is the one its name says; rounding follows the declared rule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from study.statistics.bootstrap import two_way_bootstrap
from study.statistics.intervals import KINDS, interval_name, mean_interval
from study.statistics.multiplicity import holm, holm_of_each
from study.statistics.rounding import p_value, percent, rounded, without_zero

Y = [1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1]
PEOPLE = ["a", "a", "a", "b", "b", "b", "c", "c", "c", "d", "d", "d"]
THINGS = ["x", "y", "z"] * 4
MEANS = np.array([2 / 3, 1 / 3, 1.0, 1 / 3])


def of(kind, values=Y, **options):
    return mean_interval(values, PEOPLE, THINGS, kind=kind, is_proportion=True, **options)


def test_wilson_is_the_published_formula():
    n, p, z = 12, 7 / 12, 1.959963984540054
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    found = of("wilson_95")
    assert (found.low, found.high) == (pytest.approx(middle - half), pytest.approx(middle + half))
    assert found.name == "95 % Wilson"


def test_sd_over_participants_is_that_of_their_means():
    found = of("sd_over_participants")
    assert found.estimate == pytest.approx(MEANS.mean())
    assert (found.high - found.low) / 2 == pytest.approx(MEANS.std(ddof=1))
    assert found.is_half_width


def test_two_standard_errors_are_those_of_participant_means():
    found = of("two_se_of_participant_means")
    assert (found.high - found.low) / 2 == pytest.approx(2 * MEANS.std(ddof=1) / 2)


def test_t_over_participants_uses_three_degrees_of_freedom_for_four():
    found = of("t_95_over_participants")
    assert (found.high - found.low) / 2 == pytest.approx(3.182446305284263 * MEANS.std(ddof=1) / 2)


def test_the_bootstrap_repeats_with_its_seed_and_differs_from_another():
    assert of("bootstrap_95", seed=1) == of("bootstrap_95", seed=1)
    assert of("bootstrap_95", seed=1) != of("bootstrap_95", seed=2)


def test_the_bootstrap_covers_about_as_much_as_the_two_way_interval():
    rng = np.random.default_rng(0)
    people, things = np.indices((60, 40))
    y = (rng.random((60, 40)) < 0.5 + 0.2 * rng.normal(size=(60, 1)) + 0.1 * rng.normal(size=(1, 40))).astype(float)
    data = (y.ravel(), people.ravel(), things.ravel())
    two_way = mean_interval(*data, kind="two_way_95", is_proportion=True)
    bootstrap = mean_interval(*data, kind="bootstrap_95", is_proportion=True)
    assert bootstrap.high - bootstrap.low == pytest.approx(two_way.high - two_way.low, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_name_and_another_level_widens_or_keeps_it(kind):
    assert interval_name(kind)
    narrow = of(kind.replace("95", "80"))
    wide = of(kind.replace("95", "99"))
    assert wide.high - wide.low >= narrow.high - narrow.low


@pytest.mark.parametrize("kind", KINDS)
def test_one_participant_and_one_item_give_a_reason_instead_of_an_interval(kind):
    found = mean_interval([1, 0, 1], ["a"] * 3, ["x"] * 3, kind=kind, is_proportion=True)
    assert found.estimate == pytest.approx(2 / 3)
    if kind != "wilson_95":  # which takes responses for independent, whoever gave them
        assert found.low is None
        assert "only one" in found.problem


@pytest.mark.parametrize("kind", KINDS)
def test_no_responses_give_a_reason(kind):
    assert mean_interval([], [], [], kind=kind).problem == "there are no responses"


def test_all_answers_alike_give_a_reason():
    assert "no variation" in of("two_way_95", values=[1.0] * 12).problem


def test_an_unknown_interval_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="wilson_95"):
        of("standard_error")


@pytest.mark.parametrize("size", [1, 2, 7])
def test_holms_correction_of_many_families_is_that_of_statsmodels_of_each(size):
    families = np.random.default_rng(size).random((5, size)) ** 2
    families[3] = families[3, 0]  # ties
    expected = [multipletests(row, method="holm")[1] for row in families]
    assert np.allclose(holm_of_each(families), expected, rtol=1e-14)
    assert holm(list(families[0])) == pytest.approx(expected[0])


def test_holm_steps_down_and_counts_an_undefined_p_as_one():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.01, float("nan"), None]) == pytest.approx([0.03, 1.0, 1.0])
    assert holm([]) == []


@pytest.mark.parametrize(
    ("value", "decimals", "rule", "expected"),
    [
        (0.25, 1, "half_even", "0.2"),
        (0.35, 1, "half_even", "0.4"),
        (0.25, 1, "half_up", "0.3"),
        (47.79, 1, "truncate", "47.7"),
        (0.58 * 100, 0, "truncate", "58"),
        (-0.04, 1, "half_even", "0.0"),
        (-1.25, 1, "truncate", "−1.2"),
        (None, 1, "half_even", "–"),
        (float("nan"), 1, "half_even", "–"),
    ],
)
def test_rounding_follows_the_named_rule(value, decimals, rule, expected):
    assert rounded(value, decimals, rule) == expected


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.integers(0, 3))
def test_truncation_never_rounds_up(wins, losses, decimals):
    share = wins / (wins + losses)
    exact = wins * 100 * 10**decimals // (wins + losses)
    assert percent(share, decimals, "truncate") == f"{exact / 10**decimals:.{decimals}f}"


def test_numbers_are_printed_in_apa_style():
    assert without_zero(0.7741, 3) == ".774"
    assert without_zero(-0.31, 2) == "−.31"
    assert p_value(0.0341) == "p = .034"
    assert p_value(0.00002) == "p < .001"
    assert p_value(None) == "p undefined"
    assert p_value(1.0) == "p > .999"


def test_an_unknown_rounding_rule_is_refused():
    with pytest.raises(ValueError, match="truncate"):
        rounded(1.0, 1, "up")


def test_the_bootstrap_is_that_of_the_two_way_bootstrap_and_of_the_other_side_where_one_has_a_single_member():
    rng = np.random.default_rng(3)
    people, things = np.indices((12, 8)).reshape(2, -1)
    y = (rng.random(96) < 0.6).astype(float)
    found = mean_interval(y, people, things, kind="bootstrap_90", seed=5)
    low, high = two_way_bootstrap(lambda w: w @ y / w.sum(), people, things, seed=5).interval(0.9)
    assert (found.low, found.high) == (low[0], high[0])
    alone = mean_interval(y[:12], people[::8], np.zeros(12), kind="bootstrap_95")
    spread = y[:12].std() / np.sqrt(12)
    assert (alone.high - alone.low) / 2 == pytest.approx(1.96 * spread, rel=0.2)
