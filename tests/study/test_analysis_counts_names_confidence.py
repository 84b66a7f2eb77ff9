"""Counts, free naming and confidence: opposite answers read opposite, and absent columns are named."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from study.analysis import AnalysisError, Answers, confidence, counts, free_naming
from study.statistics.detection import roc
from tests.study.made_answers import CONTROLLED, made

PAIR = {"class_model": 0.8, "blind": 0.2}
OPPOSITE = {"class_model": 0.2, "blind": 0.8}


def answered(probabilities, trial_type, right, wrong, **settings):
    answers = made(probabilities, roles=CONTROLLED, **settings)
    rows = answers.responses.assign(trial_type=trial_type, task=trial_type)
    rows["response"] = np.where(rows["correct"].astype(bool), right, wrong)
    rows["answer_key"] = "goose, Anser"
    return Answers(rows.assign(correct=None), answers.participants, answers.items, answers.document)


def test_one_goose_and_many_read_opposite():
    one = counts.analyse(answered(PAIR, "count_instances", "one", "more"))
    assert one.sentence.startswith("People saw exactly one more often with “class model”")
    many = counts.analyse(answered(OPPOSITE, "count_instances", "1", "7"))
    assert many.sentence.startswith("People saw exactly one less often with “class model”")
    ET.fromstring(one.figure)
    alike = counts.analyse(answered({"a": 0.5, "b": 0.5}, "count_instances", "one", "two"))
    assert alike.answer.startswith("There is no clear difference between “a”")


def test_the_distribution_has_who_cannot_tell_and_leaves_them_out_of_the_share():
    answers = answered(PAIR, "count_instances", "one", "cannot tell")
    found = counts.analyse(answers)
    share = (answers.responses["response"] == "cannot tell").groupby(answers.responses["condition"]).mean()
    assert found.table["says cannot tell"].tolist() == [f"{100 * share[name]:.0f}%" for name in PAIR]
    assert "could not tell how many; they are left out" in found.notes[0]
    assert "cannot be said" in found.sentence  # every number was one


def test_where_nobody_counts_it_says_so():
    with pytest.raises(AnalysisError, match="counts instances"):
        counts.analyse(answered(PAIR, "rate", "one", "two"))
    with pytest.raises(AnalysisError, match="how many"):
        counts.analyse(answered(PAIR, "count_instances", "cannot tell", "cannot tell"))


def test_naming_and_its_opposite_read_opposite():
    named = free_naming.analyse(answered(PAIR, "name_freely", "some Geese? no, a GOOSE", "a teapot"))
    assert named.sentence.startswith("People named the class more often with “class model”")
    assert "“a teapot”" in named.notes[0]
    assert free_naming.analyse(answered(OPPOSITE, "name_freely", "goose", "dog")).answer.startswith(
        "People named the class less often"
    )


@pytest.mark.parametrize(
    ("said", "label", "is_right"),
    [
        ("Goose!", "goose", True),
        ("two gooses", "goose", True),
        ("a dalmation", "dalmatian", True),
        ("car", "cat", False),
        ("a keyboard", "computer keyboard", False),
        ("keyboard of a computer", "computer keyboard", True),
        ("coach dog", "dalmatian, coach dog, carriage dog", True),
        ("mongoose", "goose", False),
        ("gander", "goose", True),
        ("", "goose", False),
        ("strauss", "Strauß", True),
    ],
)
def test_an_answer_matches_a_label_by_whole_words_synonyms_and_small_misspellings(said, label, is_right):
    assert free_naming.is_match(said, label, {"goose": ["gander"]}, 0.85) is is_right


def test_where_nothing_was_to_be_named_it_says_so():
    answers = answered(PAIR, "name_freely", "goose", "dog")
    answers.responses["answer_key"] = None
    with pytest.raises(AnalysisError, match="which class was to be named"):
        free_naming.analyse(answers)
    with pytest.raises(AnalysisError, match="names freely"):
        free_naming.analyse(answered(PAIR, "rate", "goose", "dog"))


def sure(gain, seed=0):
    answers = made({"map": 0.5}, participants=20, items=20)
    rng = np.random.default_rng(seed)
    right = answers.responses["correct"].astype(bool)
    answers.responses["confidence"] = np.clip(np.round(3 + gain * (right - 0.5) + rng.normal(size=len(right))), 1, 5)
    return answers


def test_surer_when_right_and_when_wrong_read_opposite():
    knowing = confidence.analyse(sure(2.0), replicates=200)
    assert knowing.sentence.startswith("People are surer when they are right")
    assert knowing.answer.startswith("People knew when they were right")
    assert confidence.analyse(sure(-2.0), replicates=200).answer.startswith("People were surer when they were wrong")
    assert "not clearly surer" in confidence.analyse(sure(0.0), replicates=200).sentence
    ET.fromstring(knowing.figure)


def test_it_is_the_engines_area_and_the_accuracy_at_each_level():
    answers = sure(1.0)
    found = confidence.analyse(answers, replicates=100)
    rows = answers.responses
    assert found.estimates[0].estimate == pytest.approx(roc(rows["confidence"], rows["correct"].astype(bool)).area)
    highest = next(e for e in found.estimates if e.term == "right at confidence 5")
    assert highest.estimate == pytest.approx(rows[rows["confidence"] == 5]["correct"].mean())


def test_confidence_that_says_nothing_gets_a_sentence():
    with pytest.raises(AnalysisError, match="nobody was asked how sure"):
        confidence.analyse(made({"map": 0.5}))
    same = sure(1.0)
    same.responses["confidence"] = 3
    assert "everybody was equally sure" in confidence.analyse(same, replicates=100).sentence
    always = sure(1.0)
    always.responses["correct"] = True
    assert "all answers are right" in confidence.analyse(always, replicates=100).sentence
