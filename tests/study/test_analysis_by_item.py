"""Accuracy by the network's outcome, by item and by class: opposite items read opposite; what is missing is named."""

import xml.etree.ElementTree as ET

import pytest
from statsmodels.stats.proportion import proportion_confint

from study.analysis import AnalysisError, Answers, by_item_and_class, by_network_outcome
from tests.study.made_answers import made


def split(right, wrong, conditions=("map",), participants=20, outcomes=(True, False)):
    """Items of even number have a right network; people are right on them with one share, on others with another."""
    answers = made(dict.fromkeys(conditions, 0.5), participants=participants, items=20)
    numbers = answers.responses["item"].map(lambda name: int(name.split()[1]))
    turn = (answers.responses.index // 20 * 7 + numbers * 3) % 20 / 20
    answers.responses["correct"] = turn < numbers.map(lambda number: (right, wrong)[number % 2])
    items = answers.items.assign(
        network_is_right=[outcomes[k % 2] for k in range(20)], truth_class=[f"class {k % 4}" for k in range(20)]
    )
    return Answers(answers.responses, answers.participants, items, answers.document)


def test_right_where_the_network_is_right_and_the_opposite_read_opposite():
    more = by_network_outcome.analyse(split(0.85, 0.3))
    assert more.sentence.startswith("People are more often right where the network was right")
    assert "the difference is clear" in more.answer
    less = by_network_outcome.analyse(split(0.3, 0.85))
    assert less.sentence.startswith("People are less often right where the network was right")
    ET.fromstring(more.figure)


def test_the_split_has_the_shares_of_the_data():
    answers = split(0.85, 0.3)
    found = by_network_outcome.analyse(answers)
    even = answers.responses["item"].map(lambda name: int(name.split()[1]) % 2 == 0)
    shares = {e.term: e.estimate for e in found.estimates}
    assert shares["network right"] == pytest.approx(answers.responses["correct"][even].mean())
    assert shares["network wrong"] == pytest.approx(answers.responses["correct"][~even].mean())


def test_no_difference_is_unclear_and_every_condition_has_its_note():
    found = by_network_outcome.analyse(split(0.5, 0.5, conditions=("map", "photo")))
    assert found.sentence.startswith("People are not clearly more or less often right")
    assert found.table["condition"].tolist() == ["all answers", "map", "photo"]


def test_items_without_outcome_or_with_one_only_get_a_sentence():
    with pytest.raises(AnalysisError, match="Neither the items nor the answers say whether the network was right"):
        by_network_outcome.analyse(made({"map": 0.5}))
    with pytest.raises(AnalysisError, match="has a key to be right or wrong by"):
        by_network_outcome.analyse(made({"map": 0.5}, value="rating"))
    with pytest.raises(AnalysisError, match="there are: network right"):
        by_network_outcome.analyse(split(0.5, 0.5, outcomes=(True, True)))
    assert "cannot be said" in by_network_outcome.analyse(split(1.1, 1.1, participants=1)).sentence


def test_hard_and_easy_items_and_classes_are_named_with_their_counts():
    answers = split(1.1, 0.1)
    found = by_item_and_class.analyse(answers)
    assert "The hardest of the 4 classes is “class " in found.answer
    assert "goes from " in found.sentence
    row = found.table[(found.table["of"] == "item") & (found.table["which"] == "item 3")].iloc[0]
    own = answers.responses[answers.responses["item"] == "item 3"]["correct"]
    low, high = proportion_confint(own.sum(), 20, method="wilson")
    assert row["map"] == f"{100 * own.mean():.0f}% [{100 * low:.0f}, {100 * high:.0f}], {own.sum()} of 20"
    ET.fromstring(found.figure)


def test_all_alike_no_items_and_many_items_are_said():
    assert "have the same share of right answers, 100%" in by_item_and_class.analyse(split(1.1, 1.1)).answer
    assert "3 lowest of 4" in by_item_and_class.analyse(split(0.9, 0.2), most=3).notes[0]
    answers = split(0.5, 0.5)
    answers.responses["item"] = None
    with pytest.raises(AnalysisError, match="both an item and a key"):
        by_item_and_class.analyse(answers)
