"""Response times: ratios of times with the design's unit, medians, and what is left out."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from study.analysis import AnalysisError, response_times
from tests.study.made_answers import CONTROLLED, made


def timed(seconds, **settings):
    answers = made(dict.fromkeys(seconds, 0.5), roles=CONTROLLED, participants=15, items=10, **settings)
    rng = np.random.default_rng(3)
    base = answers.responses["condition"].map(seconds).astype(float)
    person = answers.responses["participant"].map(lambda name: 0.1 * np.sin(int(name[1:])))
    answers.responses["response_ms"] = 1000 * base * np.exp(person + 0.3 * rng.normal(size=len(base)))
    answers.responses["is_timed_out"] = None
    return answers


def test_slower_and_faster_read_opposite():
    slower = response_times.analyse(timed({"class_model": 3.0, "blind": 2.0}))
    assert slower.sentence.startswith("People took longer with “class model” (typically ")
    assert "times as long" in slower.sentence
    faster = response_times.analyse(timed({"class_model": 2.0, "blind": 3.0}))
    assert faster.sentence.startswith("People took less time with “class model”")
    assert "People took less time with “class model” (typically " in faster.answer
    ET.fromstring(slower.figure)


def test_the_ratio_is_that_of_the_times():
    found = response_times.analyse(timed({"class_model": 3.0, "blind": 2.0}))
    ratio = next(e for e in found.estimates if e.term == "class_model / blind")
    assert ratio.low < 1.5 < ratio.high
    assert ratio.estimate == pytest.approx(1.5, abs=0.15)


def test_no_difference_reads_as_unclear():
    found = response_times.analyse(timed({"class_model": 2.0, "blind": 2.0}))
    assert found.sentence.startswith("There is no clear difference in time between")
    assert "There is no clear difference between “class model” (typically " in found.answer


def test_absent_negative_and_late_times_are_left_out_and_counted():
    answers = timed({"class_model": 3.0, "blind": 2.0})
    column = answers.responses.columns.get_loc("response_ms")
    answers.responses.iloc[0, column] = -5.0
    answers.responses.iloc[1, column] = None
    answers.responses.loc[2, "is_timed_out"] = True
    found = response_times.analyse(answers)
    assert found.notes[0] == "3 of 300 answers without a response time above 0, or timed out, are left out."


def test_no_times_and_one_condition_get_a_sentence():
    answers = timed({"class_model": 3.0, "blind": 2.0})
    answers.responses["response_ms"] = None
    with pytest.raises(AnalysisError, match="response time above 0"):
        response_times.analyse(answers)
    assert response_times.analyse(timed({"class_model": 2.0})).sentence.startswith("The median response time is")


def test_equal_times_of_all_have_no_test():
    answers = timed({"class_model": 2.0, "blind": 2.0})
    answers.responses["response_ms"] = 1500.0
    found = response_times.analyse(answers)
    assert "cannot be said" in found.sentence


def test_times_of_whole_participations_are_told_from_times_of_answers():
    answers = timed({"class_model": 2.0, "blind": 2.0})
    answers.responses["response_ms"] = answers.responses["participant"].map(lambda name: 1e5 + 1e3 * int(name[1:]))
    with pytest.raises(AnalysisError, match="a time of the whole participation"):
        response_times.analyse(answers)
