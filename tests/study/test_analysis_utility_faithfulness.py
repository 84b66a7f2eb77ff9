"""Utility-K and faithfulness against sense: opposite data read opposite; too few methods or no K get a sentence."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from study.analysis import AnalysisError, Answers, faithfulness_against_sense, utility
from study.statistics.utility import utility as engine
from tests.study.made_answers import CONTROLLED, made

FEW = {"replicates": 300}


def predicted(explained, plain, **settings):
    answers = made({"map": explained, "blind": plain}, roles=CONTROLLED, participants=20, items=18, **settings)
    answers.responses["k"] = answers.responses["item"].map(lambda name: (5, 10, 15)[int(name.split()[1]) % 3])
    return answers


def test_help_and_harm_read_opposite():
    helps = utility.analyse(predicted(0.8, 0.5), **FEW)
    assert helps.sentence.startswith("“map” helps people to predict the network, compared with “blind”: ratio")
    assert helps.answer == "“map” helps people to predict the network, compared with “blind”."
    assert utility.analyse(predicted(0.4, 0.8), **FEW).sentence.startswith("“map” keeps people from predicting")
    assert "does not clearly help" in utility.analyse(predicted(0.6, 0.6), **FEW).sentence
    ET.fromstring(helps.figure)


def test_ratio_and_difference_are_the_engines():
    answers = predicted(0.8, 0.5)
    rows = answers.responses
    expected = engine(
        rows["correct"].astype(float), rows["k"], rows["condition"] == "map", rows["participant"], replicates=50
    )
    found = {e.term: e.estimate for e in utility.analyse(answers, **FEW).estimates}
    assert found["utility at K = 10"] == pytest.approx(expected.ratio[1])
    assert found["difference from blind, mean over K"] == pytest.approx(expected.difference_area)


def test_no_k_no_control_and_one_participant_get_a_sentence():
    with pytest.raises(AnalysisError, match="how many examples were seen"):
        utility.analyse(made({"map": 0.5, "blind": 0.5}, roles=CONTROLLED))
    with pytest.raises(AnalysisError, match="condition without explanation"):
        utility.analyse(Answers(predicted(0.5, 0.5).responses, predicted(0.5, 0.5).participants, None, {}))
    alone = predicted(0.8, 0.5)
    rows = alone.responses[alone.responses["participant"].isin(["p000", "p020"])]
    found = utility.analyse(Answers(rows, alone.participants, alone.items, alone.document), **FEW)
    assert "cannot be said: an arm has one participant" in found.sentence


def measured(direction, methods=8, value="correct"):
    shares = {f"method_{k}": 0.1 + 0.8 * k / (methods - 1) for k in range(methods)}
    answers = made(shares, participants=12, items=10, value=value, spread=0.2)
    rng = np.random.default_rng(0)
    columns = {f"deletion:{name}": direction * share + 0.02 * rng.normal(size=10) for name, share in shares.items()}
    return Answers(answers.responses, answers.participants, answers.items.assign(**columns), answers.document)


def test_faithful_methods_that_make_sense_and_the_opposite_read_opposite():
    more = faithfulness_against_sense.analyse(measured(1), **FEW)
    assert more.sentence.startswith("Methods with more deletion make more sense to people (8 methods:")
    assert more.answer == "Methods with more deletion make more sense to people."
    assert more.tests[0].unit == "methods"
    less = faithfulness_against_sense.analyse(measured(-1, value="rating"), **FEW)
    assert less.sentence.startswith("Methods with more deletion make less sense to people")
    unclear = faithfulness_against_sense.analyse(measured(0), **FEW)
    assert "do not clearly make more or less sense" in unclear.sentence
    ET.fromstring(more.figure)


def test_under_six_methods_are_too_few():
    found = faithfulness_against_sense.analyse(measured(1, methods=5), **FEW)
    assert "5 methods are too few for a correlation over methods" in found.sentence
    assert not found.tests


def test_items_without_measurements_get_a_sentence():
    with pytest.raises(AnalysisError, match="no measurements of the conditions’ pictures"):
        faithfulness_against_sense.analyse(made({"map": 0.5}))
    with pytest.raises(AnalysisError, match="no measurement “insertion”"):
        faithfulness_against_sense.analyse(measured(1), metric="insertion")
