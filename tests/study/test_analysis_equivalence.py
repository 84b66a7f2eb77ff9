"""Equivalence: every verdict has its sentence, and none is given without a positive control that works."""

import xml.etree.ElementTree as ET

import pytest
from scipy import stats

from study.analysis import AnalysisError, equivalence
from tests.study.made_answers import made

ROLES = {"blind": "blind_control", "photo": "positive_control"}


def found(first, second, /, blind=0.25, photo=0.97, participants=80, items=40, spread=0.1, roles=ROLES, **options):
    answers = made(
        {"deconvnet": first, "gradient": second, "blind": blind, "photo": photo},
        roles=roles,
        participants=participants,
        items=items,
        spread=spread,
    )
    return equivalence.analyse(answers, **options)


def test_two_that_do_equally_well_are_equivalent():
    same = found(0.6, 0.6)
    assert same.sentence.startswith("“deconvnet” and “gradient” are equivalent within ±")
    assert "a third of what the positive control gained over the blind control" in same.sentence
    assert "do equally well" in same.answer


def test_two_that_differ_are_not_and_the_better_is_named():
    assert "not shown to be equivalent: “deconvnet” does better" in found(0.85, 0.4).sentence
    assert "not shown to be equivalent: “gradient” does better" in found(0.4, 0.85).sentence


def test_a_small_clear_difference_is_called_smaller_than_the_margin():
    small = found(0.65, 0.58, participants=200, items=60, spread=0.02)
    assert small.sentence.startswith("“deconvnet” does better than “gradient”, but by less than the margin of ±")


def test_few_answers_leave_it_open():
    assert found(0.5, 0.5, participants=4, items=5).answer.startswith("It is open whether")


def test_nothing_is_claimed_where_the_positive_control_shows_nothing():
    nothing = found(0.5, 0.5, blind=0.5, photo=0.5, margin=20.0, reason="what a reader would notice")
    assert nothing.sentence.startswith("Nothing is claimed about the equivalence")
    assert "cannot tell" in nothing.answer


def test_a_positive_control_below_the_blind_one_gives_no_margin():
    assert "cannot be said: the positive control is no better" in found(0.5, 0.5, blind=0.9, photo=0.3).sentence


def test_without_controls_a_margin_needs_its_reason_and_the_claim_a_caution():
    with pytest.raises(AnalysisError, match="needs a margin"):
        found(0.6, 0.6, roles={}, first="deconvnet", second="gradient")
    with pytest.raises(AnalysisError, match="reason"):
        found(0.6, 0.6, margin=15.0)
    with pytest.raises(AnalysisError, match="for 5 % of the answers give margin = 5"):
        found(0.6, 0.6, margin=0.05, reason="a share for points")
    given = found(0.6, 0.6, roles={}, first="deconvnet", second="gradient", margin=15.0, reason="what pays")
    assert "margin ±15.0 percentage points (what pays)" in given.sentence
    assert "Without a positive and a blind control nobody knows" in given.sentence


def test_the_p_is_that_of_two_one_sided_t_tests_over_the_designs_units():
    one = found(0.6, 0.6, margin=15.0, reason="what pays")
    estimate = one.estimates[0]
    test = next(t for t in one.tests if "by the margin or more" in t.name)
    se = (estimate.high - estimate.low) / 2 / stats.t.isf(0.05, test.df)
    sides = stats.t.sf((estimate.estimate + 0.15) / se, test.df), stats.t.cdf((estimate.estimate - 0.15) / se, test.df)
    assert test.p == pytest.approx(max(sides))
    assert test.unit == "participants and items"
    assert test.df < 160


def test_wrong_names_and_single_participants_get_a_sentence():
    with pytest.raises(AnalysisError, match="no condition “guided”"):
        found(0.6, 0.6, first="guided", second="gradient")
    assert "cannot be said: one of the two conditions has a single" in found(0.6, 0.6, participants=1).sentence
    ET.fromstring(found(0.6, 0.6).figure)


def test_answers_without_the_value_are_told_of_the_other_and_a_reason_may_be_a_sentence():
    with pytest.raises(AnalysisError, match="has a key to be right or wrong by; value = “rating” may be meant"):
        equivalence.analyse(made({"map": 0.5, "photo": 0.9}, value="rating"))
    found = equivalence.analyse(made({"map": 0.7, "photo": 0.7}), margin=5.0, reason="Less matters to nobody.")
    assert "Less matters to nobody. Nothing is claimed" in found.method
