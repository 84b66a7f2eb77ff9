"""Signal detection: d′ agrees with the engines, opposite data read opposite, and a leaning is told apart."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from study.analysis import AnalysisError, signal_detection
from study.statistics.detection import forced_choice, yes_no
from tests.study.made_answers import CONTROLLED, made

FEW = {"replicates": 300}


def agreeing(hits, false_alarms, conditions=("map",)):
    """Half of the items have a right label; the shares that say yes where it is right and where it is wrong."""
    answers = made(dict.fromkeys(conditions, 0.5), participants=20, items=20, chance=0.5)
    rng = np.random.default_rng(1)
    responses = answers.responses
    is_right = responses["item"].map(lambda name: int(name.split()[1]) % 2 == 0)
    says = rng.random(len(responses)) < np.where(is_right, hits, false_alarms)
    responses["trial_type"] = "agree_with_label"
    responses["answer_key"] = np.where(is_right, "yes", "no")
    responses["response"] = np.where(says, "yes", "no")
    responses["correct"] = responses["answer_key"] == responses["response"]
    return answers


def test_a_choice_among_several_has_the_engines_dprime():
    answers = made({"class_model": 0.7, "blind": 0.25}, roles=CONTROLLED)
    found = signal_detection.analyse(answers, **FEW)
    own = answers.responses[answers.responses["condition"] == "class_model"]
    expected = forced_choice(int(own["correct"].sum()), len(own), 4).dprime
    assert found.estimates[0].estimate == pytest.approx(expected, abs=1e-3)
    assert found.sentence.startswith("People tell right from wrong better with “class model” than with “blind”")
    ET.fromstring(found.figure)


def test_the_opposite_and_no_difference_read_so():
    less = signal_detection.analyse(made({"class_model": 0.3, "blind": 0.8}, roles=CONTROLLED), **FEW)
    assert "less well with “class model” than with “blind”" in less.sentence
    same = signal_detection.analyse(made({"class_model": 0.5, "blind": 0.5}, roles=CONTROLLED, seed=1), **FEW)
    assert "not clearly differently well" in same.sentence


def test_a_positive_control_that_others_are_compared_with_is_not_compared_with_itself():
    roles = {"photo": "positive_control", "blind": "blind_control"}
    answers = made({"class_model": 0.7, "photo": 0.9, "blind": 0.25}, roles=roles)
    found = signal_detection.analyse(answers, control="photo", **FEW)
    compared = [one.term for one in found.estimates if "−" in one.term]
    assert compared == ["class_model − photo: d′", "blind − photo: d′"]


def test_yes_and_no_have_sensitivity_and_criterion():
    answers = agreeing(0.8, 0.2)
    found = signal_detection.analyse(answers, **FEW)
    rows = answers.responses
    right = rows["answer_key"] == "yes"
    yes = rows["response"] == "yes"
    expected = yes_no(int((right & yes).sum()), int(right.sum()), int((~right & yes).sum()), int((~right).sum()))
    assert found.estimates[0].estimate == pytest.approx(expected.dprime)
    assert found.estimates[1].estimate == pytest.approx(expected.criterion)
    assert found.sentence.startswith("People can tell right from wrong")
    assert "lean clearly to neither" in found.sentence


def test_who_always_says_yes_tells_nothing_and_leans():
    found = signal_detection.analyse(agreeing(0.9, 0.9), **FEW)
    assert "is not clear: d′" in found.sentence
    assert "lean to “yes”" in found.sentence
    assert "lean to “no”" in signal_detection.analyse(agreeing(0.1, 0.1), **FEW).sentence


def test_who_takes_wrong_for_right_reads_so():
    assert "take the wrong answer for the right" in signal_detection.analyse(agreeing(0.1, 0.9), **FEW).sentence


def test_what_has_no_dprime_gets_a_sentence():
    alone = signal_detection.analyse(made({"class_model": 0.7}, participants=1), **FEW)
    assert "cannot be said" in alone.sentence
    assert "at least two participants" in alone.sentence
    with pytest.raises(AnalysisError, match="two answer keys"):
        signal_detection.analyse(made({"class_model": 0.7}).__class__(
            made({"class_model": 0.7}).responses.assign(answer_key="goose", response="goose"),
            *(getattr(made({"class_model": 0.7}), name) for name in ("participants", "items", "document")),
        ), kind="yes_no")  # fmt: skip
    with pytest.raises(AnalysisError, match="one chance level"):
        signal_detection.analyse(made({"class_model": 0.7}, chance=None), **FEW)


def test_conditions_whose_answers_are_all_right_are_not_compared_by_their_correction():
    found = signal_detection.analyse(made({"class_model": 1.0, "blind": 1.0}), **FEW)
    assert "cannot be said: all answers with both are alike" in found.sentence
    assert any("Every answer with “class model” is right" in note for note in found.notes)
