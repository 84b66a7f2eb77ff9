"""Agreement and reliability: full and no agreement read opposite; no variation is undefined, not a number."""

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from study.analysis import AnalysisError, Answers, agreement, reliability
from study.statistics.agreement import krippendorff_alpha
from tests.study.made_answers import made

FEW = {"replicates": 200}


def rated(noise, conditions=("map",), seed=0):
    answers = made(dict.fromkeys(conditions, 0.5), value="rating", participants=10, items=20)
    rng = np.random.default_rng(seed)
    place = answers.responses["item"].map(lambda name: int(name.split()[1]) % 7 + 1)
    answers.responses["rating"] = np.where(
        rng.random(len(place)) < noise, rng.integers(1, 8, len(place)), place
    ).astype(float)
    return answers


def named(noise):
    answers = rated(noise)
    answers.responses["response"] = answers.responses["rating"].map(lambda value: f"class {value:g}")
    answers.responses["rating"] = None
    return answers


def test_agreement_and_none_read_opposite():
    assert "people agree well enough to rely on" in agreement.analyse(rated(0.02), **FEW).sentence
    assert "it is not clear that people agree at all" in agreement.analyse(rated(1.0), **FEW).sentence
    assert "people agree little" in agreement.analyse(rated(0.6), **FEW).sentence


def test_an_interval_without_width_is_not_taken_for_sureness():
    answers = rated(0.0)
    rows = answers.responses[answers.responses["item"].isin(["item 0", "item 1"])]
    rows = rows[rows["participant"].isin(rows["participant"].unique()[:2])]
    rows = rows.assign(rating=[1.0, 2.0, 2.0, 1.0])
    found = agreement.analyse(Answers(rows, answers.participants, answers.items, answers.document), **FEW)
    assert "With “map” it cannot be said how sure people’s agreement is" in found.sentence


def test_an_interval_below_nought_is_no_agreement_not_its_opposite():
    """Answers by chance have such intervals far more often than they should where the items are few."""
    found = agreement.analyse(rated(1.0, seed=34), **FEW)
    assert found.estimates[0].high < 0
    assert "it is not clear that people agree at all" in found.sentence


def test_it_is_the_engines_alpha():
    answers = rated(0.5)
    table = answers.responses.pivot(index="participant", columns="item", values="rating").to_numpy(float)
    found = agreement.analyse(answers, **FEW)
    assert found.estimates[0].estimate == pytest.approx(krippendorff_alpha(table, "ordinal").estimate)
    ET.fromstring(found.figure)


def test_named_answers_have_fleiss_kappa_too():
    found = agreement.analyse(named(0.3), **FEW)
    terms = {e.term: e.estimate for e in found.estimates}
    assert terms["Fleiss’ kappa"] == pytest.approx(terms["Krippendorff’s alpha"], abs=0.02)


def test_all_the_same_is_undefined():
    answers = rated(0)
    answers.responses["rating"] = 4.0
    assert (
        "it cannot be said how far people agree: agreement is undefined: there is no variation"
        in agreement.analyse(answers, **FEW).sentence
    )
    assert "cannot be said" in reliability.analyse(answers, **FEW).sentence


def test_one_rater_and_no_items_get_a_sentence():
    answers = rated(0.5)
    alone = Answers(
        answers.responses[answers.responses["participant"] == "p000"],
        answers.participants,
        answers.items,
        answers.document,
    )
    assert "no item was judged by two raters" in agreement.analyse(alone, **FEW).sentence
    assert "at least three items with two judgements" in reliability.analyse(alone, **FEW).sentence
    answers.responses["rating"] = None
    with pytest.raises(AnalysisError, match="no rating, response or correct"):
        agreement.analyse(answers, **FEW)


def test_two_conditions_are_ordered_by_their_agreement():
    answers = rated(0.05, conditions=("map", "noise"))
    rng = np.random.default_rng(2)
    is_noise = answers.responses["condition"] == "noise"
    answers.responses.loc[is_noise, "rating"] = rng.integers(1, 8, is_noise.sum()).astype(float)
    assert agreement.analyse(answers, **FEW).answer.startswith("People agreed most with “map”")


def test_repeatable_items_and_noise_read_opposite():
    assert "much the same way" in reliability.analyse(rated(0.1), **FEW).sentence
    noise = reliability.analyse(rated(1.0), **FEW)
    assert "may well order the items differently" in noise.sentence
    ET.fromstring(noise.figure)


@pytest.mark.parametrize("phase", ["repeat", "main"])  # as Gander schedules them, and as a table may have them
def test_repeated_trials_are_compared_with_their_first_answers(phase):
    answers = rated(0.1)
    again = answers.responses[answers.responses["item"] == "item 3"].assign(phase=phase)
    again["rating"] = again["rating"].where(again.index % 40 != 3, 7.0)
    both = pd.concat([answers.responses, again], ignore_index=True)
    both["position"] = range(len(both))
    found = reliability.analyse(Answers(both, answers.participants, answers.items, answers.document), **FEW)
    first = answers.responses[answers.responses["item"] == "item 3"]["rating"].to_numpy()
    share = next(e for e in found.estimates if e.term == "repeated trials answered alike")
    assert share.estimate == pytest.approx((first == again["rating"].to_numpy()).mean())
    assert share.responses == 10
    assert "Of 10 repeated trials people answered" in found.sentence
